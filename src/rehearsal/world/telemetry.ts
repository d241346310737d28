/**
 * What a policy sees of the simulated world, once a second, as the live loop would tell it: the same signals with their
 * age and state. One observation, written anew each time, because a rehearsal makes millions of them.
 * In a gap of the telemetry the last readings age and are then absent. With wrong telemetry the gateways tell of no load
 * while the replicas, who know what they compute, are busy: what both tell of is contradictory, and the rest of what the
 * gateways tell with it.
 */
import { absent, type Signal, type SignalKind } from '../../core/scaling/signals.ts';
import type { Lag, Observation } from '../../core/scaling/observation.ts';
import { emptyCapacity, measureCapacity } from '../../core/scaling/measured-capacity.ts';
import { measureService } from '../../core/scaling/measured-service.ts';
import type { Faults } from '../faults.ts';
import type { Fleet } from './fleet.ts';
import type { World } from './world.ts';

/** One second's reading is old when several are missing, and worth nothing after half a minute. */
export const staleMs = 5000;
export const absentMs = 30_000;
/** Between two regular looks. */
export const spanMs = 1000;

interface Reading {
  kind: SignalKind;
  value: number;
  ageMs: number;
}

export interface Watched {
  readonly world: World;
  readonly fleet: Fleet;
  readonly faults: Faults;
  readonly min: number;
  readonly max: number;
  readonly latencyMs: number;
  readonly deadlineMs: number;
  readonly stages: Lag | undefined;
  readonly startWallMs: number;
  /** Share of its allowance that a replica's CPU is used while it computes. */
  readonly cpuShare: number;
  /** Requests per second that n replicas hold, at index n; `measured`: as the live loop finds it, with nothing known. */
  readonly capacity: ArrayLike<number> | 'measured';
  /** Mean time of a call of one request, for as long as none was made. */
  readonly oneMs: number;
  /** Whether a recorded trace has a hole there. */
  readonly isHole: (at: number) => boolean;
}

/** Written at each look; what else changes are the readings themselves. */
type Rewritten = 'wallMs' | 'spanMs' | 'capacity';

const reading = (): Reading => ({ kind: 'absent', value: Number.NaN, ageMs: Number.POSITIVE_INFINITY });

