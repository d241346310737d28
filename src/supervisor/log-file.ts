/**
 * One bounded log file for all processes: at `bytesMax` it becomes `.1` (one older file is kept).
 * Writing a log never fails the platform: on a full disk lines are dropped and counted.
 */
import { closeSync, existsSync, openSync, renameSync, statSync, writeSync } from 'node:fs';

export interface LogFile {
  write(chunk: Uint8Array | string): void;
  /** Chunks that could not be written. */
  dropped(): number;
  close(): void;
}

export function openLogFile(path: string, bytesMax = 16 * 1024 * 1024): LogFile {
  let fd = openSync(path, 'a', 0o600);
  let size = existsSync(path) ? statSync(path).size : 0;
  let dropped = 0;
  const rotate = (): void => {
    closeSync(fd);
    renameSync(path, `${path}.1`);
    fd = openSync(path, 'a', 0o600);
    size = 0;
  };
  return {
    write(chunk) {
      try {
        if (size > bytesMax) rotate();
        size += typeof chunk === 'string' ? writeSync(fd, chunk) : writeSync(fd, chunk);
      } catch {
        dropped += 1;
      }
    },
    dropped: () => dropped,
    close: () => closeSync(fd),
  };
}
