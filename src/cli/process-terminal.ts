/**
 * The terminal of this process. A reader that goes away (`| head`) ends the output quietly, as it does for any tool;
 * Ctrl-C ends the process at once when nobody listens for it.
 */
import type { Interrupt, Terminal, TerminalStream } from './terminal.ts';

function streamOf(stream: NodeJS.WriteStream): TerminalStream {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
  return {
    write: (text) => void stream.write(text),
    get isTTY() {
      return stream.isTTY;
    },
    get columns() {
      return stream.columns ?? 80;
    },
    get rows() {
      return stream.rows ?? 24;
    },
  };
}

export function processTerminal(): Terminal {
  return {
    stdout: streamOf(process.stdout),
    stderr: streamOf(process.stderr),
    get stdin() {
      return process.stdin as AsyncIterable<Uint8Array>;
    },
    env: process.env,
    cwd: process.cwd(),
    onInterrupt(listener) {
      const handler = (interrupt: NodeJS.Signals): void => listener(interrupt as Interrupt);
      process.on('SIGINT', handler);
      process.on('SIGTERM', handler);
      return () => {
        process.off('SIGINT', handler);
        process.off('SIGTERM', handler);
      };
    },
  };
}
