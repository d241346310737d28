/**
 * How a request ends: answered, refused, late, failed. Every ending is counted and settles the caller's promise; the
 * first one holds. It decides nothing: whoever calls knows that the request is over.
 */
import type { Clock } from '../clock.ts';
import type { Admission } from '../core/queueing/admission.ts';
import type { DeadlineHeap } from '../core/queueing/deadlines.ts';
import type { ErrorCode } from '../errors.ts';
import type { InferenceResponse, InferenceTiming, UnfinishedTiming } from '../protocol/inference.ts';
import type { Tensor } from '../protocol/tensor.ts';
import { UnfinishedError } from '../protocol/unfinished.ts';
import type { Job } from './job.ts';
import { countEnd, countSuccess, type VersionFigures } from './version-figures.ts';

export interface EndingOptions {
  readonly deployment: string;
  readonly version: string;
  readonly clock: Clock;
  readonly figures: VersionFigures;
  /** What has been started; who ends leaves it. */
  readonly started: DeadlineHeap<Job>;
}

export interface Answer {
  readonly outputs: readonly Tensor[];
  readonly readable: unknown;
  readonly computeMs: number;
  readonly callMs: number;
  readonly waitMs: number | undefined;
  readonly inputMs: number | undefined;
  readonly batchSize: number;
  readonly replica: string;
}

export interface Endings {
  answer(job: Job, answer: Answer, at: number): void;
  fail(job: Job, code: ErrorCode, message: string, retryAfterSeconds?: number): void;
  refuse(job: Job, refusal: Refusal, queueLengthMax: number): void;
  /** At its deadline, or as soon as it is certain that the deadline cannot be met. */
  late(job: Job, why: string): void;
  /** The work alone takes longer than there is time. */
  tooShort(job: Job, neededMs: number): void;
}

/** It waits no longer: its caller's hang-up needs no listener any more. */
export function stopListening(job: Job): void {
  if (job.onAbort === undefined) return;
  job.signal.removeEventListener('abort', job.onAbort);
  job.onAbort = undefined;
}

/** Of one that ends unanswered. */
function timingOf({ arrivedAt, startedAt, call }: Job, version: string, at: number): UnfinishedTiming {
  const totalMs = at - arrivedAt;
  if (call === undefined) return { version, arrivedAt, queueMs: totalMs, totalMs };
  return { version, arrivedAt, queueMs: startedAt - arrivedAt, totalMs, call, callMs: at - call.sentAt };
}

type Refusal = Extract<Admission, { kind: 'refused' }>;

/** What a caller is told who may come again. */
export function whyRefused(
  deployment: string,
  refusal: Exclude<Refusal, { code: 'DEADLINE_EXCEEDED' }>,
  { arrivedAt, deadlineAt }: Pick<Job, 'arrivedAt' | 'deadlineAt'>,
  queueLengthMax: number,
): string {
  if (refusal.code === 'QUEUE_FULL') {
    return `deployment ${deployment}: expected fewer than ${queueLengthMax} requests waiting (queue.lengthMax)`;
  }
  const [within, estimate] = [Math.floor(deadlineAt - arrivedAt), Math.ceil(refusal.estimateMs)];
  return `deployment ${deployment}: expected an answer within ${within} ms, the estimate is ${estimate} ms`;
}

export function createEndings({ deployment, version, clock, figures, started }: EndingOptions): Endings {
  const endings: Endings = {
    answer(job, { outputs, readable, computeMs, callMs, waitMs, inputMs, batchSize, replica }, at) {
      if (job.state === 'ended') return;
      job.state = 'ended';
      started.remove(job);
      const queueMs = job.startedAt - job.arrivedAt;
      const totalMs = at - job.arrivedAt;
      countSuccess(figures, queueMs, totalMs);
      const { arrivedAt, call } = job;
      const timing: { -readonly [Key in keyof InferenceTiming]: InferenceTiming[Key] } = {
        queueMs,
        computeMs,
        totalMs,
        batchSize,
        replica,
        arrivedAt,
        callMs,
      };
      if (call !== undefined) timing.call = call;
      if (waitMs !== undefined) timing.waitMs = waitMs;
      if (inputMs !== undefined) timing.inputMs = inputMs;
      const response: InferenceResponse = {
        model: deployment,
        version,
        id: job.request.id,
        outputs,
        readable,
        timing,
      };
      job.resolve(response);
    },
    fail(job, code, message, retryAfterSeconds) {
      if (job.state === 'ended') return;
      job.state = 'ended';
      stopListening(job);
      started.remove(job);
      const at = clock.now();
      countEnd(figures, code, at - job.arrivedAt);
      job.reject(new UnfinishedError(code, message, timingOf(job, version, at), { retryAfterSeconds }));
    },
    refuse(job, refusal, queueLengthMax) {
      if (refusal.code === 'DEADLINE_EXCEEDED') return endings.tooShort(job, refusal.estimateMs);
      const why = whyRefused(deployment, refusal, job, queueLengthMax);
      endings.fail(job, refusal.code, why, refusal.retryAfterSeconds);
    },
    late(job, why) {
      const withinMs = Math.round(job.deadlineAt - job.arrivedAt);
      endings.fail(job, 'DEADLINE_EXCEEDED', `no answer within the request's deadline of ${withinMs} ms: ${why}`);
    },
    tooShort(job, neededMs) {
      endings.late(job, `the work takes longer (about ${Number(neededMs.toPrecision(2))} ms) and was not started`);
    },
  };
  return endings;
}
