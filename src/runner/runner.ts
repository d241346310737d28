/**
 * One replica: loads one model version, warms it, answers inference until it is told to stop. It decides nothing.
 *
 *   loading ──► warming ──► ready ──► draining ──► ended (0)
 *      └───────────┴──────────┴─────► failed ────► ended (1)
 *
 * `warming` passes at once where the call of somebody who waits is the warm-up (see warm-up.ts).
 * It listens from the first moment, so that control sees how the load goes. Every change of state is said to every
 * connection. Invariant: `ended` settles exactly once, after the last answer has left.
 */
import type { Clock } from '../clock.ts';
import { hear, isTaken, unfenced } from '../core/leases/fence.ts';
import { FlyballError, toFlyballError } from '../errors.ts';
import type { CostPoint, HelloHeader, ReplicaState, StartStages, StateHeader } from '../protocol/frames/messages.ts';
import type { ModelSignature } from '../protocol/tensor.ts';
import type { PeerIdentity } from '../tls/peer.ts';
import type { CallAnswer, RunnerCall } from './call.ts';
import { startExecutor, type Executor } from './executor.ts';
import { serveFrames } from './frame-server.ts';
import { leaveCosts } from './kept-costs.ts';
import { readLabels } from './labels.ts';
import type { RunnerLaunch } from './launch.ts';
import { passFiles } from './pipeline/pass-files.ts';
import { openPipeline, type FilePipeline } from './pipeline/pipeline.ts';
import type { LoadedModel, LoadModel } from './runtime.ts';
import { warmUpFiles, warmUpInputs } from './samples.ts';
import { isWarmedByFirstCall, warmUp } from './warm-up.ts';

export interface RunnerDependencies {
  readonly clock: Clock;
  readonly loadModel: LoadModel<RunnerLaunch['runtime']>;
  /** From the start of the process until now, for the stages of the start. */
  readonly bootMs?: number;
  /** Where files have to be fetched first: the launch with every file in its place. It listens meanwhile. */
  readonly complete?: CompleteLaunch;
  readonly limits?: Partial<RunnerLimits>;
}

export type CompleteLaunch = (onNote: (note: string) => void, signal: AbortSignal) => Promise<RunnerLaunch>;

export interface RunnerLimits {
  /** A whole batch of the largest bodies. */
  readonly frameBytesMax: number;
  readonly connectionsMax: number;
  readonly callsMax: number;
  readonly preparedCallsMax: number;
  /** How long a replica that failed stays, so that control can read why. */
  readonly failedLingerMs: number;
}

export const runnerLimits: RunnerLimits = {
  frameBytesMax: 1 << 30,
  connectionsMax: 128,
  callsMax: 256,
  preparedCallsMax: 1,
  failedLingerMs: 2000,
};

export interface RunnerEnd {
  readonly code: 0 | 1;
  readonly reason: string;
}

