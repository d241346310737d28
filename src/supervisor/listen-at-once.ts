/**
 * Makes bound sockets listening ones before any process serves them, so that a conflict is found by whom it concerns.
 * Two sockets that are bound and not yet listened on may share a port: the kernel refuses only the second that listens.
 * The supervisor must not listen itself, as its event loop would accept callers that nobody answers; listening belongs to
 * the socket and not to a process, so one that ends at once does it. From then on callers wait in the kernel's backlog.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { FlyballError } from '../errors.ts';
import { modulePath } from '../module-path.ts';
import type { BoundSocket } from './listening-socket.ts';

export interface Listening {
  /** How many of the sockets listen now, from the first on. */
  readonly count: number;
  /** Why the next one does not, as the system calls it (`EADDRINUSE`); those after it were not tried. */
  readonly refused: string | undefined;
}

/** Starting a process on a machine that is busy or short of memory; more is no start any more. */
const startMsMax = 60_000;

export async function listenAtOnce(sockets: readonly BoundSocket[]): Promise<Listening> {
  if (sockets.length === 0) return { count: 0, refused: undefined };
  const child = spawn(process.execPath, [modulePath(import.meta.url, './listen-process'), String(sockets.length)], {
    stdio: ['ignore', 'pipe', 'pipe', ...sockets.map(({ fd }) => fd)],
    timeout: startMsMax,
    killSignal: 'SIGKILL',
  });
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    if (code !== 0) throw new Error(`${signal ?? `exit code ${code}`} ${stderr.trim()}`);
    const outcomes = JSON.parse(stdout) as readonly (string | null)[];
    const failed = outcomes.findIndex((outcome) => outcome !== null);
    return failed === -1
      ? { count: outcomes.length, refused: undefined }
      : { count: failed, refused: outcomes[failed] ?? undefined };
  } catch (cause) {
    throw new FlyballError('INTERNAL', 'the process that listens on the ports could not do its work', { cause });
  }
}
