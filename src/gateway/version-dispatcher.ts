/**
 * The queue of one deployment version and the replicas behind it: the thin shell around src/core/queueing and
 * src/core/routing, which decide. It sends batches, answers callers, and keeps one timer for whatever is due next.
 * A request that finds a free replica and an empty queue is sent in the same turn, without a key, timer or promise hop.
 * Invariant: every submitted request ends exactly once; a slot is held until its work has really ended.
 * Longer than other files on purpose: every turn that a request can take is here, where the invariant can be checked.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../clock.ts';
import { admit } from '../core/queueing/admission.ts';
import { formBatch } from '../core/queueing/batch.ts';
import { afterFailedBatch } from '../core/queueing/bisect.ts';
import { DeadlineHeap } from '../core/queueing/deadlines.ts';
import { RequestQueue } from '../core/queueing/queue.ts';
import { afterLoss } from '../core/routing/after-loss.ts';
import { catalogue, type ErrorCode } from '../errors.ts';
import type { ResultHeader } from '../protocol/frames/messages.ts';
import type { HangUpSignal } from '../protocol/hang-up.ts';
import type { InferenceRequest, InferenceResponse } from '../protocol/inference.ts';
import type { Tensor } from '../protocol/tensor.ts';
import { publish } from '../telemetry/events.ts';
import { joinInputs, splitOutputs } from './batch-frames.ts';
import { createEndings, stopListening, type Endings } from './endings.ts';
import { compatibilityKey, Job } from './job.ts';
import { LearnedCosts } from './learned-costs.ts';
import type { ConnectReplica } from './replica-connection.ts';
import { ReplicaPool, type Replica } from './replica-pool.ts';
import type { DeploymentRoute, ReplicaObservation, VersionObservation, VersionRoute } from './routing-table.ts';
import { countCall, createFigures, takeLatencies, type VersionFigures } from './version-figures.ts';

/** Calls that a replica may have at once; a second file call lets decoding overlap the runtime's work. */
const callDepth = { tensors: 1, files: 2 } as const;
/** As many as any deployment may declare, so that a change of the declaration needs no new queue. */
const priorityLevelsMax = 16;
/** How soon a caller may come back whose request every replica was too busy for. */
const busyRetrySeconds = 1;
/** How soon a caller may come back to a deployment that has no replica: about the time that one takes to start. */
export const notReadyRetrySeconds = 2;
/** Longest single timer; a later deadline is met by several. */
const timerMsMax = 60_000;

export interface VersionDispatcherOptions {
  readonly deployment: DeploymentRoute;
  readonly route: VersionRoute;
  readonly clock: Clock;
  readonly connect: ConnectReplica;
  onDrained(): void;
  onWaiting(): void;
}

export interface Submission {
  readonly request: InferenceRequest;
  /** In the order of the signature. */
  readonly inputs: readonly Tensor[];
  readonly arrivedAt: number;
  readonly deadlineAt: number;
  readonly priority: number;
}

interface Running {
  readonly jobs: readonly Job[];
  readonly replica: Replica;
  readonly rows: number;
  readonly sentAt: number;
  /** The replica had nothing else to do, so the time beyond the runtime's own is transport. */
  readonly alone: boolean;
  readonly rerun: boolean;
}

export class VersionDispatcher {
  readonly figures: VersionFigures = createFigures();
  readonly deployment: string;
  readonly #onWaiting: () => void;
  readonly #clock: Clock;
  readonly #queue: RequestQueue<Job>;
  readonly #pool: ReplicaPool;
  readonly #costs = new LearnedCosts();
  readonly #end: Endings;
  /** Deadlines of what has been started: the caller is answered in time, the slot is not given up. */
  readonly #started = new DeadlineHeap<Job>();
  /** Batches to run again, before anything that waits. */
  readonly #reruns: (readonly Job[])[] = [];
  #route: VersionRoute;
  #companyUntil = Infinity;
  #timerAt = Infinity;
  #cancelTimer = (): void => {};
  #emptySince: number | undefined;
  #closed: string | undefined;
  #wakes = false;
  /** Control has been told that somebody waits for a replica. */
  #told = false;
  /** Arrival of the first that waited for the replica that has just come, until its answer. */
  #wokenFor: number | undefined;
  #woken: VersionObservation['woken'];

