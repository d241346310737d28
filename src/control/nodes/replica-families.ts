/** What each replica uses of its machine, as metrics: by its own word, with whatever it has started. */
import type { Sample } from '../../telemetry/metrics.ts';
import type { Registry } from '../../telemetry/registry.ts';
import type { ReplicaOnNode } from './view.ts';

export function registerReplicaFamilies(
  registry: Registry,
  node: string,
  replicas: () => readonly ReplicaOnNode[],
): void {
  const labels = ['deployment', 'replica', 'node'];
  const each = (valueOf: (replica: ReplicaOnNode) => number | undefined): readonly Sample[] =>
    replicas().flatMap((replica) => {
      const value = valueOf(replica);
      const { deployment, id } = replica;
      const on = replica.node ?? node;
      return value === undefined ? [] : [{ labels: { deployment, replica: id, node: on }, value }];
    });
  registry.total(
    { name: 'flyball_replica_cpu_seconds_total', help: 'Processor time of a replica since its start.', labels },
    () => each(({ cpuSeconds }) => cpuSeconds),
  );
  registry.gauge(
    {
      name: 'flyball_replica_cpu_share',
      help: 'Share of its allowance (resources.cpu, otherwise one core) that a replica uses; what policies see as CPU.',
      labels,
    },
    () => each(({ cpu }) => (cpu.kind === 'fresh' ? cpu.value : undefined)),
  );
}
