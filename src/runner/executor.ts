/**
 * The calls of one runner, computed one at a time in the order of their arrival. While one computes, the files of the
 * next are decoded; what has not started computing can still be cancelled.
 *
 *   waiting ──► preparing ──► prepared ──► computing ──► answered
 *      └────────────┴─────────────┴── cancel ──► dropped
 *
 * Invariant: a call that was taken is answered exactly once, unless it was cancelled, which is then final.
 */
import type { Clock } from '../clock.ts';
import { FlyballError, toFlyballError } from '../errors.ts';
import type { CallAnswer, RunnerCall } from './call.ts';
import type { FilePipeline, PreparedFiles } from './pipeline/pipeline.ts';
import type { LoadedModel } from './runtime.ts';

export interface ExecutorLimits {
  /** Calls that are not answered yet, the one that computes among them. */
  readonly callsMax: number;
  /** Calls whose files are decoded ahead of the one that computes: each holds its tensors in memory. */
  readonly preparedCallsMax: number;
}

export interface Executor {
  /** Takes a call, or throws OVERLOADED or DRAINING. Returns the cancel: true when the call was dropped in time. */
  submit(call: RunnerCall, done: (answer: CallAnswer) => void): () => boolean;
  /** Refuses what comes from now on; resolves when the last call has been answered. */
  drain(): Promise<void>;
  readonly inFlight: number;
  /** Calls computed since the start. */
  readonly inferences: number;
}

interface Entry {
  readonly call: RunnerCall;
  readonly done: (answer: CallAnswer) => void;
  readonly aborted: AbortController | undefined;
  readonly takenAt: number;
  prepared: Promise<PreparedFiles> | undefined;
  cancelled: boolean;
  computing: boolean;
}

export function startExecutor(
  model: LoadedModel,
  pipeline: FilePipeline | undefined,
  limits: ExecutorLimits,
  clock: Pick<Clock, 'now'>,
): Executor {
  const entries: Entry[] = [];
  let computing = false;
  let draining = false;
  let inferences = 0;
  const idle: (() => void)[] = [];

  /** Starts decoding for the first few calls in line. */
  function prepareAhead(): void {
    if (pipeline === undefined) return;
    for (let index = 0; index < entries.length && index <= limits.preparedCallsMax; index += 1) {
      const entry = entries[index];
      if (entry === undefined || entry.prepared !== undefined || entry.call.payload.kind !== 'files') continue;
      entry.prepared = pipeline.prepare(entry.call.payload.files, entry.aborted?.signal);
      // It is awaited when its turn comes; a refusal before that is no unhandled one.
      entry.prepared.catch(() => {});
    }
  }

  async function compute(entry: Entry): Promise<CallAnswer> {
    const { payload, outputs } = entry.call;
    if (payload.kind === 'tensors') {
      entry.computing = true;
      const result = await model.run(payload.inputs, outputs);
      return { kind: 'computed', outputs: result.outputs, failed: [], inputMs: 0, computeMs: result.computeMs };
    }
    if (pipeline === undefined || entry.prepared === undefined) {
      throw new FlyballError('INVALID_REQUEST', 'this model declares no pipeline, so it takes tensors, not files');
    }
    const prepared = await entry.prepared;
    if (entry.cancelled) throw new FlyballError('CANCELLED', 'the call was cancelled');
    entry.computing = true;
    return await pipeline.compute(prepared, model, outputs);
  }

  async function work(): Promise<void> {
    computing = true;
    for (;;) {
      prepareAhead();
      const entry = entries[0];
      if (entry === undefined) break;
      let answer: CallAnswer;
      const waitMs = clock.now() - entry.takenAt;
      try {
        const computed = await compute(entry);
        answer = computed.kind === 'computed' ? { ...computed, waitMs } : computed;
        inferences += 1;
      } catch (thrown) {
        answer = { kind: 'failed', error: toFlyballError(thrown) };
      }
      if (!entry.cancelled) {
        entries.shift();
        entry.done(answer);
      }
    }
    computing = false;
    for (const resolve of idle.splice(0)) resolve();
  }

  function cancel(entry: Entry): boolean {
    const index = entries.indexOf(entry);
    if (index === -1 || entry.computing) return false;
    entry.cancelled = true;
    entries.splice(index, 1);
    entry.aborted?.abort();
    return true;
  }

  return {
    submit(call, done) {
      if (draining) throw new FlyballError('DRAINING', 'this replica is shutting down and takes no new call');
      if (entries.length >= limits.callsMax) {
        throw new FlyballError('OVERLOADED', `this replica has ${limits.callsMax} calls waiting already`, {
          retryAfterSeconds: 1,
        });
      }
      const aborted = call.payload.kind === 'files' ? new AbortController() : undefined;
      const entry: Entry = {
        call,
        done,
        aborted,
        takenAt: clock.now(),
        prepared: undefined,
        cancelled: false,
        computing: false,
      };
      entries.push(entry);
      if (computing) prepareAhead();
      else void work();
      return () => cancel(entry);
    },
    async drain() {
      draining = true;
      if (!computing) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      idle.push(resolve);
      await promise;
    },
    get inFlight() {
      return entries.length;
    },
    get inferences() {
      return inferences;
    },
  };
}
