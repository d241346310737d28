/**
 * A runner as a process: `node process.ts '<launch as JSON>'`, the CLI's `runner` verb, or `node process.ts --prestarted`,
 * which gets its launch later (see prestarted.ts). This is its composition root: it chooses the runtime's driver and binds the process's signals and lifeline to the runner.
 * Exit code 0 after a drain, 1 after a failure, whose words are then on standard error.
 */
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { beginOnnx, type OnnxLoading } from '../drivers/runtimes/onnx-loading.ts';
import { letRequestsPassThrough } from '../engine-flags.ts';
import type { ServerSettings } from '../drivers/runtimes/server.ts';
import type { RunnerLaunch } from './launch.ts';
import { awaitLaunch, prestartedArgument } from './prestarted.ts';
import type { CompleteLaunch, Runner } from './runner.ts';
import type { LoadModel } from './runtime.ts';

/** How long calls may take to end after SIGTERM, and after the supervisor is gone. */
const terminateDrainMs = 30_000;
const orphanDrainMs = 5000;

/** Only the driver that is needed is loaded: a cold start is paid at every scale-out. */
const loadWith =
  (launch: RunnerLaunch, { thread, begun }: Ahead): LoadModel<RunnerLaunch['runtime']> =>
  async (runtime, signal, onNote) => {
    if (runtime.kind === 'onnx') {
      const { loadOnnx } = await import('../drivers/runtimes/onnx.ts');
      return loadOnnx(runtime, signal, begun ?? beginOnnx(runtime, signal, thread));
    }
    await thread?.terminate();
    if (runtime.kind === 'server') {
      const { loadServer } = await import('../drivers/runtimes/server.ts');
      return loadServer({ ...runtime, ...serverPlace(launch) }, signal, onNote);
    }
    const { loadSimulated } = await import('../drivers/runtimes/simulated.ts');
    return loadSimulated(runtime, signal);
  };

/**
 * The server's folder is beside the replica's socket and log, so that it goes with them even when this process is killed;
 * its owner is how it is found should its guard be killed too.
 */
function serverPlace({ listen, replica }: RunnerLaunch): Pick<ServerSettings, 'folder' | 'owner'> {
  if (listen.kind === 'tcp') return { folder: join(tmpdir(), `flyball-server-${process.pid}`) };
  const runDirectory = dirname(listen.path);
  return { folder: join(runDirectory, `replica-${replica}.files`), owner: { runDirectory, replica } };
}

/** What has been done before the runner itself begins. */
interface Ahead {
  /** A thread that waits for its model. */
  readonly thread?: Worker;
  /** A load that is on its way. */
  readonly begun?: OnnxLoading | undefined;
  readonly bootMs?: number;
  /** What is still to be done before the load, while it listens already. */
  readonly complete?: CompleteLaunch;
  /** Called when it listens; what it returns is called when it has ended. */
  readonly onStarted?: (runner: Runner) => () => void;
}

/** The thread boots and loads on one core while this one still reads its code. */
function beginAhead({ runtime }: RunnerLaunch): OnnxLoading | undefined {
  // Nobody can call it off yet; a runner that is told to end meanwhile ends its process.
  return runtime.kind === 'onnx' ? beginOnnx(runtime, new AbortController().signal) : undefined;
}

/** Runs until the runner has ended; returns the exit code. Who listens is told before the model has loaded. */
export async function runRunner(
  launch: RunnerLaunch,
  onListening?: (url: string) => void,
  ahead: Ahead = {},
): Promise<number> {
  process.title = `flyball runner ${launch.replica}`;
  const [{ systemClock }, { startRunner }] = await Promise.all([import('../clock.ts'), import('./runner.ts')]);
  const { bootMs = process.uptime() * 1000 } = ahead;
  const load = loadWith(launch, ahead);
  const loadModel: typeof load = async (...given) => {
    const model = await load(...given);
    // One that was started ahead has done so while it waited.
    if (ahead.thread === undefined) letRequestsPassThrough();
    return model;
  };
  const { complete } = ahead;
  const runner = await startRunner(launch, {
    clock: systemClock,
    loadModel,
    bootMs,
    ...(complete === undefined ? {} : { complete }),
  });
  await using resources = new AsyncDisposableStack();
  const onEnded = ahead.onStarted?.(runner);
  if (onEnded !== undefined) resources.defer(onEnded);
  if (launch.http !== undefined) {
    const { serveHttp } = await import('./http.ts');
    const { url } = resources.use(await serveHttp(launch, launch.http, runner));
    onListening?.(url);
  }
  const onTerminate = (): void => runner.drain(terminateDrainMs, 'SIGTERM');
  // A terminal's Ctrl-C reaches the whole group; with a supervisor, it is the supervisor that decides.
  const onInterrupt = (): void => {
    if (launch.lifeline === undefined) runner.drain(terminateDrainMs, 'SIGINT');
  };
  process.on('SIGTERM', onTerminate);
  process.on('SIGINT', onInterrupt);
  if (launch.lifeline !== undefined) holdLifeline(launch.lifeline, runner);
  const { code, reason } = await runner.ended;
  if (code !== 0) process.stderr.write(`${launch.replica}: ${reason}\n`);
  process.off('SIGTERM', onTerminate);
  process.off('SIGINT', onInterrupt);
  return code;
}

/** The kernel closes the supervisor's end however it died; so does a lifeline that nobody holds any more. */
function holdLifeline(path: string, runner: Runner): void {
  const socket = connect(path);
  socket.resume();
  // `close` follows every error and tells the same.
  socket.on('error', () => {});
  socket.once('close', () => runner.drain(orphanDrainMs, 'the supervisor is gone'));
  socket.unref();
}

/** What a person or another program wrote, checked key by key. */
export async function parseLaunch(text: string): Promise<RunnerLaunch> {
  const [{ runnerLaunch }, { FlyballError }] = await Promise.all([import('./launch.ts'), import('../errors.ts')]);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FlyballError('INVALID_REQUEST', 'expected the launch of a runner as one JSON argument', { cause });
  }
  const parsed = runnerLaunch.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new FlyballError('INVALID_REQUEST', `the launch of a runner: ${issue?.path.join('.')}: ${issue?.message}`);
}

if (import.meta.main) {
  // A cold start is paid at every scale-out, so the launch, which the orchestrator of this same version wrote, is not
  // parsed by the schema: that alone costs as much as all the rest of the start.
  try {
    if (process.argv[2] === prestartedArgument) {
      const { launch, ...ahead } = await awaitLaunch();
      process.exit(await runRunner(launch, undefined, ahead));
    }
    const launch = JSON.parse(process.argv[2] ?? '') as RunnerLaunch;
    process.exit(await runRunner(launch, undefined, { begun: beginAhead(launch) }));
  } catch (thrown) {
    process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
    process.exit(1);
  }
}
