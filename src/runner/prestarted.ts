/**
 * A runner that was started ahead of its replica: everything that does not depend on the model is loaded, and it waits
 * for its launch as one message over IPC. Whoever started it holds the other end: when that is gone, so is this.
 */
import { flushCompileCache } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { letRequestsPassThrough } from '../engine-flags.ts';
import type { RunnerLaunch } from './launch.ts';

export interface Launched {
  readonly launch: RunnerLaunch;
  /** A thread with the runtime's native library, where it came to that. */
  readonly thread: Worker | undefined;
  /** From the arrival of the launch until now. */
  readonly bootMs: number;
}

/** In the environment of each that waits, so that one that an earlier control has left can be found. */
export const prestartedVariable = 'FLYBALL_PRESTARTED';
/** In place of the launch on the command line. */
export const prestartedArgument = '--prestarted';
/** Said once everything is loaded. A launch may come before it. */
const waitingMessage = 'waiting';

/** Ends the process when nobody is left who could send a launch. */
export async function awaitLaunch(): Promise<Launched> {
  process.title = 'flyball runner, starting ahead';
  const arrived = Promise.withResolvers<RunnerLaunch>();
  let at = 0;
  const onOrphaned = (): void => process.exit(0);
  process.once('disconnect', onOrphaned);
  process.once('message', (message) => {
    at = performance.now();
    process.off('disconnect', onOrphaned);
    // What a replica starts itself is not one of those that wait, and must not be ended as one.
    delete process.env[prestartedVariable];
    arrived.resolve(message as RunnerLaunch);
  });
  const thread = await load();
  // A killed one does not do it at its end.
  flushCompileCache();
  letRequestsPassThrough();
  process.title = 'flyball runner, waiting';
  // The error is that of an owner who has just gone, which 'disconnect' tells too.
  process.send?.(waitingMessage, undefined, {}, () => {});
  const launch = await arrived.promise;
  if (process.connected) process.disconnect();
  return { launch, thread, bootMs: performance.now() - at };
}

async function load(): Promise<Worker> {
  const [{ prestartOnnx }, { rehearse }] = await Promise.all([
    import('../drivers/runtimes/onnx.ts'),
    import('./rehearsal.ts'),
  ]);
  const thread = await prestartOnnx();
  await rehearse(join(process.env['FLYBALL_RUN_DIRECTORY'] ?? tmpdir(), `prestarted-${process.pid}.sock`));
  return thread;
}
