/** What the verbs have in common that stay as a supervisor: what a specification says of this machine, SIGHUP, and the end. */
import { resolve } from 'node:path';
import type { LoadedSpecification } from '../config/load.ts';
import type { Specification } from '../config/specification.ts';
import type { Supervisor, SupervisorEnd } from '../supervisor/supervisor.ts';
import { exitCodes, type ExitCode } from './exit-codes.ts';
import type { Progress } from './progress.ts';
import type { Terminal } from './terminal.ts';

/** Paths in a specification begin where it lies; the processes do not know where that is. */
export function withFolder({ specification, folder }: LoadedSpecification): Specification {
  const { modelStore } = specification.torchserve;
  if (modelStore === undefined) return specification;
  return { ...specification, torchserve: { ...specification.torchserve, modelStore: resolve(folder, modelStore) } };
}

/**
 * SIGHUP reads certificates again, where there are any and where it is not the terminal that says that it has gone:
 * then it ends this process, as it ends any other.
 */
export function onHangup(
  terminal: Terminal,
  supervisor: Pick<Supervisor, 'reload'>,
  { tls, listeners }: Specification,
): Disposable {
  const hasTls = tls !== undefined || Object.values(listeners).some((listener) => listener.tls !== undefined);
  if (!hasTls || terminal.stdout.isTTY) return { [Symbol.dispose]() {} };
  const reload = (): void => supervisor.reload();
  process.on('SIGHUP', reload);
  return { [Symbol.dispose]: () => void process.off('SIGHUP', reload) };
}

export function tellMoved({ listeners }: Pick<Supervisor, 'listeners'>, progress: Progress): void {
  for (const [name, { port, moved }] of Object.entries(listeners))
    if (moved) progress.note(`the usual port for ${name} is taken; it is ${port} this time`);
}

/** `done` where all has ended as it should. */
export function exitCodeOfEnd(end: SupervisorEnd, done: ExitCode = exitCodes.done): ExitCode {
  if (end.code === exitCodes.interrupted) return exitCodes.interrupted;
  return end.code === 0 ? done : exitCodes.failed;
}