export interface Runner extends AsyncDisposable {
  readonly state: ReplicaState;
  /** Known from `warming` on. */
  readonly signature: ModelSignature | undefined;
  readonly platform: string;
  readonly port?: number;
  submit(call: RunnerCall, done: (answer: CallAnswer) => void): () => boolean;
  /** Finishes what it has, at most until the deadline, then ends; with code 1 where it should not have had to. */
  drain(deadlineMs: number, reason?: string, code?: 0 | 1): void;
  /** Shown to whoever connects from now on, where it listens with TLS. */
  renew(identity: PeerIdentity): void;
  readonly ended: Promise<RunnerEnd>;
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

export async function startRunner(given: RunnerLaunch, dependencies: RunnerDependencies): Promise<Runner> {
  const { clock } = dependencies;
  let launch = given;
  const limits = { ...runnerLimits, ...dependencies.limits };
  const platform = launch.runtime.kind === 'onnx' ? 'onnxruntime_onnx' : launch.runtime.kind;
  const passesFiles = launch.runtime.kind === 'server' && launch.runtime.takesFiles;
  const stop = new AbortController();
  const resources = new AsyncDisposableStack();
  const ended = Promise.withResolvers<RunnerEnd>();

  let state: ReplicaState = { kind: 'loading' };
  let executor: Executor | undefined;
  let usage: LoadedModel['usage'];
  let signature: ModelSignature | undefined;
  let costCurve: readonly CostPoint[] | undefined;
  let stages: StartStages = dependencies.bootMs === undefined ? {} : { bootMs: dependencies.bootMs };
  let ending = false;
  let fence = unfenced;

  const facts = (): Omit<StateHeader, 'state'> => ({
    stages,
    ...(signature === undefined ? {} : { signature }),
    ...(costCurve === undefined ? {} : { costCurve }),
  });

  function enter(next: ReplicaState): void {
    state = next;
    server.broadcast({ state, ...facts() });
  }

  async function end(code: 0 | 1, reason: string): Promise<void> {
    if (ending) return;
    ending = true;
    stop.abort(new FlyballError('DRAINING', reason));
    try {
      await resources.disposeAsync();
    } finally {
      ended.resolve({ code, reason });
    }
  }

  function fail(error: FlyballError): void {
    if (ending || state.kind === 'failed') return;
    enter({ kind: 'failed', code: error.code, message: error.message });
    clock.after(limits.failedLingerMs, () => void end(1, error.message));
  }

  function drain(deadlineMs: number, reason = 'drained', code: 0 | 1 = 0): void {
    if (state.kind === 'draining' || ending) return;
    if (state.kind === 'failed') {
      void end(1, state.message);
      return;
    }
    enter({ kind: 'draining' });
    if (executor === undefined) {
      void end(code, reason);
      return;
    }
    const cancel = clock.after(deadlineMs, () => void end(code, `${reason}; calls were left after ${deadlineMs} ms`));
    void executor.drain().then(() => {
      cancel();
      return end(code, reason);
    });
  }

  function submit(call: RunnerCall, done: (answer: CallAnswer) => void): () => boolean {
    if (state.kind === 'ready' && executor !== undefined) return executor.submit(call, done);
    if (state.kind === 'draining') throw new FlyballError('DRAINING', 'this replica is shutting down');
    if (state.kind === 'failed') throw new FlyballError('REPLICA_FAILED', state.message);
    throw new FlyballError('MODEL_NOT_READY', `this replica is ${state.kind}`);
  }

  const server = await serveFrames(
    launch.listen,
    {
      hello: (): HelloHeader => ({
        replica: launch.replica,
        pid: process.pid,
        model: launch.model,
        version: launch.version,
        digest: launch.digest,
        state,
        platform,
        takesFiles: launch.pipeline !== undefined || passesFiles,
        ...facts(),
      }),
      status: () => {
        const cpu = process.cpuUsage();
        const outside = usage?.();
        return {
          state,
          inFlight: executor?.inFlight ?? 0,
          residentBytes: process.memoryUsage.rss() + (outside?.residentBytes ?? 0),
          cpuSeconds: (cpu.user + cpu.system) / 1e6 + (outside?.cpuSeconds ?? 0),
          inferences: executor?.inferences ?? 0,
        };
      },
      submit,
      drain: (deadlineMs) => drain(deadlineMs),
      hear: (epoch) => void (fence = hear(fence, epoch, clock.now())),
      admit(epoch) {
        fence = hear(fence, epoch, clock.now());
        if (isTaken(fence, epoch, clock.now())) return;
        const message = `the work is under token ${epoch} of control's lease, and ${fence.token} is in force here`;
        throw new FlyballError('STALE_TABLE', message);
      },
    },
    limits,
  );

  async function start(): Promise<void> {
    const { signal } = stop;
    const began = clock.now();
    const onNote = (note: string): void => {
      if (state.kind === 'loading') enter({ kind: 'loading', note });
    };
    if (dependencies.complete !== undefined) launch = await dependencies.complete(onNote, signal);
    const stage = launch.output === undefined ? undefined : await readLabels(launch.output, launch.runtime);
    const model = await dependencies.loadModel(launch.runtime, signal, onNote);
    resources.use(model);
    signal.throwIfAborted();
    model.onFailure(fail);
    usage = model.usage;
    const pipeline =
      launch.pipeline === undefined
        ? model.files && passFiles(model.files)
        : openPipeline(launch.pipeline, stage, model.signature);
    const loaded = clock.now();
    signature = model.signature;
    stages = { ...stages, loadMs: loaded - began };
    enter({ kind: 'warming' });
    costCurve = await warm(model, pipeline);
    await model.warmed();
    stages = { ...stages, warmMs: clock.now() - loaded };
    signal.throwIfAborted();
    executor = startExecutor(model, pipeline, limits, clock);
    enter({ kind: 'ready' });
    const { known, leaveAt } = launch.warmUp;
    if (known === undefined && leaveAt !== undefined) await leaveCosts(leaveAt, costCurve);
  }

  async function warm(model: LoadedModel, pipeline: FilePipeline | undefined): Promise<readonly CostPoint[]> {
    const { samples } = launch.warmUp;
    const isServer = launch.runtime.kind === 'server';
    if (model.files !== undefined) {
      await warmUpFiles(samples, model.files, launch.digests);
      return [];
    }
    // Of a server that declares nothing there is nothing to make zeros for.
    if (isServer && model.signature.inputs.length === 0 && samples.length === 0) return [];
    const { known } = launch.warmUp;
    if (known !== undefined && isWarmedByFirstCall(launch.warmUp)) return known;
    const oneThread = launch.runtime.kind === 'onnx' && launch.runtime.threads === 1;
    const inputs = await warmUpInputs(samples, model.signature, pipeline, launch.digests);
    try {
      return await warmUp(model, inputs, launch.warmUp, clock, stop.signal, oneThread ? processorMs : undefined);
    } catch (thrown) {
      // A server has said itself that it is ready. That it takes no zeros (an empty text, say) is no fault of it.
      if (!isServer || samples.length > 0 || stop.signal.aborted || state.kind === 'failed') throw thrown;
      process.stderr.write(`${launch.replica}: no warm-up: ${toFlyballError(thrown).message}; give warmUp.samples\n`);
      return [];
    }
  }

  // Closed last, after the model: its last frames may still be on their way.
  resources.use(server);
  void start().catch((thrown: unknown) => {
    if (!stop.signal.aborted) fail(toFlyballError(thrown));
  });

  return {
    get state() {
      return state;
    },
    get signature() {
      return signature;
    },
    platform,
    ...(server.port === undefined ? {} : { port: server.port }),
    submit,
    drain,
    renew: (identity) => server.renew(identity),
    ended: ended.promise,
    async [Symbol.asyncDispose]() {
      await end(0, 'closed');
      await ended.promise;
    },
  };
}
