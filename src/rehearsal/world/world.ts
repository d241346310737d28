/**
 * One deployment, request by request, on a virtual clock: admission, the central queue, batches, replicas. It follows the
 * rules of src/core/queueing and src/core/routing for requests of one row, one priority and one deadline; with these
 * the queue is a ring and its first is the first to expire, so nothing is allocated for a request. A property test runs
 * the core modules themselves beside it and compares the fate of each request.
 * A request's scatter belongs to the request and not to the call, so that every policy meets the same requests.
 * It decides nothing about how many replicas there are. Invariant: every request ends exactly once.
 * It is long because its inner loop is one class: millions of requests a second leave no room for calls between files.
 */
import { isSurprise } from '../../core/scaling/surprise.ts';
import { drawBits } from './distribution.ts';
import { Completions } from './completions.ts';
import type { Circumstances } from './circumstances.ts';
import { Latencies } from './latencies.ts';
import type { LiveCosts } from './live-costs.ts';
import { dead, draining, idle, Slots } from './slots.ts';
import type { ArrivalSource } from '../traffic/arrivals.ts';
import type { Rng } from '../../rng.ts';
import type { ServiceTables } from './service.ts';

export interface WorldSettings {
  readonly service: ServiceTables;
  readonly queueLengthMax: number;
  /** A request that takes longer is late. */
  readonly latencyMs: number;
  readonly deadlineMs: number;
}

/** How a request may end. `late` was computed, if only after its objective; the others never were. */
export type Ending = 'kept' | 'late' | 'full' | 'overloaded' | 'expired' | 'lost';

/** A call whose replica died, to be run once more. */
interface Rerun {
  readonly arrived: Float64Array;
  readonly factor: number;
}

const blockSize = 4096;
/** As src/core/queueing/admission.ts has it. */
const tailOfWait = 0.25;
/** Latencies that are kept for the quantiles of a second. */
const spanLatenciesMax = 4096;

export class World {
  readonly #settings: WorldSettings;
  readonly #ms: Float64Array;
  /** Where calls are learned from as they end; the next three follow it. */
  readonly #costs: LiveCosts | undefined;
  #cap: number;
  #tail: number;
  /** Places in a slot for the requests of its call. */
  readonly #width: number;
  readonly #source: ArrivalSource;
  readonly #chance: Rng;
  readonly #circumstances: Circumstances | undefined;
  readonly slots: Slots;
  readonly #completions = new Completions(64);
  readonly #again: Rerun[] = [];
  // What comes, a block ahead.
  readonly #times = new Float64Array(blockSize);
  readonly #factors = new Float64Array(blockSize).fill(1);
  #next = 0;
  #block = 0;
  // What waits: arrivals and factors, in a ring.
  readonly #arrived: Float64Array;
  readonly #factor: Float64Array;
  readonly #mask: number;
  #first = 0;
  waiting = 0;
  rowsInFlight = 0;
  busyCalls = 0;
  // What became of all of them.
  readonly latencies = new Latencies();
  arrivals = 0;
  kept = 0;
  late = 0;
  full = 0;
  overloaded = 0;
  expired = 0;
  lost = 0;
  // Integrals over time and sums, for whoever reads them once a second.
  busyMs = 0;
  rowMs = 0;
  #integratedTo = 0;
  calledMs = 0;
  calledRows = 0;
  /** Of the calls that ended. */
  endedMs = 0;
  endedRows = 0;
  lastWaitMs = Number.NaN;
  readonly spanLatencies = new Float32Array(spanLatenciesMax);
  spanCount = 0;
  /** What waited when somebody last looked, and when that was; a queue that jumps stops `advance` at that moment. */
  #lookedQueued = Infinity;
  #lookedAt = 0;
  #hasJumped = false;
  /** For tests: what became of the request that arrived then. */
  onEnding: ((arrivedAt: number, ending: Ending, at: number) => void) | undefined;

