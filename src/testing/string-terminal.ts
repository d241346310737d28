/** A terminal made of strings, for tests of the command line. */
import type { Interrupt, Terminal } from '../cli/terminal.ts';

export interface StringTerminal extends Terminal {
  readonly out: () => string;
  readonly err: () => string;
  interrupt(interrupt?: Interrupt): void;
}

export interface StringTerminalOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly isTTY?: boolean;
  readonly stdin?: string | Uint8Array;
  /** Called after each write to stdout. */
  readonly onWrite?: (out: string) => void;
}

export function stringTerminal(options: StringTerminalOptions = {}): StringTerminal {
  const { isTTY = false, env = {}, cwd = '/nowhere', stdin = '' } = options;
  const written = { out: '', err: '' };
  const listeners = new Set<(interrupt: Interrupt) => void>();
  const stream = (name: 'out' | 'err') => ({
    write(text: string): void {
      written[name] += text;
      if (name === 'out') options.onWrite?.(written.out);
    },
    isTTY,
    columns: 100,
    rows: 30,
  });
  return {
    stdout: stream('out'),
    stderr: stream('err'),
    stdin: (async function* () {
      yield typeof stdin === 'string' ? Buffer.from(stdin) : stdin;
    })(),
    // Nothing of the machine that the test runs on: no home, no data directory of its own.
    env: { LANG: 'C.UTF-8', USER: 'ada', HOME: '/nowhere', ...env },
    cwd,
    onInterrupt(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    out: () => written.out,
    err: () => written.err,
    interrupt: (interrupt = 'SIGINT') => {
      for (const listener of listeners) listener(interrupt);
    },
  };
}
