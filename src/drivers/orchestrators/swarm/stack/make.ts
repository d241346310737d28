/**
 * Makes a platform on a Swarm so, whatever of it is there: secrets and configs first, then the service that names them.
 * What is the same already is left as it runs. Nothing is decided here of what the services are.
 */
import { FlyballError } from '../../../../errors.ts';
import type { ServiceSpec, SwarmEngine, SwarmService } from '../engine.ts';
import { targets } from './files.ts';
import { stackLabels, type PlacedFile, type Role, type StackFile } from './order.ts';

/** What is there of a platform. */
export interface StackFound {
  readonly services: ReadonlyMap<Role, SwarmService>;
  /** The certificate that gateways show and go on showing; undefined when they need a new one. */
  readonly identity: PlacedFile | undefined;
  /** Fingerprint of the authority that it was made with. */
  readonly authority: string | undefined;
  /** Id of the node that control is bound to, where it is. */
  readonly home: string | undefined;
}

export const labelOf = (platform: string): string => `${stackLabels.stack}=${platform}`;

/** `at`: Unix milliseconds. */
export async function findStack(engine: SwarmEngine, platform: string, at: number): Promise<StackFound> {
  const [found, secrets] = await Promise.all([engine.services(labelOf(platform)), engine.secrets(labelOf(platform))]);
  const services = new Map(found.map((service) => [service.spec.Labels[stackLabels.role] as Role, service]));
  const gateway = services.get('gateway');
  const shown = gateway === undefined ? [] : secretsIn(gateway.spec);
  const reference = shown.find(({ File }) => File.Name === targets.identity);
  const secret = secrets.find(({ id }) => id === reference?.SecretID);
  const isFresh = Number(secret?.labels?.[stackLabels.due] ?? 0) > at;
  return {
    services,
    identity:
      secret === undefined || !isFresh
        ? undefined
        : { kind: 'secret', id: secret.id, name: secret.name, target: targets.identity, roles: ['gateway'] },
    authority: found.map(({ spec }) => spec.Labels[stackLabels.authority]).find((each) => each !== undefined),
    home: homeIn(services.get('control')?.spec),
  };
}

function homeIn(spec: ServiceSpec | undefined): string | undefined {
  const { Constraints = [] } = (spec?.TaskTemplate['Placement'] ?? {}) as { readonly Constraints?: readonly string[] };
  const [, home] = Constraints.map((each) => /^node\.id==(.+)$/.exec(each)).find((match) => match !== null) ?? [];
  return home;
}

interface SecretReference {
  readonly SecretID: string;
  readonly File: { readonly Name: string };
}

const secretsIn = ({ TaskTemplate }: ServiceSpec): readonly SecretReference[] =>
  (TaskTemplate['ContainerSpec'] as { readonly Secrets?: readonly SecretReference[] }).Secrets ?? [];

/** Those that are there under their name are there whole: what is in them never changes. */
export async function keepFiles(
  engine: SwarmEngine,
  platform: string,
  files: readonly StackFile[],
): Promise<readonly PlacedFile[]> {
  return await Promise.all(
    files.map(async ({ content, labels = {}, ...file }) => {
      const order = { name: file.name, labels: { [stackLabels.stack]: platform, ...labels }, content };
      const { id } = await (file.kind === 'secret' ? engine.keepSecret(order) : engine.keepConfig(order));
      return { ...file, id };
    }),
  );
}

/** True when something was changed. */
export async function makeService(engine: SwarmEngine, platform: string, wanted: ServiceSpec): Promise<boolean> {
  for (let tries = 0; tries < triesMax; tries += 1) {
    const all = await engine.services(labelOf(platform));
    const found = all.find(({ spec }) => spec.Name === wanted.Name);
    if (found === undefined) {
      if (await engine.createService(wanted)) return true;
      throw new FlyballError(
        'INVALID_SPECIFICATION',
        `the Swarm has a service ${wanted.Name} that is not of this platform: expected its label ${labelOf(platform)}; remove it, or give the specification another name`,
      );
    }
    const order = stackLabels.order;
    const forced = found.spec.TaskTemplate['ForceUpdate'];
    const spec = { ...wanted, TaskTemplate: { ...wanted.TaskTemplate, ForceUpdate: forced ?? 0 } };
    // Written also where it looks the same: what somebody has changed by hand is put right, and what is equal restarts nothing.
    if (await engine.updateService(found, spec)) return found.spec.Labels[order] !== wanted.Labels[order];
  }
  throw new FlyballError('ENGINE_UNREACHABLE', `service ${wanted.Name} is changed by others all the time`);
}

const triesMax = 5;

/** Removes what no service names any more; what an ending task still holds goes the next time. */
export async function sweepFiles(engine: SwarmEngine, platform: string, used: readonly PlacedFile[]): Promise<void> {
  const kept = new Set(used.map(({ id }) => id));
  const [secrets, configs] = await Promise.all([engine.secrets(labelOf(platform)), engine.configs(labelOf(platform))]);
  for (const { id } of secrets) if (!kept.has(id)) await engine.removeSecret(id);
  for (const { id } of configs) if (!kept.has(id)) await engine.removeConfig(id);
}