  constructor(settings: WorldSettings, source: ArrivalSource, chance: Rng) {
    this.#settings = settings;
    const { service } = settings;
    this.#costs = service.learning?.();
    this.#ms = this.#costs?.ms ?? service.ms;
    this.#cap = this.#costs?.cap ?? service.cap;
    this.#tail = this.#costs?.tail ?? service.tail;
    this.#width = this.#ms.length - 1;
    this.#circumstances = settings.service.circumstances;
    this.#source = source;
    this.#chance = chance;
    this.slots = new Slots(this.#width);
    const ring = 2 ** Math.ceil(Math.log2(settings.queueLengthMax + 1));
    this.#arrived = new Float64Array(ring);
    this.#factor = new Float64Array(ring);
    this.#mask = ring - 1;
    this.#fill();
  }

  get shed(): number {
    return this.full + this.overloaded + this.expired + this.lost;
  }

  get ended(): number {
    return this.kept + this.late + this.shed;
  }

  /** Somebody has looked, and wants to look again as soon as the load has jumped. */
  look(at: number): void {
    this.#lookedQueued = this.waiting;
    this.#lookedAt = at;
  }

  /**
   * Everything up to and at `until`, completions before arrivals of the same moment; returns how far it came, which is
   * less where the load has jumped.
   */
  advance(until: number): number {
    const completions = this.#completions;
    this.#hasJumped = false;
    for (;;) {
      const completion = completions.nextAt;
      const arrival = this.#next < this.#block ? (this.#times[this.#next] as number) : Infinity;
      if (completion <= arrival) {
        if (completion > until || completion === Infinity) break;
        this.#complete(completions.pop(), completion);
      } else {
        if (arrival > until) break;
        const factor = this.#factors[this.#next] as number;
        this.#next += 1;
        if (this.#next === this.#block) this.#fill();
        this.#arrive(arrival, factor);
        if (this.#hasJumped) {
          this.#integrate(arrival);
          return arrival;
        }
      }
    }
    if (until !== Infinity) {
      this.#integrate(until);
      this.#expire(until);
    }
    return until;
  }

  /** A replica begins to serve. */
  open(at: number): void {
    this.slots.open(at);
    this.#pump(at);
  }

  /** One that serves takes no more work and goes when it has nothing left. False when none serves. */
  drain(): boolean {
    const { slots } = this;
    const slot = slots.leastMissed();
    if (slot === -1) return false;
    slots.serving -= 1;
    if (slots.phase[slot] === idle) {
      slots.removeIdle(slot);
      slots.close(slot);
    } else {
      slots.phase[slot] = draining;
      slots.drainingCount += 1;
    }
    return true;
  }

  /**
   * The n-th of those that serve dies. What it computed runs once more where there is another (src/core/routing/
   * after-loss.ts), and is lost where there is none or where it has died with one already.
   */
  crash(n: number, at: number): void {
    const { slots } = this;
    const slot = slots.nthServing(n);
    if (slot === -1) return;
    this.#integrate(at);
    slots.serving -= 1;
    if (slots.phase[slot] === idle) {
      slots.removeIdle(slot);
      slots.close(slot);
      return;
    }
    // Its completion is still to come, and says only that the slot is free.
    slots.phase[slot] = dead;
    const rows = slots.rows[slot] as number;
    this.rowsInFlight -= rows;
    this.busyCalls -= 1;
    const arrived = slots.arrived.slice(slot * this.#width, slot * this.#width + rows);
    if (slots.serving < 1 || slots.again[slot] === 1) {
      this.lost += rows;
      for (const each of arrived) this.onEnding?.(each, 'lost', at);
      return;
    }
    this.#again.push({ arrived, factor: slots.factor[slot] as number });
    this.#pump(at);
  }

  /** No more replicas are made: what runs ends, and what waits without one expires. */
  finish(): void {
    this.#lookedQueued = Infinity;
    this.advance(Infinity);
    this.#expire(Infinity);
    for (const { arrived } of this.#again.splice(0)) {
      this.lost += arrived.length;
      for (const each of arrived) this.onEnding?.(each, 'lost', each + this.#settings.deadlineMs);
    }
  }

  /** Begins a new span for the readings of a second. */
  nextSpan(): void {
    this.busyMs = 0;
    this.rowMs = 0;
    this.calledMs = 0;
    this.calledRows = 0;
    this.endedMs = 0;
    this.endedRows = 0;
    this.spanCount = 0;
  }

  #fill(): void {
    this.#block = this.#source.take(this.#times);
    this.#next = 0;
    const table = this.#settings.service.factors;
    if (this.#circumstances !== undefined) {
      // What a request's call takes is known when it begins; where in its distribution, now.
      for (let index = 0; index < this.#block; index += 1) this.#factors[index] = this.#chance.next();
      return;
    }
    if (table === undefined) return;
    const scale = 1 << drawBits;
    for (let index = 0; index < this.#block; index += 1)
      this.#factors[index] = table[(this.#chance.next() * scale) | 0] as number;
  }

  #integrate(at: number): void {
    const elapsed = at - this.#integratedTo;
    this.busyMs += elapsed * this.busyCalls;
    this.rowMs += elapsed * this.rowsInFlight;
    this.#integratedTo = at;
  }

  #expire(at: number): void {
    const { deadlineMs } = this.#settings;
    while (this.waiting > 0 && (this.#arrived[this.#first] as number) + deadlineMs <= at) this.#giveUp(at);
  }

  /** The first leaves the queue: its deadline is over, or too near for the work. */
  #giveUp(at: number): void {
    const arrived = this.#arrived[this.#first] as number;
    this.#first = (this.#first + 1) & this.#mask;
    this.waiting -= 1;
    this.expired += 1;
    if (this.onEnding !== undefined)
      this.onEnding(arrived, 'expired', Math.min(at, arrived + this.#settings.deadlineMs));
  }

  #arrive(at: number, factor: number): void {
    const { slots } = this;
    this.arrivals += 1;
    if (this.waiting > 0) this.#expire(at);
    if (this.waiting === 0 && slots.idleCount > 0 && this.#again.length === 0) {
      const slot = slots.takeIdle();
      slots.arrived[slot * this.#width] = at;
      this.#begin(slot, 1, factor, false, at);
      return;
    }
    if (this.waiting >= this.#settings.queueLengthMax) {
      this.full += 1;
      if (this.onEnding !== undefined) this.onEnding(at, 'full', at);
      return;
    }
    if (!this.#canWait(at)) {
      this.overloaded += 1;
      if (this.onEnding !== undefined) this.onEnding(at, 'overloaded', at);
      return;
    }
    const place = (this.#first + this.waiting) & this.#mask;
    this.#arrived[place] = at;
    this.#factor[place] = factor;
    this.waiting += 1;
    if (slots.idleCount > 0) this.#pump(at);
    if (this.waiting > this.#lookedQueued) this.#hasJumped = this.#isSurprise(at);
  }

  #isSurprise(at: number): boolean {
    const before = { queued: this.#lookedQueued, ageMs: at - this.#lookedAt };
    return isSurprise({ queued: this.waiting, ready: this.slots.serving }, before);
  }

  /** Whether what is ahead fits its deadline, as `admit` estimates it; without a replica there is nothing to estimate. */
  #canWait(at: number): boolean {
    const { serving } = this.slots;
    if (serving < 1) return true;
    const ms = this.#ms;
    const cap = this.#cap;
    const tail = this.#tail;
    const wait = ((this.waiting + this.rowsInFlight / 2) * (ms[cap] as number)) / cap / serving;
    const own = ms[1] as number;
    const estimateMs = wait === 0 ? own : wait * (1 + (tail - 1) * tailOfWait) + own * tail;
    return at + estimateMs - (at + this.#settings.deadlineMs) <= 0;
  }

  /** Starts whatever can be started now. */
  #pump(at: number): void {
    const { slots } = this;
    while (slots.idleCount > 0) {
      if (this.#again.length > 0) {
        this.#beginAgain(this.#again.shift() as Rerun, at);
        continue;
      }
      if (this.waiting === 0) return;
      const slot = slots.takeIdle();
      const factor = this.#formBatch(slot, at);
      if (slots.rows[slot] === 0) {
        slots.giveBack(slot);
        return;
      }
      this.#begin(slot, slots.rows[slot] as number, factor, false, at);
    }
  }

  #beginAgain({ arrived, factor }: Rerun, at: number): void {
    const { slots } = this;
    const { deadlineMs } = this.#settings;
    const live = arrived.filter((each) => each + deadlineMs > at);
    this.lost += arrived.length - live.length;
    if (this.onEnding !== undefined)
      for (const each of arrived) if (each + deadlineMs <= at) this.onEnding(each, 'lost', each + deadlineMs);
    if (live.length === 0) return;
    const slot = slots.takeIdle();
    slots.arrived.set(live, slot * this.#width);
    this.#begin(slot, live.length, factor, true, at);
  }

  /** As `formBatch`, for requests of which each comes and expires after those before it. Rows are left in the slot. */
  #formBatch(slot: number, at: number): number {
    const { slots } = this;
    const { deadlineMs } = this.#settings;
    const tail = this.#tail;
    const ms = this.#ms;
    const own = ms[1] as number;
    slots.rows[slot] = 0;
    this.#expire(at);
    while (
      this.waiting > 0 &&
      at + own * (this.waiting > 1 ? tail : 1) > (this.#arrived[this.#first] as number) + deadlineMs
    )
      this.#giveUp(at);
    if (this.waiting === 0) return 1;
    const share = Math.min(this.#cap, Math.ceil(this.waiting / Math.max(slots.serving, 1)));
    // Whoever joins comes after the first and has more time than it, so the first's deadline is the batch's.
    const deadlineAt = (this.#arrived[this.#first] as number) + deadlineMs;
    const factor = this.#factor[this.#first] as number;
    const to = slot * this.#width;
    let rows = 1;
    while (rows < share && at + (ms[rows + 1] as number) * tail <= deadlineAt) rows += 1;
    for (let index = 0; index < rows; index += 1)
      slots.arrived[to + index] = this.#arrived[(this.#first + index) & this.#mask] as number;
    this.#first = (this.#first + rows) & this.#mask;
    this.waiting -= rows;
    slots.rows[slot] = rows;
    return factor;
  }

  #begin(slot: number, rows: number, factor: number, again: boolean, at: number): void {
    const { slots } = this;
    this.#integrate(at);
    const took =
      this.#circumstances === undefined
        ? (this.#ms[rows] as number) * factor
        : this.#measuredMs(this.#circumstances, slot, rows, factor, at);
    if (this.#costs !== undefined && !again) {
      this.#costs.begin(rows);
      this.#cap = this.#costs.cap;
    }
    slots.since[slot] = at;
    slots.rows[slot] = rows;
    slots.factor[slot] = factor;
    slots.again[slot] = again ? 1 : 0;
    this.rowsInFlight += rows;
    this.busyCalls += 1;
    this.calledMs += took;
    this.calledRows += rows;
    this.lastWaitMs = at - (slots.arrived[slot * this.#width] as number);
    this.#completions.push(slot, at + took);
  }

  #measuredMs(circumstances: Circumstances, slot: number, rows: number, uniform: number, at: number): number {
    const { slots } = this;
    const nth = (slots.calls[slot] as number) + 1;
    slots.calls[slot] = nth;
    return circumstances.draw(rows, at - (slots.since[slot] as number), this.busyCalls + 1, nth, uniform);
  }

  #complete(slot: number, at: number): void {
    const { slots } = this;
    const phase = slots.phase[slot];
    if (phase === dead) {
      slots.close(slot);
      return;
    }
    this.#integrate(at);
    const rows = slots.rows[slot] as number;
    this.rowsInFlight -= rows;
    this.busyCalls -= 1;
    this.endedMs += at - (slots.since[slot] as number);
    this.endedRows += rows;
    if (this.#costs !== undefined) this.#learn(this.#costs, rows, at - (slots.since[slot] as number), at);
    slots.since[slot] = at;
    const from = slot * this.#width;
    for (let index = from; index < from + rows; index += 1) this.#answer(slots.arrived[index] as number, at);
    if (phase === draining) {
      slots.drainingCount -= 1;
      slots.close(slot);
      return;
    }
    slots.giveBack(slot);
    if (this.waiting > 0 || this.#again.length > 0) this.#pump(at);
  }

  #learn(costs: LiveCosts, rows: number, took: number, at: number): void {
    costs.learn(rows, took, at);
    this.#cap = costs.cap;
    this.#tail = costs.tail;
  }

  /** Whoever is still being computed for at the deadline is told so then. */
  #answer(arrived: number, at: number): void {
    const { latencyMs, deadlineMs } = this.#settings;
    const took = at - arrived;
    const latency = took < deadlineMs ? took : deadlineMs;
    this.latencies.record(latency);
    if (this.spanCount < spanLatenciesMax) this.spanLatencies[this.spanCount] = latency;
    this.spanCount += 1;
    // Sums of times have a last digit of noise: a call that takes exactly the objective has kept it.
    const isKept = took <= latencyMs * (1 + 1e-9);
    if (isKept) this.kept += 1;
    else this.late += 1;
    if (this.onEnding !== undefined) this.onEnding(arrived, isKept ? 'kept' : 'late', arrived + latency);
  }
}
