/** What control holds as metrics, read when somebody asks: desired, starting, ready, draining and failed stay apart. */
import type { DeploymentView } from '../api/schemas.ts';
import type { Sample } from '../telemetry/metrics.ts';
import type { Registry } from '../telemetry/registry.ts';
import type { CertificateIssuer } from './certificates.ts';

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
  const each = (valueOf: (deployment: DeploymentView) => number | null): readonly Sample[] =>
    deployments().flatMap((deployment) => {
      const value = valueOf(deployment);
      return value === null ? [] : [{ labels: { deployment: deployment.name }, value }];
    });
  const labels = ['deployment'];
  registry.gauge({ name: 'flyball_replicas_min', help: 'Bound below which no target goes.', labels }, () =>
    each(({ min }) => min),
  );
  registry.gauge({ name: 'flyball_replicas_max', help: 'Bound above which no target goes.', labels }, () =>
    each(({ max }) => max),
  );
  registry.gauge(
    {
      name: 'flyball_observation_age_seconds',
      help: 'Age of the newest word of a gateway about a deployment.',
      labels,
    },
    () => each(({ load }) => (load.ageMs === null ? null : load.ageMs / 1000)),
  );
  registry.gauge(
    {
      name: 'flyball_slo_latency_seconds',
      help: 'slo.p99Ms: 99 of 100 answers are to come within this; absent where none is set.',
      labels,
    },
    () => each(({ sloP99Ms }) => (sloP99Ms === null ? null : sloP99Ms / 1000)),
  );
  registry.gauge(
    {
      name: 'flyball_slo_availability_ratio',
      help: 'slo.availability: share of the requests that are to be answered well.',
      labels,
    },
    () => each(({ sloAvailability }) => sloAvailability),
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

/** `counts`: certificates that control's door has issued, by kind of identity. */
export function registerIssued(registry: Registry, counts: CertificateIssuer['counts']): void {
  registry.total(
    {
      name: 'flyball_certificates_issued_total',
      help: "Certificates that were renewed through control's door since control started.",
      labels: ['kind'],
    },
    () => Object.entries(counts()).map(([kind, value]) => ({ labels: { kind }, value })),
  );
}
