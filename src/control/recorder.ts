/**
 * Once a second, what gateways have counted and what replicas there are, into the series. It has its own count of the
 * gateways' words, so that it neither waits for the governor nor knows it, and looks at fixed and sleeping deployments
 * too. Nothing is written of one to which nothing happens.
 *
 * A count belongs to the second in which it was told. While a gateway says nothing, the seconds wait for its word and
 * share what it then tells; when it takes too long, nobody recorded them.
 */
import type { Clock } from '../clock.ts';
import { referenceColumns, type Held, type Row } from '../series/columns.ts';
import type { Series } from '../series/open-series.ts';
import { publish } from '../telemetry/events.ts';
import { wantedOf, type Deployments } from './deployments.ts';
import type { Fleet } from './fleet.ts';
import { processOf } from './connected-gateway.ts';
import type { GatewayChannel } from './gateway-channel.ts';
import { countLoad, type Counted } from './governor/load-counts.ts';
import type { WouldHold } from './governor/would-hold.ts';

export interface RecorderParts {
  readonly series: Pick<Series, 'record'>;
  readonly deployments: Pick<Deployments, 'all'>;
  readonly fleet: Pick<Fleet, 'replicas'>;
  readonly channel: Pick<GatewayChannel, 'gateways'>;
  readonly clock: Clock;
  /** What other policies would hold now; undefined: nobody has asked them. */
  readonly wouldHold?: (deployment: string, wallMs: number) => WouldHold | undefined;
}

const secondMs = 1000;
/** Gateways speak four times a second: one that has said nothing since the last look is late. */
const lateMs = 1000;
/** What is told after a longer silence is of no second in particular. */
const waitedMax = 15;
/** Wall and monotonic clock may part by so much between two looks; by more, the wall clock has jumped. */
const jumpMs = 1000;

type Sums = Pick<Counted, 'arrivals' | 'completed' | 'failed' | 'shed' | 'late' | 'busyMs'>;
const sums = ['arrivals', 'completed', 'failed', 'shed', 'late', 'busyMs'] as const satisfies (keyof Sums)[];

const noReplicas = { ready: 0, starting: 0 };
const nobody: WouldHold = { ifHpa: Number.NaN, ifKpa: Number.NaN, ifRay: Number.NaN, ifThresholds: Number.NaN };
const nothing: Sums = { arrivals: 0, completed: 0, failed: 0, shed: 0, late: 0, busyMs: 0 };

