/** The metric families that the supervisor itself counts: restarts of its processes, and how long certificates last. */
import type { Registry } from '../telemetry/registry.ts';
import type { TlsMaterial } from '../tls/certificate.ts';
import type { Child } from './child.ts';
import type { Identities } from './identities.ts';
import { listenerNames, type ListenerName } from './roles.ts';

export function registerFamilies(
  registry: Registry,
  children: readonly Child[],
  tls: (name: ListenerName) => TlsMaterial | undefined,
  identities: Pick<Identities, 'expiries'>,
): void {
  registry.total(
    {
      name: 'flyball_process_restarts_total',
      help: 'Restarts of a process by the supervisor since `up`.',
      labels: ['role', 'worker'],
    },
    () =>
      children.map((child) => ({
        labels: { role: child.role, worker: String(child.worker) },
        value: child.restarts(),
      })),
  );
  registry.gauge(
    {
      name: 'flyball_certificate_expiry_timestamp_seconds',
      help: 'Unix time at which the certificate of a listener expires.',
      labels: ['listener'],
    },
    () =>
      listenerNames.flatMap((listener) => {
        const material = tls(listener);
        return material === undefined ? [] : [{ labels: { listener }, value: material.notAfter / 1000 }];
      }),
  );
  registry.gauge(
    {
      name: 'flyball_identity_expiry_timestamp_seconds',
      help: 'Unix time at which the certificate expires that a process shows to replicas and doors.',
      labels: ['identity'],
    },
    () => [...identities.expiries()].map(([identity, until]) => ({ labels: { identity }, value: until / 1000 })),
  );
}
