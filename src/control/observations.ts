/**
 * What the gateways' observations say: whether a drain is confirmed, whether a retired version still has callers
 * waiting, and a deployment's load. Pure. Absent is not zero: with no observation the ages and latencies are null.
 */
import type { DeploymentView } from '../api/schemas.ts';
import type { Demand } from '../core/upkeep/sleep.ts';
import type { VersionObservation } from '../gateway/routing-table.ts';
import type { ConnectedGateway } from './connected-gateway.ts';

/** Every connected gateway acts on `revision` or later and has nothing in flight there. With none it is vacuously true. */
export function drainConfirmed(gateways: readonly ConnectedGateway[], replica: string, revision: number): boolean {
  return gateways.every(({ latest }) => {
    if (latest === undefined || latest.revision < revision) return false;
    return (latest.replicas.find(({ id }) => id === replica)?.outstanding ?? 0) === 0;
  });
}

/** No connected gateway that knows of its retirement has anybody waiting for the version. */
export function queueEmpty(
  gateways: readonly ConnectedGateway[],
  deployment: string,
  version: string,
  revision: number,
): boolean {
  return gateways.every(({ latest }) => {
    if (latest === undefined || latest.revision < revision) return false;
    const found = latest.versions.find((entry) => entry.deployment === deployment && entry.version === version);
    return (found?.queueLength ?? 0) === 0;
  });
}

export function outstandingOf(gateways: readonly ConnectedGateway[], replica: string): number | undefined {
  let sum: number | undefined;
  for (const { latest } of gateways) {
    const found = latest?.replicas.find(({ id }) => id === replica);
    if (found !== undefined) sum = (sum ?? 0) + found.outstanding;
  }
  return sum;
}

export function ejectionOf(gateways: readonly ConnectedGateway[], replica: string): string | undefined {
  for (const { latest } of gateways) {
    const reason = latest?.replicas.find(({ id }) => id === replica)?.ejected;
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/**
 * For how long nobody has waited for anything that the replica computes, although that is far overdue; undefined where
 * somebody waits, or may.
 */
export function unwantedMsOf(gateways: readonly ConnectedGateway[], replica: string): number | undefined {
  let shortest: number | undefined;
  for (const { latest } of gateways) {
    if (latest === undefined) return undefined;
    const found = latest.replicas.find(({ id }) => id === replica);
    if (found === undefined || found.outstanding === 0) continue;
    // What this one has sent may stand behind what another's caller waits for, or the other way round.
    if (found.unwantedMs === undefined) return undefined;
    shortest = Math.min(shortest ?? Infinity, found.unwantedMs);
  }
  return shortest;
}

/** What is asked of a deployment, over all gateways; undefined while one of them has not told, or there is none. */
export interface DemandSeen extends Demand {
  /** How long the first of those that find no replica has waited; absent when nobody does. */
  readonly waitingMs?: number;
}

/** By deployment; `undefined` for every one while nobody, or not everybody, has told. */
export function demandOf(
  gateways: readonly ConnectedGateway[],
  at: number,
): (deployment: string) => DemandSeen | undefined {
  const known = gateways.length > 0 && gateways.every(({ latest }) => latest !== undefined);
  const found = new Map<string, DemandSeen>();
  for (const { latest } of gateways) {
    for (const { deployment, arrivals, queueLength, inFlight, waitingMs } of latest?.versions ?? []) {
      const before = found.get(deployment) ?? nothing;
      const waited = waitingMs === undefined ? undefined : waitingMs + Math.max(0, at - (latest?.at ?? at));
      const longest = Math.max(before.waitingMs ?? 0, waited ?? 0);
      found.set(deployment, {
        arrivals: before.arrivals + arrivals,
        // Whoever waits behind others for a replica that is there needs none to be started.
        waiting: before.waiting + (waitingMs === undefined ? 0 : Math.max(queueLength, 1)),
        inFlight: before.inFlight + inFlight + queueLength,
        ...(longest > 0 || waited !== undefined || before.waitingMs !== undefined ? { waitingMs: longest } : {}),
      });
    }
  }
  // Somebody who waits is somebody who waits, whatever the others would say.
  return (deployment) => {
    const seen = found.get(deployment);
    return known || (seen?.waiting ?? 0) > 0 ? (seen ?? nothing) : undefined;
  };
}

const nothing: DemandSeen = { arrivals: 0, waiting: 0, inFlight: 0 };

/** By deployment: when and how long after its arrival the first request that waited for a replica was answered. */
export function wokenOf(
  gateways: readonly ConnectedGateway[],
): ReadonlyMap<string, NonNullable<VersionObservation['woken']>> {
  const newest = new Map<string, NonNullable<VersionObservation['woken']>>();
  for (const { latest } of gateways) {
    for (const { deployment, woken } of latest?.versions ?? []) {
      if (woken !== undefined && woken.at > (newest.get(deployment)?.at ?? 0)) newest.set(deployment, woken);
    }
  }
  return newest;
}

const shedOf = (version: VersionObservation): number =>
  Object.values(version.shed).reduce((sum, count) => sum + count, 0);

/** Rates over the last two observations of each gateway; latencies are the worst gateway's, never an average. */
export function loadOf(gateways: readonly ConnectedGateway[], deployment: string, at: number): DeploymentView['load'] {
  const load = { requestsPerSecond: 0, inFlight: 0, queueLength: 0, errorsPerSecond: 0, shedPerSecond: 0 };
  let p50Ms: number | null = null;
  let p99Ms: number | null = null;
  let batchSizeCap: number | null = null;
  let newestAt: number | null = null;
  for (const { latest, previous } of gateways) {
    if (latest === undefined) continue;
    newestAt = Math.max(newestAt ?? 0, latest.at);
    const seconds = previous === undefined ? 0 : (latest.at - previous.at) / 1000;
    for (const version of latest.versions) {
      if (version.deployment !== deployment) continue;
      load.inFlight += version.inFlight;
      load.queueLength += version.queueLength;
      batchSizeCap = Math.max(batchSizeCap ?? 0, version.batchSizeCap);
      if (version.latencyMs !== undefined) {
        p50Ms = Math.max(p50Ms ?? 0, version.latencyMs.p50);
        p99Ms = Math.max(p99Ms ?? 0, version.latencyMs.p99);
      }
      const before = previous?.versions.find(
        (entry) => entry.deployment === deployment && entry.version === version.version,
      );
      if (before === undefined || seconds <= 0) continue;
      load.requestsPerSecond += Math.max(0, version.arrivals - before.arrivals) / seconds;
      load.errorsPerSecond += Math.max(0, version.failed - before.failed) / seconds;
      load.shedPerSecond += Math.max(0, shedOf(version) - shedOf(before)) / seconds;
    }
  }
  const ageMs = newestAt === null ? null : Math.max(0, at - newestAt);
  return { ...load, p50Ms, p99Ms, batchSizeCap, ageMs };
}
