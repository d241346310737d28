/**
 * The queue of one deployment version and the replicas behind it: the thin shell around src/core/queueing and
 * src/core/routing, which decide. It admits a request, has whatever can be started started and ends what is late; what waits
 * stands in waiting.ts, what is started of it in starting.ts, what became of a call in calls.ts.
 * A request that finds a free replica and an empty queue is sent in the same turn, without a key, timer or promise hop.
 * Invariant: every submitted request ends exactly once.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../clock.ts';
import { admit, type Admission } from '../core/queueing/admission.ts';
import { DeadlineHeap } from '../core/queueing/deadlines.ts';
import type { HangUpSignal } from '../protocol/hang-up.ts';
import { FlyballError } from '../errors.ts';
import type { InferenceResponse } from '../protocol/inference.ts';
import { CallSamples } from './call-samples.ts';
import { createCalls, type Calls } from './calls.ts';
import { DueTimer } from './due-timer.ts';
import { createExpected } from './expected.ts';
import { createEndings, stopListening, whyRefused, type Endings } from './endings.ts';
import { Job, type Submission } from './job.ts';
import { LearnedCosts } from './learned-costs.ts';
import { Reach } from './reach.ts';
import type { ConnectReplica } from './replica-connection.ts';
import { ReplicaPool } from './replica-pool.ts';
import type { DeploymentRoute, ReplicaObservation, VersionObservation, VersionRoute } from './routing-table.ts';
import { countEnd, createFigures, takeLatencies, type VersionFigures } from './version-figures.ts';
import { callDepth, createStarting, type Starting } from './starting.ts';
import { Surprise } from './surprise.ts';
import { Waiting } from './waiting.ts';

export interface VersionDispatcherOptions {
  readonly deployment: DeploymentRoute;
  readonly route: VersionRoute;
  readonly clock: Clock;
  readonly connect: ConnectReplica;
  onDrained(): void;
  onWaiting(): void;
}

export class VersionDispatcher {
  readonly figures: VersionFigures = createFigures();
  readonly deployment: string;
  readonly #clock: Clock;
  readonly #waiting: Waiting;
  readonly #pool: ReplicaPool;
  readonly #costs = new LearnedCosts();
  readonly #samples = new CallSamples();
  readonly #surprise: Surprise;
  readonly #expected = createExpected();
  readonly #reach: Reach;
  readonly #end: Endings;
  readonly #calls: Calls;
  readonly #starting: Starting;
  readonly #timer: DueTimer;
  /** Deadlines of what has been started: the caller is answered in time, the slot is not given up. */
  readonly #started = new DeadlineHeap<Job>();
  #route: VersionRoute;
  #companyUntil = Infinity;
  #closed = false;

  constructor(options: VersionDispatcherOptions) {
    const { deployment, route, clock, connect } = options;
    const names = { deployment: deployment.name, version: route.version };
    const [costs, figures, started] = [this.#costs, this.figures, this.#started];
    this.deployment = deployment.name;
    this.#clock = clock;
    this.#route = route;
    this.#reach = new Reach(clock.now(), () => options.onWaiting());
    this.#surprise = new Surprise(() => options.onWaiting());
    this.#timer = new DueTimer(clock, (at) => this.#onDue(at));
    this.#end = createEndings({ ...names, clock, figures, started });
    this.#waiting = new Waiting(deployment.queue.lengthMax, this.#end);
    this.#pool = new ReplicaPool({
      ...names,
      connect,
      now: () => clock.now(),
      onChange: () => this.#onReplicas(),
      onDrained: () => options.onDrained(),
      onCostCurve: (points) => costs.warmUp(points, clock.now()),
    });
    this.#calls = createCalls({
      ...names,
      clock,
      pool: this.#pool,
      costs,
      figures,
      samples: this.#samples,
      reach: this.#reach,
      started,
      again: this.#waiting.again,
      end: this.#end,
      onRoom: (at) => this.#pump(at),
    });
    this.#starting = createStarting({
      waiting: this.#waiting,
      pool: this.#pool,
      costs,
      reach: this.#reach,
      calls: this.#calls,
      end: this.#end,
    });
    this.update(deployment, route);
  }

  get route(): VersionRoute {
    return this.#route;
  }

  /** Milliseconds for which no replica could be reached; 0 when one can. */
  unreachableMs(at: number): number {
    return this.#reach.outMs(at);
  }

  get reachable(): boolean {
    return this.#reach.reachable;
  }

  get queueLength(): number {
    return this.#waiting.queue.length;
  }

  get inFlight(): number {
    return this.#started.size;
  }

  get cap(): number {
    return this.#costs.cap;
  }

  update(deployment: DeploymentRoute, route: VersionRoute): void {
    this.#route = route;
    this.#waiting.queue.lengthMax = deployment.queue.lengthMax;
    this.figures.objectiveMs = deployment.objectiveMs ?? Infinity;
    this.#costs.follow(route, this.#clock.now());
    this.#reach.follow(deployment);
    this.#pool.update(route.replicas, deployment.serving !== route.version);
    this.#onReplicas();
    if (deployment.callers === 'fail' && this.#pool.ready === 0) {
      const reason = `model ${deployment.name} is not ready: ${deployment.notReadyReason ?? 'it has no replica'}`;
      for (const job of this.#waiting.takeAll()) this.#notReady(job, reason);
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

  /**
   * Throws where the queue would refuse one row like this now, with those that are expected before it; a request came
   * then, and was refused. Otherwise it is expected until the returned function is called.
   */
  expect(head: Pick<Job, 'payload' | 'priority' | 'arrivedAt' | 'deadlineAt'>): () => void {
    const { arrivedAt: at } = head;
    if (this.#waiting.empty) return this.#expected.add(at);
    const admission = this.#admit({ ...head, rows: 1 }, at, this.#expected.count(at));
    if (admission.kind === 'admitted' || admission.code === 'DEADLINE_EXCEEDED') return this.#expected.add(at);
    const { code, retryAfterSeconds } = admission;
    this.figures.arrivals += 1;
    countEnd(this.figures, code, 0);
    const why = whyRefused(this.deployment, admission, head, this.#waiting.queue.lengthMax);
    throw new FlyballError(code, why, { retryAfterSeconds });
  }

  observe(): VersionObservation {
    const { arrivals, completed, failed, shed, late, busyMs, queueWaitMs } = this.figures;
    const { woken } = this.#reach;
    const since = this.#pool.ready > 0 ? Infinity : this.#waiting.since();
    const calls = this.#samples.take();
    this.#surprise.told(this.#waiting.queue.length, this.#clock.now());
    return {
      deployment: this.deployment,
      version: this.#route.version,
      arrivals,
      completed,
      failed,
      late,
      busyMs,
      ...(queueWaitMs !== undefined && { queueWaitMs }),
      shed: { ...shed },
      queueLength: this.#waiting.queue.length,
      inFlight: this.#started.size,
      latencyMs: takeLatencies(this.figures),
      batchSizeCap: this.#costs.cap,
      ...(this.#costs.isCapLearned && { batchSizeLearned: true }),
      ...(calls !== undefined && { calls }),
      ...(since !== Infinity && { waitingMs: Math.max(this.#clock.now() - since, 0) }),
      ...(woken !== undefined && { woken }),
    };
  }

  /** Looks for replicas that hang; to be called now and then. */
  watch(at: number): void {
    this.#pool.watch((rows) => this.#costs.longest(rows), at);
  }

  observeReplicas(): ReplicaObservation[] {
    return this.#pool.observe(this.#waiting.queue.length + this.#waiting.again.length);
  }

  /** The version has left the table: what waits goes to its successor or fails, what runs ends as it ends. */
  close(reason: string, successor?: VersionDispatcher): void {
    this.#closed = true;
    this.#reach.wakes = false;
    for (const job of this.#waiting.takeAll()) {
      if (job.state === 'waiting' && successor?.takesOver(job, this.#route) === true) this.figures.arrivals -= 1;
      else this.#notReady(job, reason);
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

  #notReady(job: Job, reason: string): void {
    this.#end.fail(job, 'MODEL_NOT_READY', reason, this.#reach.retrySeconds);
  }

  #enter(job: Job, at: number): void {
    if (job.signal.aborted) return this.#end.fail(job, 'CANCELLED', 'the caller hung up');
    if (job.deadlineAt <= at) return this.#end.late(job, 'it was over on arrival');
    const depth = callDepth[job.payload];
    const holds = this.#route.batching.delayMs > 0 && this.#costs.batchable && job.rows < this.#costs.cap;
    if (this.#waiting.empty && !holds) {
      const replica = this.#pool.choose(depth, 0, at);
      if (replica !== undefined) {
        const needed = this.#costs.estimate(job.rows, job.payload, at);
        if (needed !== undefined && at + needed > job.deadlineAt) return this.#end.tooShort(job, needed);
        if (needed === undefined || at + this.#starting.aheadMs(replica, at) + needed <= job.deadlineAt) {
          this.#calls.send(replica, [job], at, false);
          return this.#arm(at);
        }
      }
    }
    const admission = this.#admit(job, at);
    if (admission.kind === 'refused') return this.#end.refuse(job, admission, this.#waiting.queue.lengthMax);
    this.#waiting.add(job);
    this.#pump(at);
    this.#surprise.waits(this.#waiting.queue.length, this.#pool.ready, at);
  }

  #admit(ticket: Parameters<typeof admit>[1], at: number, expected = 0): Admission {
    const capacity = {
      expected,
      readyReplicas: this.#pool.ready,
      cap: this.#costs.cap,
      rowsInFlight: this.#pool.rowsInFlight,
      startMs: this.#reach.startMs,
    };
    return admit(this.#waiting.queue, ticket, capacity, this.#costs.curve, at);
  }

  #pump(at: number): void {
    this.#companyUntil = this.#starting.pump(this.#route.batching.delayMs, at);
    this.#arm(at);
  }

  #onReplicas(): void {
    const at = this.#clock.now();
    const listed = this.#route.replicas.some(({ state }) => state === 'ready');
    if (listed && this.#pool.ready > 0) this.#reach.found(this.#waiting.since(), at);
    else this.#reach.lost(listed, at);
    this.#pump(at);
  }

  #onDue(at: number): void {
    for (const job of this.#waiting.queue.takeExpired(at)) this.#end.late(job, 'it waited and was never started');
    for (const job of this.#started.takeDue(at)) {
      const cancel = job.onAbort;
      this.#end.late(job, 'it was being computed');
      cancel?.();
    }
    this.#pump(at);
  }

  #arm(at: number): void {
    const { queue } = this.#waiting;
    let next = Math.min(queue.nextDeadlineAt, this.#started.nextAt, this.#companyUntil);
    if (queue.length > 0) next = Math.min(next, this.#pool.readmissionAt);
    if (next === Infinity && this.#closed) this.#timer.stop();
    this.#timer.arm(next, at);
  }
}
