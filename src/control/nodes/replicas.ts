/** The replicas that a machine carries, with what they use of it. Pure. */
import type { Deployment } from '../deployments.ts';
import { cpuShareOf } from '../governor/replica-seen.ts';
import type { Replica } from '../replica.ts';
import type { ReplicaOnNode } from './view.ts';

/** `at`: monotonic milliseconds. */
export function replicasOnNode(
  replicas: readonly Replica[],
  deploymentOf: (name: string) => Pick<Deployment, 'record'> | undefined,
  at: number,
): readonly ReplicaOnNode[] {
  return replicas
    .filter(({ stopping, phase }) => !stopping && phase !== 'failed')
    .map((replica) => ({
      id: replica.id,
      deployment: replica.deployment,
      cpu: cpuShareOf(replica, deploymentOf(replica.deployment)?.record.specification.resources.cpu ?? 1, at),
      cpuSeconds: replica.words?.latest.cpuSeconds,
      residentBytes: replica.residentBytes,
      node: replica.node,
      placement: replica.order.placement,
    }));
}