/** Returns the end of it. */
export function startRecorder(parts: RecorderParts): () => void {
  const { series, deployments, fleet, channel, clock, wouldHold = () => undefined } = parts;
  const counts = countLoad();
  /** The last second that was looked at, and both clocks then. */
  let last: { readonly second: number; readonly wall: number; readonly now: number } | undefined;
  /** Seconds that wait for a gateway's word, and what the others have told meanwhile. */
  let seconds: number[] = [];
  let told = new Map<string, Sums>();
  let before: ReadonlyMap<string, Held> = new Map();
  let known: ReadonlySet<string> = new Set();
  let cancel = (): void => {};

  function replicasOf(): ReadonlyMap<string, { ready: number; starting: number }> {
    const found = new Map<string, { ready: number; starting: number }>();
    for (const { deployment, phase, stopping } of fleet.replicas()) {
      if (stopping || phase === 'draining' || phase === 'failed') continue;
      let own = found.get(deployment);
      if (own === undefined) found.set(deployment, (own = { ready: 0, starting: 0 }));
      if (phase === 'ready') own.ready += 1;
      else own.starting += 1;
    }
    return found;
  }

  function forget(): void {
    seconds = [];
    told = new Map();
  }

  function look(): void {
    const wall = clock.wall();
    const now = clock.now();
    const second = Math.floor(wall / secondMs) * secondMs;
    // A timer that is a moment early sees the same second once more: what came is counted with the next.
    if (last?.second === second) return;
    const elapsedMs = last === undefined ? 0 : now - last.now;
    const jumped = last !== undefined && Math.abs(wall - last.wall - elapsedMs) > jumpMs;
    const passed = last === undefined ? 0 : Math.round((second - last.second) / secondMs);
    const gateways = channel.gateways();
    const load = counts.look(gateways, now);
    const speaking = gateways.filter(({ latest }) => latest !== undefined).map(processOf);
    const isNew = speaking.some((gateway) => !known.has(gateway));
    known = new Set(speaking);
    const isFirst = last === undefined;
    last = { second, wall, now };
    if (isFirst || isNew || elapsedMs > waitedMax * secondMs) {
      // What was counted before anybody looked, or while this machine slept, is of no second.
      forget();
      return;
    }
    for (let index = jumped ? 0 : passed - 1; index >= 0; index -= 1) seconds.push(second - index * secondMs);
    const all = deployments.all();
    for (const { name } of all) {
      const counted = load.of(name);
      if (!sums.some((sum) => counted[sum] > 0)) continue;
      const sofar = told.get(name);
      if (sofar === undefined) told.set(name, counted);
      else for (const sum of sums) sofar[sum] += counted[sum];
    }
    if (load.ageMs >= lateMs) {
      if (seconds.length >= waitedMax) forget();
      return;
    }
    const replicas = replicasOf();
    const held = new Map<string, Held>();
    // Hundreds may sleep: of those to which nothing happens nothing is made, once a second.
    const touched = new Set(told.keys());
    const changed = new Set<string>();
    const would = new Map<string, WouldHold>();
    for (const deployment of all) {
      const { name } = deployment;
      const { ready, starting } = replicas.get(name) ?? noReplicas;
      const target = wantedOf(deployment);
      const last = before.get(name);
      const isSame = last?.ready === ready && last.starting === starting && last.target === target;
      held.set(name, isSame ? last : { ready, starting, target });
      if (!isSame) changed.add(name);
      const { inFlight, queued } = load.of(name);
      const others = wouldHold(name, wall);
      if (others !== undefined) would.set(name, others);
      if (!isSame || inFlight > 0 || queued > 0 || isOther(others, target)) touched.add(name);
    }
    seconds.forEach((at, index) => {
      const busy = new Map<string, Row>();
      for (const name of touched) {
        const state = held.get(name);
        if (state === undefined) continue;
        const others = would.get(name) ?? nobody;
        const row = rowOf(load.of(name), told.get(name) ?? nothing, { ...state, ...others }, index, seconds.length);
        if (changed.has(name) || isBusy(row) || isOther(others, state.target)) busy.set(name, row);
      }
      series.record(at, held, busy);
    });
    before = held;
    forget();
  }

  function next(): void {
    cancel = clock.after(secondMs, () => {
      try {
        look();
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        publish('flyball:fault', { where: 'recording series', message, error });
      }
      next();
    });
  }

  next();
  return () => cancel();
}

/** The `index`-th of `of` seconds that share what was told. */
function rowOf(counted: Counted, all: Sums, held: Held & WouldHold, index: number, of: number): Row {
  const { inFlight, queued, queueWaitMs, p50Ms, p99Ms } = counted;
  const share = { ...nothing };
  // Whole requests: the rest that cannot be shared evenly is of the last seconds.
  for (const sum of sums) {
    share[sum] =
      sum === 'busyMs'
        ? all[sum] / of
        : Math.floor((all[sum] * (index + 1)) / of) - Math.floor((all[sum] * index) / of);
  }
  return { ...share, inFlight, queued, queueWaitMs, p50Ms, p99Ms, ...held };
}

/** Whether anybody would have done something else: where all agree with what is, that is not worth a row. */
function isOther(would: WouldHold | undefined, target: number): boolean {
  if (would === undefined) return false;
  return referenceColumns.some((column) => !Number.isNaN(would[column]) && would[column] !== target);
}

const isBusy = (row: Row): boolean => sums.some((sum) => row[sum] > 0) || row.inFlight > 0 || row.queued > 0;