  constructor(options: VersionDispatcherOptions) {
    this.deployment = options.deployment.name;
    this.#onWaiting = () => options.onWaiting();
    this.#clock = options.clock;
    this.#route = options.route;
    this.#emptySince = this.#clock.now();
    this.#queue = new RequestQueue({
      lengthMax: options.deployment.queue.lengthMax,
      priorityLevels: priorityLevelsMax,
    });
    this.#pool = new ReplicaPool({
      deployment: options.deployment.name,
      version: options.route.version,
      connect: options.connect,
      now: () => this.#clock.now(),
      onChange: () => this.#onReplicas(),
      onDrained: () => options.onDrained(),
      onCostCurve: (points) => this.#costs.warmUp(points, this.#clock.now()),
    });
    this.#end = createEndings({
      deployment: options.deployment.name,
      version: options.route.version,
      clock: options.clock,
      figures: this.figures,
      started: this.#started,
    });
    this.update(options.deployment, options.route);
  }

  get route(): VersionRoute {
    return this.#route;
  }

  /** Milliseconds for which no replica could be reached; 0 when one can. */
  unreachableMs(at: number): number {
    return this.#emptySince === undefined ? 0 : at - this.#emptySince;
  }

  get reachable(): boolean {
    return this.#emptySince === undefined;
  }

  get queueLength(): number {
    return this.#queue.length;
  }

  get inFlight(): number {
    return this.#started.size;
  }

  get cap(): number {
    return this.#costs.cap;
  }

  update(deployment: DeploymentRoute, route: VersionRoute): void {
    this.#route = route;
    this.#queue.lengthMax = deployment.queue.lengthMax;
    this.#costs.follow(route, this.#clock.now());
    this.#wakes = deployment.wakes === true;
    this.#pool.update(route.replicas, deployment.serving !== route.version);
    this.#onReplicas();
    if (deployment.callers === 'fail' && this.#pool.ready === 0) {
      const reason = `model ${deployment.name} is not ready: ${deployment.notReadyReason ?? 'it has no replica'}`;
      for (const job of this.#takeWaiting()) this.#end.fail(job, 'MODEL_NOT_READY', reason, notReadyRetrySeconds);
    }
  }

  submit(submission: Submission, signal: HangUpSignal): Promise<InferenceResponse> {
    const { promise, resolve, reject } = Promise.withResolvers<InferenceResponse>();
    const { inputs } = submission;
    const rows = this.#costs.batchable && inputs.length > 0 ? (inputs[0]?.shape[0] ?? 1) : 1;
    const job = new Job(submission.request, inputs, rows, submission, signal, { resolve, reject });
    this.figures.arrivals += 1;
    this.#enter(job, submission.arrivedAt);
    return promise;
  }

  observe(): VersionObservation {
    const { arrivals, completed, failed, shed } = this.figures;
    return {
      deployment: this.deployment,
      version: this.#route.version,
      arrivals,
      completed,
      failed,
      shed: { ...shed },
      queueLength: this.#queue.length,
      inFlight: this.#started.size,
      latencyMs: takeLatencies(this.figures),
      batchSizeCap: this.#costs.cap,
      ...(this.#pool.ready > 0 ? {} : this.#waiting()),
      ...(this.#woken === undefined ? {} : { woken: this.#woken }),
    };
  }

  /** Looks for replicas that hang; to be called now and then. */
  watch(at: number): void {
    this.#pool.watch((rows) => this.#costs.longest(rows), at);
  }

  /** Who waits for a replica to come, those that one has lost or refused among them. */
  #waiting(): Pick<VersionObservation, 'waitingMs'> {
    const first = this.#queue.first();
    const since = Math.min(
      first === undefined ? Infinity : this.#queue.oldestLike(first),
      ...this.#reruns.flat().map(({ arrivedAt }) => arrivedAt),
    );
    return since === Infinity ? {} : { waitingMs: Math.max(this.#clock.now() - since, 0) };
  }

  observeReplicas(): ReplicaObservation[] {
    return this.#pool.observe(this.#queue.length + this.#reruns.length);
  }

  /** The version has left the table: what waits goes to its successor or fails, what runs ends as it ends. */
  close(reason: string, successor?: VersionDispatcher): void {
    this.#closed = reason;
    for (const job of this.#takeWaiting()) {
      if (job.state === 'waiting' && successor?.takesOver(job, this.#route) === true) this.figures.arrivals -= 1;
      else this.#end.fail(job, 'MODEL_NOT_READY', reason, notReadyRetrySeconds);
    }
    this.#pool.retire();
    this.#arm(this.#clock.now());
  }

  /** A request that waited for another version and named none; false when this one takes something else. */
  takesOver(job: Job, from: VersionRoute): boolean {
    const { signature, takesFiles } = this.#route;
    const same = isDeepStrictEqual(signature, from.signature) && takesFiles === from.takesFiles;
    if (!same || job.request.version !== undefined) return false;
    stopListening(job);
    this.figures.arrivals += 1;
    this.#enter(job, this.#clock.now());
    return true;
  }

  #takeWaiting(): readonly Job[] {
    return [...this.#queue.takeAll(), ...this.#reruns.splice(0).flat()];
  }

  #enter(job: Job, at: number): void {
    if (job.signal.aborted) return this.#end.fail(job, 'CANCELLED', 'the caller hung up');
    if (job.deadlineAt <= at) return this.#end.late(job, 'it was over on arrival');
    const depth = callDepth[job.payload];
    const holds = this.#route.batching.delayMs > 0 && this.#costs.batchable && job.rows < this.#costs.cap;
    if (this.#queue.length === 0 && this.#reruns.length === 0 && !holds) {
      const replica = this.#pool.choose(depth, 0, at);
      if (replica !== undefined) {
        const needed = this.#costs.estimate(job.rows, job.payload, at);
        if (needed !== undefined && at + needed > job.deadlineAt) return this.#end.tooShort(job, needed);
        if (needed === undefined || at + this.#ahead(replica, at) + needed <= job.deadlineAt) {
          this.#start(replica, [job], at, false);
          return this.#arm(at);
        }
      }
    }
    const capacity = { readyReplicas: this.#pool.ready, cap: this.#costs.cap, rowsInFlight: this.#pool.rowsInFlight };
    const admission = admit(this.#queue, job, capacity, this.#costs.curve, at);
    if (admission.kind === 'refused') return this.#end.refuse(job, admission, this.#queue.lengthMax);
    job.key = compatibilityKey(job);
    this.#queue.add(job);
    const onAbort = (): void => {
      this.#queue.remove(job);
      this.#end.fail(job, 'CANCELLED', 'the caller hung up; the request was never started');
    };
    job.onAbort = onAbort;
    job.signal.addEventListener('abort', onAbort, { once: true });
    this.#pump(at);
  }

  /** Starts whatever can be started now. */
  #pump(at: number): void {
    this.#companyUntil = Infinity;
    while (this.#reruns.length > 0 || this.#queue.length > 0) {
      const again = this.#reruns[0];
      const payload = again?.[0]?.payload ?? this.#queue.first()?.payload ?? 'tensors';
      const waiting = this.#reruns.length + this.#queue.rows / this.#costs.cap;
      const replica = this.#pool.choose(callDepth[payload], waiting, at);
      if (replica === undefined) {
        if (this.#pool.ready === 0 && (!this.#told || this.#queue.length === 1)) {
          this.#told = true;
          this.#onWaiting();
        }
        break;
      }
      if (again !== undefined) {
        this.#reruns.shift();
        for (const job of again) if (job.signal.aborted) this.#end.fail(job, 'CANCELLED', 'the caller hung up');
        const live = again.filter((job) => job.state !== 'ended' && job.deadlineAt > at);
        if (live.length > 0) this.#start(replica, live, at, true);
        continue;
      }
      const batch = formBatch(
        this.#queue,
        {
          readyReplicas: this.#pool.ready,
          cap: this.#costs.cap,
          delayMs: this.#route.batching.delayMs,
          batchable: this.#costs.batchable,
          curve: this.#costs.curve,
          aheadMs: this.#ahead(replica, at),
        },
        at,
      );
      for (const job of batch.hopeless) {
        const left = Math.max(Math.round(job.deadlineAt - at), 0);
        this.#end.late(job, `it waited, the ${left} ms left are too few for the work, and it was never started`);
      }
      if (batch.items.length === 0) {
        this.#companyUntil = batch.waitUntil;
        break;
      }
      this.#start(replica, batch.items, at, false);
    }
    this.#arm(at);
  }

  /** What the replica still has to do with what it has; 0 when nothing is known of that. */
  #ahead(replica: Replica, at: number): number {
    if (replica.outstandingCalls === 0) return 0;
    return Math.max(0, (this.#costs.compute(replica.outstandingRows) ?? 0) - (at - replica.progressAt));
  }

  #start(replica: Replica, jobs: readonly Job[], at: number, rerun: boolean): void {
    let rows = 0;
    for (const job of jobs) {
      rows += job.rows;
      if (job.state === 'running') continue;
      job.state = 'running';
      job.startedAt = at;
      stopListening(job);
      this.#started.add(job);
    }
    const running: Running = { jobs, replica, rows, sentAt: at, alone: replica.outstandingCalls === 0, rerun };
    this.#pool.take(replica, rows, at);
    const { header, parts } = joinInputs(jobs);
    const number = replica.connection.infer(header, parts, {
      onResult: (result, body) => this.#onResult(running, result, body),
      onLost: (reason) => this.#onLost(running, reason),
    });
    // Files wait for their decoding, and one can take a second; tensors are being computed as soon as they are there.
    if (jobs[0]?.payload === 'files') this.#cancelWhenNobodyWaits(running, number);
  }

  #cancelWhenNobodyWaits({ jobs, replica }: Running, number: number): void {
    for (const job of jobs) {
      const onAbort = (): void => {
        if (jobs.every((one) => one.signal.aborted || one.state === 'ended')) replica.connection.cancel(number);
      };
      job.onAbort = onAbort;
      job.signal.addEventListener('abort', onAbort, { once: true });
    }
  }

  #onResult(running: Running, header: ResultHeader, body: Uint8Array): void {
    const { jobs, replica, rows, sentAt } = running;
    const at = this.#clock.now();
    for (const job of jobs) stopListening(job);
    this.#pool.release(replica, rows, at);
    const computeMs = header.computeMs ?? at - sentAt;
    const failed = header.failed ?? [];
    const ok = header.error === undefined;
    publish('flyball:batch', {
      deployment: this.deployment,
      version: this.#route.version,
      replica: replica.id,
      rows,
      requests: jobs.length,
      computeMs,
      ok,
    });
    if (!ok) return this.#onRefused(running, header, at);
    this.#pool.succeeded(replica);
    const call = countCall(this.figures, rows, header.inputMs ?? 0, computeMs);
    this.figures.lastInferenceAt = this.#clock.wall();
    if (this.#wokenFor !== undefined) {
      this.#woken = { at: this.#clock.wall(), totalMs: at - this.#wokenFor };
      this.#wokenFor = undefined;
    }
    if (failed.length === 0) {
      const payload = jobs[0]?.payload ?? 'tensors';
      if (running.alone) this.#pool.learn(replica, at - sentAt, this.#costs.estimate(rows, payload, at));
      this.#costs.learn({ rows, payload, computeMs, wallMs: at - sentAt, alone: running.alone }, at);
    }
    const bad = new Map(failed.map((item) => [item.index, item]));
    const good = bad.size === 0 ? jobs : jobs.filter((_, index) => !bad.has(index));
    const split = splitOutputs(
      header,
      body,
      good.map((job) => job.rows),
    );
    if (split.kind === 'indivisible' && good.length > 1) {
      this.#costs.stopBatching();
      publish('flyball:fault', {
        where: `${this.deployment} version ${this.#route.version}`,
        message: `its answers cannot be divided, so it is not batched any more: ${split.message}`,
      });
      for (const job of good) this.#reruns.push([job]);
    }
    // The replica gets its next batch before the callers get their answers: it would be idle meanwhile.
    this.#pump(at);
    for (const [index, item] of bad) {
      const job = jobs[index];
      if (job !== undefined) this.#end.fail(job, item.code, item.message);
    }
    if (split.kind === 'indivisible') {
      if (good.length === 1 && good[0] !== undefined) this.#end.fail(good[0], 'PROTOCOL', split.message);
      return;
    }
    const outputMs = this.#clock.now() - at;
    call.outputMs += outputMs;
    good.forEach((job, index) => {
      if (job.state === 'ended') return;
      if (job.signal.aborted) return this.#end.fail(job, 'CANCELLED', 'the caller hung up while the request ran');
      this.figures.inputMs += header.inputMs ?? 0;
      this.figures.computeMs += computeMs;
      this.figures.outputMs += outputMs;
      const answer = {
        outputs: split.outputs[index] ?? [],
        readable: header.readable?.[index],
        computeMs,
        batchSize: rows,
        replica: replica.id,
      };
      this.#end.answer(job, answer, at);
    });
  }

  /** The call computed nothing. */
  #onRefused({ jobs, replica, rerun }: Running, header: ResultHeader, at: number): void {
    const { code, message } = header.error as { code: ErrorCode; message: string };
    const live = jobs.filter((job) => job.state !== 'ended');
    if (code === 'DRAINING') {
      this.#pool.refused(replica);
      if (live.length > 0) this.#reruns.push(live);
      return this.#pump(at);
    }
    if (code === 'CANCELLED') {
      this.#pump(at);
      for (const job of live) this.#end.fail(job, 'CANCELLED', 'the caller hung up; the request was not computed');
      return;
    }
    // What a request is at fault for says nothing about the replica; nor do the reruns that look for that request.
    if (!rerun && catalogue[code].status >= 500) this.#pool.failed(replica, message, at);
    // Nor is any request at fault for what the replica could not take or answer: another may.
    if (catalogue[code].retry) return this.#elsewhere(live, replica, at, code, message);
    const next = live.length === 0 ? undefined : afterFailedBatch(live);
    if (next?.kind === 'rerun') this.#reruns.push(...next.batches);
    this.#pump(at);
    if (next?.kind === 'fail') this.#end.fail(next.item, code, message);
  }

  #onLost({ jobs, replica, rows }: Running, reason: string): void {
    const at = this.#clock.now();
    for (const job of jobs) stopListening(job);
    this.#pool.release(replica, rows, at);
    this.#pool.failed(replica, `it was lost with work in flight: ${reason}`, at);
    const live = jobs.filter((job) => job.state !== 'ended');
    const why = `replica ${replica.id} was lost with the request in flight`;
    this.#elsewhere(live, replica, at, 'REPLICA_FAILED', why, `: ${reason}`);
  }

  /** Each once more on another replica, one by one; those that have been there already, or without another, fail. */
  #elsewhere(live: readonly Job[], replica: Replica, at: number, code: ErrorCode, why: string, reason = ''): void {
    const beside = this.#pool.readyBeside(replica);
    // Of one that wakes, another comes for whoever waits.
    const others = this.#wakes && code === 'REPLICA_FAILED' ? Math.max(beside, 1) : beside;
    const { rerun, failed } = afterLoss(live, this.#closed === undefined ? others : 0);
    for (const job of rerun) {
      job.retried = true;
      this.#reruns.push([job]);
    }
    this.#pump(at);
    for (const job of failed) {
      const where = job.retried ? 'twice, on different replicas' : 'and no other replica is ready';
      this.#end.fail(job, code, `${why}, ${where}${reason}`, code === 'OVERLOADED' ? busyRetrySeconds : undefined);
    }
  }

  #onReplicas(): void {
    const at = this.#clock.now();
    // The time in which the table had none to reach is not time in which one could not be reached.
    if (!this.#route.replicas.some(({ state }) => state === 'ready')) this.#emptySince = at;
    else if (this.#pool.ready === 0) this.#emptySince ??= at;
    else {
      const { waitingMs } = this.#told ? this.#waiting() : {};
      if (waitingMs !== undefined) this.#wokenFor = at - waitingMs;
      this.#told = false;
      this.#emptySince = undefined;
    }
    this.#pump(at);
  }

  /** One timer for the earliest of all that is due. It is left alone when it is early enough: most never matter. */
  #arm(at: number): void {
    let next = Math.min(this.#queue.nextDeadlineAt, this.#started.nextAt, this.#companyUntil);
    if (this.#queue.length > 0) next = Math.min(next, this.#pool.readmissionAt);
    if (next === Infinity && this.#closed !== undefined) {
      this.#cancelTimer();
      this.#timerAt = Infinity;
    }
    if (this.#timerAt <= next) return;
    this.#cancelTimer();
    const wait = Math.min(Math.max(Math.ceil(next - at), 0), timerMsMax);
    this.#timerAt = at + wait;
    this.#cancelTimer = this.#clock.after(wait, () => {
      this.#timerAt = Infinity;
      const now = this.#clock.now();
      for (const job of this.#queue.takeExpired(now)) this.#end.late(job, 'it waited and was never started');
      for (const job of this.#started.takeDue(now)) {
        const cancel = job.onAbort;
        this.#end.late(job, 'it was being computed');
        cancel?.();
      }
      this.#pump(now);
    });
  }
}
