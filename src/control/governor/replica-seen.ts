/** A replica in the governor's eyes: what its own words amount to since the last ones. Pure. */
import { absent, fresh } from '../../core/scaling/signals.ts';
import type { Replica } from '../replica.ts';
import type { ReplicaSeen } from './observe.ts';

/** Two words that are closer say more of the clock than of the load. */
const apartMsMin = 200;

/** Undefined for one that is no capacity: on its way out, or failed. `cores`: its allowance. */
export function toReplicaSeen(replica: Replica, cores: number, at: number): ReplicaSeen | undefined {
  const { phase, stopping, orderedAt, readyAt, words, inFlight } = replica;
  if (stopping || phase === 'draining' || phase === 'failed') return undefined;
  const { latest, before } = words ?? {};
  const apartMs = latest === undefined || before === undefined ? 0 : latest.at - before.at;
  const seconds = apartMs / 1000;
  const known = latest !== undefined && before !== undefined && apartMs >= apartMsMin;
  const own = replica.order.launch.runtime.kind !== 'server';
  return {
    phase: phase === 'ready' ? 'ready' : 'starting',
    ageMs: at - orderedAt,
    readyMs: readyAt === undefined ? 0 : at - readyAt,
    cpu: known && own ? fresh((latest.cpuSeconds - before.cpuSeconds) / seconds / cores, at - latest.at) : absent,
    inFlight: phase === 'ready' ? inFlight : undefined,
    inferences: known && phase === 'ready' ? Math.max(0, latest.inferences - before.inferences) / seconds : undefined,
  };
}
