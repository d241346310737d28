/** The gateway's state as metrics, read when somebody asks; what happens is counted from events by telemetry. */
import type { Registry } from '../telemetry/registry.ts';
import type { DeployedVersions, Dispatcher } from './dispatcher.ts';
import type { VersionDispatcher } from './version-dispatcher.ts';

export function registerGauges(registry: Registry, dispatcher: Dispatcher, worker: number): void {
  const perVersion = (name: string, help: string, read: (version: VersionDispatcher) => number): void =>
    registry.gauge({ name, help, labels: ['deployment', 'version', 'worker'] }, () =>
      [...dispatcher.deployments()].flatMap(({ route, versions }: DeployedVersions) =>
        versions.map((version) => ({
          labels: { deployment: route.name, version: version.route.version, worker: String(worker) },
          value: read(version),
        })),
      ),
    );
  perVersion('flyball_queue_length', 'Requests that wait.', (version) => version.queueLength);
  perVersion('flyball_requests_in_flight', 'Requests that are being computed.', (version) => version.inFlight);
  perVersion('flyball_batch_size_cap', 'Rows that a call takes at most now.', (version) => version.cap);
  registry.total(
    {
      name: 'flyball_requests_late_total',
      help: 'Requests answered after the latency objective; absent where the deployment has none, and none was measured.',
      labels: ['deployment', 'version'],
    },
    () =>
      [...dispatcher.deployments()].flatMap(({ route, versions }: DeployedVersions) =>
        versions.flatMap(({ route: { version }, figures }) =>
          figures.objectiveMs === Infinity && figures.late === 0
            ? []
            : [{ labels: { deployment: route.name, version }, value: figures.late }],
        ),
      ),
  );
  registry.gauge(
    {
      name: 'flyball_routing_table_revision',
      help: 'Revision of the routing table that a worker acts on.',
      labels: ['worker'],
    },
    () => [{ labels: { worker: String(worker) }, value: dispatcher.table.revision }],
  );
}
