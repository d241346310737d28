/**
 * What tasks are given beside their image: the launch as a config, the certificate as a secret. Both live as long as a
 * service that names them; what is left over is swept.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { ReplicaOrder } from '../../../control/orchestrator.ts';
import type { Life } from '../../../tls/life.ts';
import type { KeptFile, SwarmEngine } from './engine.ts';
import { labels, ownLabels, taskFileOf, type KeptFiles, type SwarmPlatform } from './service-spec.ts';

/** PEM of the certificate that tasks of this service begin with, its key, and the authority. */
export type CertificateText = (identity: string, life: Life) => string;

export interface TaskFiles {
  /** `at`: Unix milliseconds, from when on the certificate lives. */
  keep(service: string, order: ReplicaOrder, at: number): Promise<KeptFiles>;
  /** Removes what no service uses, except that of these. */
  sweep(services: ReadonlySet<string>): Promise<void>;
  /** Removes all; false when some are still in use by tasks that are on their way out. */
  clear(): Promise<boolean>;
}

/** Names of configs and secrets have 64 characters at most. */
const nameMax = 64;
const sweepEvery = 30;

export function openFiles(engine: SwarmEngine, platform: SwarmPlatform, certificate: CertificateText): TaskFiles {
  const mine = `${labels.platform}=${platform.name}`;
  let rounds = 0;
  const nameOf = (kind: string, service: string, more: string): string =>
    `${kind}-${createHash('sha256').update(service).digest('hex').slice(0, 12)}-${more}`.slice(0, nameMax);

  return {
    async keep(service, order, at) {
      const content = JSON.stringify(taskFileOf(order, platform));
      const digest = createHash('sha256').update(content).digest('hex').slice(0, 12);
      const common = { labels: { ...ownLabels(platform), 'io.flyball.service': service } };
      const launch = await engine.keepConfig({ ...common, name: nameOf('launch', service, digest), content });
      const life = { from: at, until: at + platform.certificateMs };
      const identity = await engine.keepSecret({
        ...common,
        name: nameOf('identity', service, randomBytes(6).toString('hex')),
        content: certificate(`replica/${service}`, life),
      });
      return { launch, identity, life };
    },
    async clear() {
      const all = [
        ...(await engine.configs(mine)).map(
          ({ id }) =>
            () =>
              engine.removeConfig(id),
        ),
        ...(await engine.secrets(mine)).map(
          ({ id }) =>
            () =>
              engine.removeSecret(id),
        ),
      ];
      return (await Promise.all(all.map((remove) => remove()))).every(Boolean);
    },
    async sweep(services) {
      rounds += 1;
      if (rounds % sweepEvery !== 0) return;
      const used = new Set([...services].map((service) => nameOf('', service, '').slice(1, 13)));
      const isLeft = ({ name }: KeptFile): boolean => !used.has(name.split('-')[1] ?? '');
      for (const { id } of (await engine.configs(mine)).filter(isLeft)) await engine.removeConfig(id);
      for (const { id } of (await engine.secrets(mine)).filter(isLeft)) await engine.removeSecret(id);
    },
  };
}
