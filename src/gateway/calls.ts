/**
 * Calls of replicas: a batch is sent to one, and whatever comes of it (answers, a refusal, the loss of the replica) is
 * told to the callers, to the pool and to what is learned. Who is sent where and when is decided by whoever sends.
 * Invariant: a slot that a call took is released once, when its work has really ended; each of its jobs has ended then
 * or is to be run again.
 */
import type { Clock } from '../clock.ts';
import { afterFailedBatch } from '../core/queueing/bisect.ts';
import type { DeadlineHeap } from '../core/queueing/deadlines.ts';
import { afterLoss } from '../core/routing/after-loss.ts';
import { catalogue, type ErrorCode } from '../errors.ts';
import type { ResultHeader } from '../protocol/frames/messages.ts';
import type { ReplicaCall } from '../protocol/inference.ts';
import { publish } from '../telemetry/events.ts';
import { joinInputs, splitOutputs } from './batch-frames.ts';
import { stopListening, type Endings } from './endings.ts';
import type { Job } from './job.ts';
import type { CallSamples } from './call-samples.ts';
import type { LearnedCosts } from './learned-costs.ts';
import type { Reach } from './reach.ts';
import type { ReplicaPool } from './replica-pool.ts';
import type { Replica, Work } from './replica.ts';
import { countCall, type VersionFigures } from './version-figures.ts';

/** How soon a caller may come back whose request every replica was too busy for. */
const busyRetrySeconds = 1;

export interface CallOptions {
  readonly deployment: string;
  readonly version: string;
  readonly clock: Clock;
  readonly pool: ReplicaPool;
  readonly costs: LearnedCosts;
  readonly figures: VersionFigures;
  readonly samples: CallSamples;
  readonly reach: Reach;
  /** What has been started and not ended. */
  readonly started: DeadlineHeap<Job>;
  /** Each is one call, to be made before any other. */
  readonly again: (readonly Job[])[];
  readonly end: Endings;
  /** A slot is free, or something is to be run again. */
  onRoom(at: number): void;
}

export interface Calls {
  /** All jobs of one compatibility key, to a replica that has room. `rerun`: another call of theirs has failed. */
  send(replica: Replica, jobs: readonly Job[], at: number, rerun: boolean): void;
}

/** Over all versions: a number names one call of this process. */
let callCount = 0;

interface Running extends Work {
  readonly jobs: readonly Job[];
  readonly replica: Replica;
  readonly sentAt: number;
  /** The replica had nothing else to do, so the time beyond the runtime's own is transport. */
  readonly alone: boolean;
  readonly rerun: boolean;
  /** Of the replica before it; replicas that compute, this one among them; and which of the replica's calls it is. */
  readonly restMs: number;
  readonly busy: number;
  readonly nth: number;
}

