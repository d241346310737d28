/**
 * What all gateways have counted for each deployment since the last look. A look takes each gateway's newest word once;
 * how old that word is, is told by the monotonic clock at which it was first seen here, so that no wall clock that
 * jumps makes it fresh or stale.
 */
import type { VersionObservation } from '../../gateway/routing-table.ts';
import { processOf, type ConnectedGateway, type Observation } from '../connected-gateway.ts';

export interface Counted {
  arrivals: number;
  completed: number;
  failed: number;
  shed: number;
  late: number;
  /** Milliseconds of replicas' time. */
  busyMs: number;
  queued: number;
  inFlight: number;
  p50Ms: number;
  p99Ms: number;
  queueWaitMs: number;
}

/** What has been counted since an earlier look as well; what is a state and no count is that of now. */
export function withCounts(now: Counted, before: Counted | undefined): Counted {
  if (before === undefined) return now;
  return {
    ...now,
    arrivals: before.arrivals + now.arrivals,
    completed: before.completed + now.completed,
    failed: before.failed + now.failed,
    shed: before.shed + now.shed,
    late: before.late + now.late,
    busyMs: before.busyMs + now.busyMs,
  };
}

export interface LoadLook {
  /**
   * Milliseconds since the oldest gateway spoke; infinite while one has not, or there is none, and in the look in which
   * one is first seen: what it had counted before is no load of now, and nobody knows how much of it is.
   */
  readonly ageMs: number;
  /** Of one that nobody counted, everything is zero. */
  readonly of: (deployment: string) => Counted;
}

export interface LoadCounts {
  look(gateways: readonly ConnectedGateway[], at: number): LoadLook;
}

interface Known {
  latest: Observation | undefined;
  seenAt: number;
  versions: ReadonlyMap<string, VersionObservation>;
}

const none = (): Counted => ({
  arrivals: 0,
  completed: 0,
  failed: 0,
  shed: 0,
  late: 0,
  busyMs: 0,
  queued: 0,
  inFlight: 0,
  p50Ms: Number.NaN,
  p99Ms: Number.NaN,
  queueWaitMs: Number.NaN,
});

const worse = (left: number, right: number | undefined): number =>
  right === undefined ? left : Number.isNaN(left) ? right : Math.max(left, right);

const shedOf = ({ shed }: VersionObservation): number => {
  let sum = 0;
  // Whoever hung up was refused nothing.
  for (const [code, count] of Object.entries(shed)) if (code !== 'CANCELLED') sum += count;
  return sum;
};

export function countLoad(): LoadCounts {
  const known = new Map<string, Known>();

  function add(counted: Counted, now: VersionObservation, before: VersionObservation | undefined): void {
    counted.queued += now.queueLength;
    counted.inFlight += now.inFlight;
    counted.p50Ms = worse(counted.p50Ms, now.latencyMs?.p50);
    counted.p99Ms = worse(counted.p99Ms, now.latencyMs?.p99);
    counted.queueWaitMs = worse(counted.queueWaitMs, now.queueWaitMs);
    const grown = (of: (version: VersionObservation) => number): number =>
      before === undefined ? of(now) : Math.max(0, of(now) - of(before));
    counted.arrivals += grown(({ arrivals }) => arrivals);
    counted.completed += grown(({ completed }) => completed);
    counted.failed += grown(({ failed }) => failed);
    counted.shed += grown(shedOf);
    counted.late += grown(({ late = 0 }) => late);
    counted.busyMs += grown(({ busyMs = 0 }) => busyMs);
  }

  return {
    look(gateways, at) {
      const counts = new Map<string, Counted>();
      let ageMs = gateways.length === 0 ? Number.POSITIVE_INFINITY : 0;
      const present = new Set<string>();
      for (const gateway of gateways) {
        const { latest } = gateway;
        const key = processOf(gateway);
        present.add(key);
        const before = known.get(key);
        if (latest === undefined) {
          ageMs = Number.POSITIVE_INFINITY;
          continue;
        }
        const isNew = before?.latest !== latest;
        const seenAt = isNew ? at : before.seenAt;
        ageMs = before?.latest === undefined ? Number.POSITIVE_INFINITY : Math.max(ageMs, at - seenAt);
        const versions = isNew ? new Map<string, VersionObservation>() : before.versions;
        for (const version of latest.versions) {
          const id = `${version.deployment} ${version.version}`;
          let counted = counts.get(version.deployment);
          if (counted === undefined) counts.set(version.deployment, (counted = none()));
          // What a gateway had counted before it was first seen here is no load of now.
          add(counted, version, before === undefined ? version : isNew ? before.versions.get(id) : version);
          if (isNew) (versions as Map<string, VersionObservation>).set(id, version);
        }
        known.set(key, { latest, seenAt, versions });
      }
      for (const key of known.keys()) if (!present.has(key)) known.delete(key);
      return { ageMs, of: (deployment) => counts.get(deployment) ?? none() };
    },
  };
}
