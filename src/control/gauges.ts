/** What control holds as metrics, read when somebody asks: desired, starting, ready, draining and failed stay apart. */
import type { DeploymentView } from '../api/schemas.ts';
import type { Registry } from '../telemetry/registry.ts';

export function registerGauges(registry: Registry, deployments: () => readonly DeploymentView[]): void {
  registry.gauge(
    {
      name: 'flyball_replicas',
      help: 'Replicas of a deployment by state.',
      labels: ['deployment', 'state'],
    },
    () =>
      deployments().flatMap(({ name, counts }) =>
        Object.entries(counts).map(([state, value]) => ({ labels: { deployment: name, state }, value })),
      ),
  );
  registry.gauge(
    { name: 'flyball_replicas_desired', help: 'Replicas that are wanted now.', labels: ['deployment'] },
    () => deployments().map(({ name, desired }) => ({ labels: { deployment: name }, value: desired })),
  );
  registry.gauge(
    {
      name: 'flyball_replica_resident_memory_bytes',
      help: 'Resident memory of a replica, by its own word.',
      labels: ['deployment', 'replica'],
    },
    () =>
      deployments().flatMap(({ name, replicas }) =>
        replicas.flatMap(({ id, residentBytes }) =>
          residentBytes === undefined ? [] : [{ labels: { deployment: name, replica: id }, value: residentBytes }],
        ),
      ),
  );
}
