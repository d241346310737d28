/**
 * The world as a verb sees it: two streams, the environment, the folder, and Ctrl-C. `main.ts` makes one from the
 * process, tests make one from strings. Invariant: data goes to `stdout`, everything else to `stderr`.
 */

export interface TerminalStream {
  write(text: string): void;
  readonly isTTY: boolean;
  /** Characters in a line; 80 where nobody knows. */
  readonly columns: number;
  readonly rows: number;
}

export type Interrupt = 'SIGINT' | 'SIGTERM';

export interface Terminal {
  readonly stdout: TerminalStream;
  readonly stderr: TerminalStream;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Calls back at each Ctrl-C and SIGTERM; returns the unsubscribe. */
  onInterrupt(listener: (interrupt: Interrupt) => void): () => void;
}

/** Whether escape codes for colour may go to this stream: FORCE_COLOR, then NO_COLOR, CLICOLOR=0, TERM=dumb, then whether it is a TTY. */
export function hasColour(stream: TerminalStream, env: Terminal['env']): boolean {
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  const refused = env['NO_COLOR'];
  if (refused !== undefined && refused !== '') return false;
  if (env['CLICOLOR'] === '0' || env['TERM'] === 'dumb') return false;
  return stream.isTTY;
}

/** Whether the terminal shows more than ASCII, by the locale's first word on it. */
export function hasUnicode(env: Terminal['env'], platform: string = process.platform): boolean {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find((value) => value !== undefined && value !== '');
  if (locale === undefined) return platform === 'win32' || platform === 'darwin';
  return /utf-?8/i.test(locale);
}

export type Paint = (text: string) => string;

export interface Style {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
}

const plain: Paint = (text) => text;
const code =
  (open: number, close: number): Paint =>
  (text) =>
    `\u001B[${open}m${text}\u001B[${close}m`;

/** Colour only ever repeats what a word says already. */
export function styleOf(stream: TerminalStream, env: Terminal['env']): Style {
  if (!hasColour(stream, env)) return { bold: plain, dim: plain, red: plain, green: plain, yellow: plain };
  return { bold: code(1, 22), dim: code(2, 22), red: code(31, 39), green: code(32, 39), yellow: code(33, 39) };
}

export interface Symbols {
  readonly bar: string;
  readonly dash: string;
  readonly arrow: string;
  readonly ellipsis: string;
  readonly micro: string;
}

export function symbolsOf(env: Terminal['env']): Symbols {
  return hasUnicode(env)
    ? { bar: '█', dash: '–', arrow: '→', ellipsis: '…', micro: 'µs' }
    : { bar: '#', dash: '-', arrow: '->', ellipsis: '...', micro: 'us' };
}

/** Colour, symbols and width for stdout together; a pipe has no width. */
export function statusStyle(terminal: Terminal): Style & Symbols & { readonly columns: number | undefined } {
  const { stdout, env } = terminal;
  return { ...styleOf(stdout, env), ...symbolsOf(env), columns: stdout.isTTY ? stdout.columns : undefined };
}