export function createCalls(options: CallOptions): Calls {
  const { deployment, version, clock, pool, costs, figures, samples, reach, started, again, end } = options;

  const send = (replica: Replica, jobs: readonly Job[], at: number, rerun: boolean): void => {
    let rows = 0;
    const traces: string[] = [];
    for (const job of jobs) {
      rows += job.rows;
      traces.push(job.request.traceId ?? '');
      if (job.state === 'running') continue;
      job.state = 'running';
      job.startedAt = at;
      stopListening(job);
      started.add(job);
    }
    callCount += 1;
    const { id } = replica;
    const call: ReplicaCall = { number: callCount, replica: id, rows, requests: jobs.length, sentAt: at, traces };
    for (const job of jobs) job.call = call;
    const alone = replica.outstandingCalls === 0;
    const restMs = alone ? at - replica.progressAt : 0;
    const busy = pool.busy + (alone ? 1 : 0);
    const running: Running = { jobs, replica, rows, sentAt: at, alone, rerun, restMs, busy, nth: replica.calls + 1 };
    pool.take(replica, running, at);
    const { header, parts } = joinInputs(jobs);
    const number = replica.connection.infer(header, parts, {
      onResult: (result, body) => onResult(running, result, body),
      onLost: (reason) => onLost(running, reason),
    });
    // Files wait for their decoding, and one can take a second; tensors are being computed as soon as they are there.
    if (jobs[0]?.payload === 'files') cancelWhenNobodyWaits(running, number);
  };

  const cancelWhenNobodyWaits = ({ jobs, replica }: Running, number: number): void => {
    for (const job of jobs) {
      const onAbort = (): void => {
        if (jobs.every((one) => one.signal.aborted || one.state === 'ended')) replica.connection.cancel(number);
      };
      job.onAbort = onAbort;
      job.signal.addEventListener('abort', onAbort, { once: true });
    }
  };

  const onResult = (running: Running, header: ResultHeader, body: Uint8Array): void => {
    const { jobs, replica, rows, sentAt } = running;
    const at = clock.now();
    for (const job of jobs) stopListening(job);
    // What stood before it at the replica is no time of its own.
    const ownMs = at - Math.max(sentAt, replica.progressAt);
    pool.release(replica, running, at);
    const computeMs = header.computeMs ?? at - sentAt;
    const ok = header.error === undefined;
    publish('flyball:batch', { deployment, version, replica: replica.id, rows, requests: jobs.length, computeMs, ok });
    if (ok) samples.note({ rows, restMs: running.restMs, busy: running.busy, nth: running.nth, ms: ownMs });
    if (ok) onComputed(running, header, body, computeMs, at);
    else onRefused(running, header, at);
  };

  const learn = ({ jobs, replica, rows, sentAt, alone }: Running, computeMs: number, at: number): void => {
    const payload = jobs[0]?.payload ?? 'tensors';
    const wallMs = at - sentAt;
    if (alone) pool.learn(replica, wallMs, costs.estimate(rows, payload, at));
    costs.learn({ rows, payload, computeMs, wallMs, alone }, at);
  };

  const onComputed = (
    running: Running,
    header: ResultHeader,
    body: Uint8Array,
    computeMs: number,
    at: number,
  ): void => {
    const { jobs, replica, rows, sentAt } = running;
    pool.succeeded(replica);
    // A replica computes one call at a time: what waited in it behind another one is that one's time, whoever sent it.
    figures.busyMs += Math.max(0, at - sentAt - (header.waitMs ?? 0));
    const call = countCall(figures, rows, header.inputMs ?? 0, computeMs);
    figures.lastInferenceAt = clock.wall();
    reach.answered(at, figures.lastInferenceAt);
    const failed = header.failed ?? [];
    if (failed.length === 0) learn(running, computeMs, at);
    const bad = new Map(failed.map((item) => [item.index, item]));
    const good = bad.size === 0 ? jobs : jobs.filter((_, index) => !bad.has(index));
    const split = splitOutputs(
      header,
      body,
      good.map((job) => job.rows),
    );
    if (split.kind === 'indivisible' && good.length > 1) {
      costs.stopBatching();
      publish('flyball:fault', {
        where: `${deployment} version ${version}`,
        message: `its answers cannot be divided, so it is not batched any more: ${split.message}`,
      });
      for (const job of good) again.push([job]);
    }
    // The replica gets its next batch before the callers get their answers: it would be idle meanwhile.
    options.onRoom(at);
    for (const [index, item] of bad) {
      const job = jobs[index];
      if (job !== undefined) end.fail(job, item.code, item.message);
    }
    if (split.kind === 'indivisible') {
      if (good.length === 1 && good[0] !== undefined) end.fail(good[0], 'PROTOCOL', split.message);
      return;
    }
    const outputMs = clock.now() - at;
    call.outputMs += outputMs;
    good.forEach((job, index) => {
      if (job.state === 'ended') return;
      if (job.signal.aborted) return end.fail(job, 'CANCELLED', 'the caller hung up while the request ran');
      figures.inputMs += header.inputMs ?? 0;
      figures.computeMs += computeMs;
      figures.outputMs += outputMs;
      const outputs = split.outputs[index] ?? [];
      const readable = header.readable?.[index];
      const { waitMs, inputMs } = header;
      const times = { computeMs, callMs: at - sentAt, waitMs, inputMs };
      end.answer(job, { outputs, readable, batchSize: rows, replica: replica.id, ...times }, at);
    });
  };

  /** The call computed nothing. */
  const onRefused = ({ jobs, replica, rerun }: Running, header: ResultHeader, at: number): void => {
    const { code, message } = header.error as { code: ErrorCode; message: string };
    const live = jobs.filter((job) => job.state !== 'ended');
    if (code === 'DRAINING') {
      pool.refused(replica);
      if (live.length > 0) again.push(live);
      return options.onRoom(at);
    }
    if (code === 'CANCELLED') {
      options.onRoom(at);
      for (const job of live) end.fail(job, 'CANCELLED', 'the caller hung up; the request was not computed');
      return;
    }
    // What a request is at fault for says nothing about the replica; nor do the reruns that look for that request.
    if (!rerun && catalogue[code].status >= 500) pool.failed(replica, message, at);
    // Nor is any request at fault for what the replica could not take or answer: another may.
    if (catalogue[code].retry) return elsewhere(live, replica, at, code, message);
    const next = live.length === 0 ? undefined : afterFailedBatch(live);
    if (next?.kind === 'rerun') again.push(...next.batches);
    options.onRoom(at);
    if (next?.kind === 'fail') end.fail(next.item, code, message);
  };

  const onLost = (running: Running, reason: string): void => {
    const { jobs, replica } = running;
    const at = clock.now();
    for (const job of jobs) stopListening(job);
    pool.release(replica, running, at);
    pool.failed(replica, `it was lost with work in flight: ${reason}`, at);
    const live = jobs.filter((job) => job.state !== 'ended');
    const why = `replica ${replica.id} was lost with the request in flight`;
    elsewhere(live, replica, at, 'REPLICA_FAILED', why, `: ${reason}`);
  };

  /** Each once more on another replica, one by one; those that have been there already, or without another, fail. */
  const elsewhere = (
    live: readonly Job[],
    replica: Replica,
    at: number,
    code: ErrorCode,
    why: string,
    reason = '',
  ): void => {
    const beside = pool.readyBeside(replica);
    // Of one that wakes, another comes for whoever waits.
    const { rerun, failed } = afterLoss(live, reach.wakes && code === 'REPLICA_FAILED' ? Math.max(beside, 1) : beside);
    for (const job of rerun) {
      job.retried = true;
      again.push([job]);
    }
    options.onRoom(at);
    for (const job of failed) {
      const where = job.retried ? 'twice, on different replicas' : 'and no other replica is ready';
      end.fail(job, code, `${why}, ${where}${reason}`, code === 'OVERLOADED' ? busyRetrySeconds : undefined);
    }
  };

  return { send };
}
