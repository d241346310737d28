/** Which deployments are awake when control begins: nobody is put to sleep by a restart. */
import type { Clock } from '../clock.ts';
import { awakeAt } from '../core/upkeep/sleep.ts';
import type { Deployments } from './deployments.ts';
import type { Fleet } from './fleet.ts';
import type { Operations } from './operations.ts';

/** What has replicas was awake; so is what somebody had asked for when the last control ended. */
export function wakeWhatWasAwake(parts: {
  readonly deployments: Deployments;
  readonly fleet: Fleet;
  readonly operations: Operations;
  readonly clock: Clock;
}): void {
  const { deployments, fleet, operations, clock } = parts;
  const scaled = operations.running().flatMap(({ kind, deployments: names }) => (kind === 'scale' ? names : []));
  const names = new Set([...fleet.replicas().map(({ deployment }) => deployment), ...scaled]);
  for (const deployment of deployments.all()) {
    const { desired, specification } = deployment.record;
    const asked = desired > 0 || !scaled.includes(deployment.name);
    if (specification.replicas.min > 0 || (names.has(deployment.name) && asked)) {
      deployment.wakefulness = awakeAt(clock.now());
    }
  }
}