export class Telemetry {
  readonly #watched: Watched;
  readonly #fleet = { target: 0, ready: 0, starting: 0 };
  readonly #gateway = {
    arrivals: reading(),
    inFlight: reading(),
    queued: reading(),
    queueWaitMs: reading(),
    late: reading(),
    errors: reading(),
  };
  readonly #replicas = { serviceMs: reading(), utilisation: reading(), cpu: reading() };
  readonly #all: readonly Reading[];
  readonly #seen: Omit<Observation, Rewritten> & { -readonly [Name in Rewritten]: Observation[Name] };
  #readAt = 0;
  #lookedAt = 0;
  #serviceMs = Number.NaN;
  #queued = 0;
  #ready = 0;
  #arrivals = 0;
  #late = 0;
  #lost = 0;
  #blind = false;

  constructor(watched: Watched) {
    this.#watched = watched;
    this.#all = [...Object.values(this.#gateway), ...Object.values(this.#replicas)];
    const quantile = (q: number): Signal => this.#quantile(q);
    this.#seen = {
      tier: 'replicas',
      replicasPerUnit: 1,
      spanMs,
      wallMs: watched.startWallMs,
      fleet: this.#fleet,
      min: watched.min,
      max: watched.max,
      lag: watched.stages ?? { detect: spanMs, decide: 0, start: watched.fleet.lagMs, load: 0, warm: 0, serve: 0 },
      objective: { latencyMs: watched.latencyMs, deadlineMs: watched.deadlineMs },
      external: {},
      capacity: watched.capacity === 'measured' ? emptyCapacity(watched.max) : watched.capacity,
      signals: {
        ...this.#gateway,
        ...this.#replicas,
        // Sorting a second's latencies is worth it only for who asks.
        get p50Ms() {
          return quantile(0.5);
        },
        get p99Ms() {
          return quantile(0.99);
        },
      },
    };
  }

  /** What was since the last look and ends at `at`, to be used before `next` begins another. */
  read(at: number): Observation {
    const { fleet, startWallMs } = this.#watched;
    this.#seen.wallMs = startWallMs + at;
    this.#seen.spanMs = Math.max(1, at - this.#lookedAt);
    this.#lookedAt = at;
    this.#fleet.target = fleet.target;
    this.#fleet.ready = fleet.serving;
    this.#fleet.starting = fleet.starting;
    this.#blind = !Number.isNaN(this.#watched.faults.gap?.since(at) ?? Number.NaN) || this.#watched.isHole(at);
    if (this.#blind) this.#age(at);
    else this.#take(at);
    return this.#seen;
  }

  /** What was read has been used. */
  next(): void {
    this.#watched.world.nextSpan();
    this.#watched.fleet.nextSpan();
  }

  /** What it knows of the start: nothing but the fleet. */
  first(): Observation {
    const { fleet } = this.#watched;
    this.#fleet.target = fleet.target;
    this.#fleet.ready = fleet.serving;
    return this.#seen;
  }

  #take(at: number): void {
    const { world, fleet, faults, cpuShare, oneMs } = this.#watched;
    const { arrivals, inFlight, queued, queueWaitMs, late, errors } = this.#gateway;
    const { serviceMs, utilisation, cpu } = this.#replicas;
    const latePast = world.late + world.shed;
    know(arrivals, world.arrivals - this.#arrivals);
    know(inFlight, world.rowMs / this.#seen.spanMs);
    know(queued, world.waiting);
    know(queueWaitMs, world.lastWaitMs);
    know(late, latePast - this.#late);
    know(errors, world.lost - this.#lost);
    know(serviceMs, this.#measure(at) ?? (world.calledRows > 0 ? world.calledMs / world.calledRows : oneMs));
    // Those that drain compute too, and belong to nobody's allowance that is still counted.
    const busyShare = fleet.servingMs > 0 ? Math.min(1, world.busyMs / fleet.servingMs) : 0;
    know(utilisation, busyShare);
    know(cpu, busyShare * cpuShare);
    this.#readAt = at;
    this.#arrivals = world.arrivals;
    this.#late = latePast;
    this.#lost = world.lost;
    if (faults.wrong !== undefined && !Number.isNaN(faults.wrong.since(at))) this.#contradict(busyShare > 0);
  }

  /** As the live loop does: from what ended since the last look, and what waited before it and waits now. */
  #measure(at: number): number | undefined {
    const { capacity, world, fleet, oneMs } = this.#watched;
    if (capacity !== 'measured') return undefined;
    const { spanMs: span } = this.#seen;
    const { endedMs: busyMs, endedRows: completed, waiting: queuedAfter } = world;
    const { serving: ready } = fleet;
    this.#seen.capacity = measureCapacity(this.#seen.capacity as Float64Array, {
      ready,
      steady: fleet.steady(at - span),
      readyBefore: this.#ready,
      queuedBefore: this.#queued,
      queuedAfter,
      completed,
      spanMs: span,
    });
    this.#queued = queuedAfter;
    this.#ready = ready;
    this.#serviceMs = measureService(this.#serviceMs, busyMs, completed, span);
    return Number.isNaN(this.#serviceMs) ? oneMs : this.#serviceMs;
  }

  #contradict(isBusy: boolean): void {
    const { arrivals, inFlight, queued, late, errors } = this.#gateway;
    const busyRows = inFlight.value;
    for (const silent of [arrivals, inFlight, queued, late, errors]) {
      silent.value = 0;
      if (isBusy) silent.kind = 'contradictory';
    }
    // Of two sources that disagree the one counts that asks for more.
    inFlight.value = busyRows;
  }

  #age(at: number): void {
    const { world } = this.#watched;
    const ageMs = at - this.#readAt;
    for (const each of this.#all) {
      if (each.kind === 'absent') continue;
      each.ageMs = ageMs;
      if (ageMs > absentMs) forget(each);
      else if (ageMs > staleMs) each.kind = 'stale';
    }
    // Counters go on where nobody reads them: the first reading after the gap is of one second again.
    this.#arrivals = world.arrivals;
    this.#late = world.late + world.shed;
    this.#lost = world.lost;
  }

  #quantile(q: number): Signal {
    const { spanCount, spanLatencies } = this.#watched.world;
    if (this.#blind || spanCount === 0) return absent;
    const sorted = spanLatencies.subarray(0, Math.min(spanCount, spanLatencies.length)).toSorted();
    return { kind: 'fresh', value: sorted[Math.ceil(q * sorted.length) - 1] as number, ageMs: 0 };
  }
}

function know(signal: Reading, value: number): void {
  if (!Number.isFinite(value)) {
    forget(signal);
    return;
  }
  signal.kind = 'fresh';
  signal.value = value;
  signal.ageMs = 0;
}

function forget(signal: Reading): void {
  signal.kind = 'absent';
  signal.value = Number.NaN;
  signal.ageMs = Number.POSITIVE_INFINITY;
}
