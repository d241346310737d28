/**
 * `up --detach`: the same command again in a session of its own. Until it serves, what it says comes over its IPC
 * channel and is shown here; then it is let go. Later words of its own go nowhere: its log is in the data directory.
 */
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { modulePath } from '../module-path.ts';
import { logFileName } from '../store/data-directory.ts';
import { directoryError } from '../store/directory-failure.ts';
import { makeDirectory } from '../store/make-directory.ts';
import { dataDirectoryPath } from './data-directory-path.ts';
import { flag, stringOption, type Invocation } from './declaration.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';
import type { Terminal, TerminalStream } from './terminal.ts';

type FromChild =
  | { readonly kind: 'text'; readonly stream: 'stdout' | 'stderr'; readonly text: string }
  | { readonly kind: 'serving'; readonly code: ExitCode };

export async function startDetached(invocation: Invocation): Promise<ExitCode> {
  const { terminal, positionals } = invocation;
  const dataDirectory = dataDirectoryPath(invocation);
  const logPath = join(dataDirectory, logFileName);
  const log = openLog(dataDirectory, logPath);
  const spec = positionals[0] === undefined ? [] : [resolve(terminal.cwd, positionals[0])];
  const args = ['up', ...spec, '--detached', '--data-dir', dataDirectory, ...passedOn(invocation)];
  const child = spawn(process.execPath, [modulePath(import.meta.url, './main'), ...args], {
    cwd: terminal.cwd,
    env: { ...terminal.env },
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
  const unsubscribe = terminal.onInterrupt(() => child.kill('SIGTERM'));
  try {
    return await new Promise<ExitCode>((settle, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        if (signal !== null) terminal.stderr.write(`  ended by ${signal}; its log: ${logPath}\n`);
        settle((code ?? exitCodes.failed) as ExitCode);
      });
      child.on('message', (message: FromChild) => {
        if (message.kind === 'text') {
          terminal[message.stream].write(message.text);
          return;
        }
        terminal.stderr.write(`  detached: pid ${child.pid}, log ${logPath}; stop it with flyball down\n`);
        settle(message.code);
      });
    });
  } finally {
    unsubscribe();
    if (child.connected) child.disconnect();
    child.unref();
  }
}

function openLog(dataDirectory: string, logPath: string): number {
  try {
    makeDirectory(dataDirectory);
    return openSync(logPath, 'a', 0o600);
  } catch (error) {
    throw directoryError(dataDirectory, error);
  }
}

function passedOn({ values }: Invocation): string[] {
  const level = stringOption(values, 'log-level');
  return [
    ...['demo', 'insecure', 'verbose'].filter((name) => flag(values, name)).map((name) => `--${name}`),
    ...(level === undefined ? [] : ['--log-level', level]),
  ];
}

/** On the detached side: words go to the parent as long as there is one. */
export function parentTerminal(terminal: Terminal): { readonly terminal: Terminal; release(code: ExitCode): void } {
  const send = (message: FromChild): void => {
    // Between the check and the sending the parent may have gone: that is no error of ours.
    if (process.connected) process.send?.(message, undefined, undefined, () => {});
  };
  const streamTo = (stream: 'stdout' | 'stderr'): TerminalStream => ({
    write: (text) => send({ kind: 'text', stream, text }),
    isTTY: false,
    columns: 80,
    rows: 24,
  });
  return {
    terminal: { ...terminal, stdout: streamTo('stdout'), stderr: streamTo('stderr') },
    release: (code) => send({ kind: 'serving', code }),
  };
}
