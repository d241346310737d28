/**
 * The Open Inference Protocol's service by one runner alone: no queue in front, no batching, one model, one version.
 * A runner by itself is a server that any client of the protocol can use.
 */
import type { Clock } from '../clock.ts';
import { FlyballError } from '../errors.ts';
import type { HangUpSignal } from '../protocol/hang-up.ts';
import type {
  DurationStatistic,
  InferenceRequest,
  InferenceResponse,
  InferenceService,
  ModelStatistics,
  RepositoryEntry,
} from '../protocol/inference.ts';
import { isDeclared } from '../protocol/tensor.ts';
import { validateInputs } from '../protocol/validate.ts';
import type { CallAnswer, RunnerCall } from './call.ts';
import type { RunnerLaunch } from './launch.ts';
import type { Runner } from './runner.ts';

export interface ServiceOptions {
  readonly tensorElementsMax: number;
  readonly clock: Clock;
  /** Of this package. */
  readonly serverVersion: string;
}

type Served = Pick<RunnerLaunch, 'replica' | 'model' | 'version' | 'pipeline'>;

export function runnerService(launch: Served, runner: Runner, options: ServiceOptions): InferenceService {
  const { clock } = options;
  const figures = makeFigures();
  const ready = (): boolean => runner.state.kind === 'ready';

  function check(model: string, version?: string): void {
    if (model !== launch.model) {
      throw new FlyballError('MODEL_NOT_FOUND', `expected ${launch.model}, the only model here, got ${model}`);
    }
    if (version !== undefined && version !== launch.version) {
      throw new FlyballError('VERSION_NOT_FOUND', `expected version ${launch.version} of ${model}, got ${version}`);
    }
  }

  function statistics(): ModelStatistics {
    return { name: launch.model, version: launch.version, ...figures.read() };
  }

  async function infer(request: InferenceRequest, signal: HangUpSignal): Promise<InferenceResponse> {
    check(request.model, request.version);
    const { signature } = runner;
    if (signature === undefined || !ready()) {
      throw new FlyballError('MODEL_NOT_READY', `${launch.model} is ${runner.state.kind}`, { retryAfterSeconds: 1 });
    }
    // A server that declares nothing judges its requests itself.
    if (isDeclared(signature)) validateInputs(request, signature, options);
    const began = clock.now();
    try {
      const answer = await ask(runner, toCall(request, signature.batchable), request.deadlineMs, clock, signal);
      const totalMs = clock.now() - began;
      const rows = rowsOf(request, signature.batchable);
      figures.succeeded(rows, totalMs, answer.inputMs, answer.computeMs, clock.wall());
      return {
        model: launch.model,
        version: launch.version,
        ...(request.id === undefined ? {} : { id: request.id }),
        outputs: answer.outputs,
        ...(answer.readable === undefined ? {} : { readable: answer.readable[0] }),
        timing: {
          queueMs: Math.max(0, totalMs - answer.inputMs - answer.computeMs),
          computeMs: answer.computeMs,
          totalMs,
          batchSize: rows,
          replica: launch.replica,
        },
      };
    } catch (thrown) {
      figures.failed(clock.now() - began);
      throw thrown;
    }
  }

  return {
    server: () => ({
      name: 'flyball-runner',
      version: options.serverVersion,
      extensions: ['binary_tensor_data', 'statistics'],
    }),
    live: () => true,
    ready,
    metadata(model, version) {
      check(model, version);
      const { signature, platform } = runner;
      if (signature === undefined) throw new FlyballError('MODEL_NOT_READY', `${model} is ${runner.state.kind}`);
      return { name: model, versions: [launch.version], platform, signature };
    },
    modelReady(model, version) {
      check(model, version);
      return ready();
    },
    index: () => [toEntry(launch, runner)],
    async statistics(model, version) {
      if (model !== undefined) check(model, version);
      return [statistics()];
    },
    infer,
  };
}

function rowsOf({ payload }: InferenceRequest, batchable: boolean): number {
  return payload.kind === 'tensors' && batchable ? (payload.inputs[0]?.shape[0] ?? 1) : 1;
}

