/**
 * The same services as a file for `docker stack deploy`: of the shapes that the engine takes, those of Compose's version 3.8.
 * Pure.
 */
import type { ServiceSpec } from '../engine.ts';
import { stackLabels, type PlacedFile, type Role } from './order.ts';

/** Where the content of a secret or a config lies, from the file's own folder. */
export type FilePlace = (file: Pick<PlacedFile, 'kind' | 'name' | 'target' | 'roles'>) => string;

interface Container {
  readonly Image: string;
  readonly Args: readonly string[];
  readonly Hostname: string;
  readonly Env: readonly string[];
  readonly User: string;
  readonly Healthcheck: Readonly<Record<string, unknown>>;
  readonly StopGracePeriod: number;
  readonly Mounts: readonly { readonly Type: string; readonly Source?: string; readonly Target: string }[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly CapabilityDrop: readonly string[];
  readonly ReadOnly: boolean;
}

const nanosPerMs = 1e6;
/** `35000ms`. */
const duration = (nanos: unknown): string => `${Number(nanos) / nanosPerMs}ms`;

export function composeFile(
  services: Readonly<Record<Role, ServiceSpec>>,
  files: readonly Pick<PlacedFile, 'kind' | 'name' | 'target' | 'roles'>[],
  placeOf: FilePlace,
): Readonly<Record<string, unknown>> {
  // By which `flyball down` finds them.
  const own = { [stackLabels.stack]: services.control.Labels[stackLabels.stack] };
  const kept = (kind: PlacedFile['kind']): Record<string, unknown> =>
    Object.fromEntries(
      files
        .filter((file) => file.kind === kind)
        .map((file) => [file.name, { name: file.name, file: placeOf(file), labels: own }]),
    );
  const of = (role: Role): Record<string, unknown> =>
    composeService(
      services[role],
      files.filter(({ roles }) => roles.includes(role)),
    );
  const volumes = Object.values(services).flatMap(({ TaskTemplate }) =>
    (TaskTemplate['ContainerSpec'] as Container).Mounts.flatMap(({ Type, Source = '' }) =>
      Type === 'volume' ? [[Source, { name: Source }] as const] : [],
    ),
  );
  return {
    version: '3.8',
    services: { control: of('control'), gateway: of('gateway') },
    volumes: Object.fromEntries(volumes),
    // Each node's own: a stack would be given an overlay network, which nobody here talks over.
    networks: { default: { external: true, name: 'bridge' } },
    secrets: kept('secret'),
    configs: kept('config'),
  };
}

function composeService(
  { Labels, TaskTemplate, Mode, EndpointSpec, UpdateConfig = {} }: ServiceSpec,
  files: Parameters<typeof composeFile>[1],
): Record<string, unknown> {
  const container = TaskTemplate['ContainerSpec'] as Container;
  const { Constraints, MaxReplicas } = TaskTemplate['Placement'] as { Constraints: string[]; MaxReplicas?: number };
  const { Condition, Delay } = TaskTemplate['RestartPolicy'] as { Condition: string; Delay: number };
  const ports = (EndpointSpec?.['Ports'] ?? []) as { TargetPort: number; PublishedPort: number }[];
  const [uid = ''] = container.User.split(':');
  const reference = ({ name: source, target }: { name: string; target: string }) => ({
    source,
    target,
    uid,
    gid: uid,
    mode: 0o400,
  });
  const given = (kind: PlacedFile['kind']) => files.filter((file) => file.kind === kind).map(reference);
  return {
    image: container.Image,
    command: container.Args,
    hostname: container.Hostname,
    environment: container.Env,
    user: container.User,
    read_only: container.ReadOnly,
    cap_drop: container.CapabilityDrop,
    healthcheck: healthcheckOf(container.Healthcheck),
    stop_grace_period: duration(container.StopGracePeriod),
    ports: ports.map(({ TargetPort, PublishedPort }) => ({
      target: TargetPort,
      published: PublishedPort,
      protocol: 'tcp',
      mode: 'host',
    })),
    volumes: container.Mounts.map(({ Type, Source, Target }) => ({
      type: Type,
      ...(Source !== undefined && { source: Source }),
      target: Target,
    })),
    secrets: given('secret'),
    configs: given('config'),
    labels: container.Labels,
    deploy: {
      ...(Mode.Replicated === undefined
        ? { mode: 'global' }
        : { mode: 'replicated', replicas: Mode.Replicated.Replicas }),
      endpoint_mode: 'dnsrr',
      labels: Labels,
      placement: {
        constraints: Constraints,
        ...(MaxReplicas !== undefined && { max_replicas_per_node: MaxReplicas }),
      },
      restart_policy: { condition: Condition, delay: duration(Delay) },
      update_config: {
        parallelism: UpdateConfig['Parallelism'],
        order: UpdateConfig['Order'],
        failure_action: UpdateConfig['FailureAction'],
        monitor: duration(UpdateConfig['Monitor']),
      },
    },
  };
}

function healthcheckOf({ Test, Interval, Timeout, StartPeriod, Retries }: Container['Healthcheck']): object {
  if (Array.isArray(Test)) return { disable: true };
  return {
    interval: duration(Interval),
    timeout: duration(Timeout),
    start_period: duration(StartPeriod),
    retries: Retries,
  };
}
