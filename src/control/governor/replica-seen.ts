/** A replica in the governor's eyes: what its own words amount to since the last ones. Pure. */
import { absent, fresh, type Signal } from '../../core/scaling/signals.ts';
import type { Replica } from '../replica.ts';
import type { ReplicaSeen } from './observe.ts';

/** Two words that are closer say more of the clock than of the load. */
const apartMsMin = 200;

/**
 * Share of its allowance of `cores` since its word before; absent where what computes is no process of ours: a server
 * that is only reached. One that was started anew in between has used less than before, which says nothing.
 */
export function cpuShareOf({ words, order }: Replica, cores: number, at: number): Signal {
  const { latest, before } = words ?? {};
  const { runtime } = order.launch;
  const isOurs = runtime.kind !== 'server' || runtime.command !== undefined;
  if (latest === undefined || before === undefined || latest.at - before.at < apartMsMin || !isOurs) return absent;
  const spent = latest.cpuSeconds - before.cpuSeconds;
  return spent < 0 ? absent : fresh(spent / ((latest.at - before.at) / 1000) / cores, at - latest.at);
}

/**
 * Undefined for one that is no capacity: on its way out, or failed. `cores`: its allowance. `silentSince`: since when
 * gateways tell of nobody; what was computed before is no work that they do not know of, and is not told.
 */
export function toReplicaSeen(
  replica: Replica,
  cores: number,
  at: number,
  silentSince = Number.NEGATIVE_INFINITY,
): ReplicaSeen | undefined {
  const { phase, stopping, orderedAt, readyAt, words, inFlight } = replica;
  if (stopping || phase === 'draining' || phase === 'failed') return undefined;
  const { latest, before } = words ?? {};
  const apartMs = latest === undefined || before === undefined ? 0 : latest.at - before.at;
  const seconds = apartMs / 1000;
  const known = latest !== undefined && before !== undefined && apartMs >= apartMsMin && before.at >= silentSince;
  return {
    phase: phase === 'ready' ? 'ready' : 'starting',
    ageMs: at - orderedAt,
    readyMs: readyAt === undefined ? 0 : at - readyAt,
    cpu: cpuShareOf(replica, cores, at),
    inFlight: phase === 'ready' && (latest?.at ?? 0) >= silentSince ? inFlight : undefined,
    inferences: known && phase === 'ready' ? Math.max(0, latest.inferences - before.inferences) / seconds : undefined,
  };
}