function toCall(request: InferenceRequest, batchable: boolean): RunnerCall {
  const { payload, outputs } = request;
  const items = [{ rows: rowsOf(request, batchable) }];
  const wanted = outputs === undefined || outputs.length === 0 ? {} : { outputs: outputs.map(({ name }) => name) };
  if (payload.kind === 'file') {
    const readable = request.readableOnly === true ? { outputs: [] } : wanted;
    return { items, payload: { kind: 'files', files: [payload.bytes] }, ...readable };
  }
  // The runtime takes the buffers away, and those of a request may be shared with the rest of its body.
  const inputs = payload.inputs.map((input) => Object.assign({}, input, { bytes: new Uint8Array(input.bytes) }));
  return { items, payload: { kind: 'tensors', inputs }, ...wanted };
}

type Computed = Extract<CallAnswer, { kind: 'computed' }>;

async function ask(
  runner: Runner,
  call: RunnerCall,
  deadlineMs: number | undefined,
  clock: Clock,
  signal: HangUpSignal,
): Promise<Computed> {
  if (signal.aborted) throw new FlyballError('CANCELLED', 'the caller hung up');
  const { promise, resolve, reject } = Promise.withResolvers<Computed>();
  const cancel = runner.submit(call, (answer) => {
    if (answer.kind === 'failed') return reject(answer.error);
    const [refused] = answer.failed;
    if (refused !== undefined) return reject(new FlyballError(refused.code, refused.message));
    return resolve(answer);
  });
  const onAbort = (): void => {
    cancel();
    reject(new FlyballError('CANCELLED', 'the caller hung up'));
  };
  signal.addEventListener('abort', onAbort, { once: true });
  const cancelTimer =
    deadlineMs === undefined
      ? undefined
      : clock.after(deadlineMs, () => {
          cancel();
          reject(new FlyballError('DEADLINE_EXCEEDED', `there was no answer within ${deadlineMs} ms`));
        });
  try {
    return await promise;
  } finally {
    cancelTimer?.();
    signal.removeEventListener('abort', onAbort);
  }
}

function toEntry({ model, version }: Served, { state }: Runner): RepositoryEntry {
  const reason = state.kind === 'failed' ? state.message : state.kind === 'ready' ? '' : state.kind;
  return { name: model, version, state: repositoryStates[state.kind], reason };
}

const repositoryStates = {
  loading: 'LOADING',
  warming: 'LOADING',
  ready: 'READY',
  draining: 'UNLOADING',
  failed: 'UNAVAILABLE',
} as const;

type Figures = Omit<ModelStatistics, 'name' | 'version'>;

function makeFigures() {
  let lastInferenceAt = 0;
  let inferenceCount = 0;
  const zero = (): { count: number; ns: number } => ({ count: 0, ns: 0 });
  const durations = { success: zero(), fail: zero(), queue: zero(), input: zero(), infer: zero() };
  const add = (statistic: { count: number; ns: number }, ms: number): void => {
    statistic.count += 1;
    statistic.ns += Math.round(ms * 1e6);
  };
  const copy = ({ count, ns }: DurationStatistic): DurationStatistic => ({ count, ns });
  return {
    succeeded(rows: number, totalMs: number, inputMs: number, computeMs: number, at: number): void {
      lastInferenceAt = at;
      inferenceCount += rows;
      add(durations.success, totalMs);
      add(durations.queue, Math.max(0, totalMs - inputMs - computeMs));
      add(durations.input, inputMs);
      add(durations.infer, computeMs);
    },
    failed: (totalMs: number): void => add(durations.fail, totalMs),
    read: (): Figures => ({
      lastInferenceAt,
      inferenceCount,
      executionCount: durations.infer.count,
      success: copy(durations.success),
      fail: copy(durations.fail),
      queue: copy(durations.queue),
      computeInput: copy(durations.input),
      computeInfer: copy(durations.infer),
      // Outputs leave as they are; there is nothing to measure.
      computeOutput: { count: durations.infer.count, ns: 0 },
    }),
  };
}
