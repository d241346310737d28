/**
 * Control and gateways as Swarm services, of everything that they are: nothing here asks the engine. The same order gives
 * the same services, so that one that is made again changes nothing that runs.
 */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../../../config/canonical-json.ts';
import type { ServiceSpec } from '../engine.ts';
import { stateFolder } from '../service-spec.ts';
import { targets } from './files.ts';
import {
  dataVolume,
  doorsOf,
  gatewayMetricsPort,
  gatewayVolume,
  homesOf,
  listenersOf,
  serviceOf,
  stackLabels,
  type PlacedFile,
  type Role,
  type StackOrder,
} from './order.ts';

/** The image's own user, by number. */
const user = '65532';
const nanosPerMs = 1e6;
const nanosPerSecond = 1e9;
const secretsFolder = '/run/secrets';
/** Beside `shutdown.drainMs`: for the supervisor to see that everything has ended. */
const endMs = 5000;
const restartDelayMs = 500;
/** The first answer makes a task count as running, and the next node's is ended then. */
const health = { interval: 2, timeout: 10, startPeriod: 60, retries: 10 };
/** Controls of one platform on PostgreSQL: one acts, the other stands by. */
const controlsMax = 2;
const digits = 16;

export function stackServices(order: StackOrder, files: readonly PlacedFile[]): Readonly<Record<Role, ServiceSpec>> {
  return { control: controlService(order, files), gateway: gatewayService(order, files) };
}

function controlService(order: StackOrder, files: readonly PlacedFile[]): ServiceSpec {
  const { specification, socketGroup } = order;
  const { name, orchestrator, store, listeners } = specification;
  const { socket, door } = orchestrator;
  const hasKeys = files.some(({ target }) => target === targets.adminKey);
  const isPinned = store.kind === 'sqlite';
  const where = isPinned ? [`node.id==${order.home}`] : [];
  const template = {
    ...templateOf(order, 'control', files),
    ContainerSpec: {
      ...containerOf(order, 'control', files),
      Args: [
        'control',
        targets.specification,
        `--data-dir=${stateFolder}`,
        `--authority=${secretsFolder}/${targets.authority}`,
        ...(hasKeys ? [`--admin-key=${secretsFolder}/${targets.adminKey}`] : []),
        ...commonArgs(order),
      ],
      // The engine's socket belongs to a group; nobody else may open it.
      User: `${user}:${socketGroup}`,
      Mounts: [
        { Type: 'volume', Source: dataVolume(name), Target: stateFolder },
        { Type: 'bind', Source: socket, Target: socket },
        { Type: 'tmpfs', Target: '/tmp' },
      ],
    },
    Placement: {
      Constraints: ['node.role==manager', ...where],
      // Two on one node would go with it, and want the same ports.
      ...(isPinned ? {} : { MaxReplicas: 1 }),
    },
  };
  const ports = listenersOf(specification, 'control').map((key) => listeners[key]?.port ?? 0);
  return serviceOfTemplate(order, 'control', template, {
    Mode: { Replicated: { Replicas: isPinned ? 1 : Math.min(controlsMax, homesOf(order).length) } },
    EndpointSpec: endpointOf([...ports, door.port].map((port) => [port, port])),
  });
}

function gatewayService(order: StackOrder, files: readonly PlacedFile[]): ServiceSpec {
  const { specification } = order;
  const { name, listeners } = specification;
  const template = {
    ...templateOf(order, 'gateway', files),
    ContainerSpec: {
      ...containerOf(order, 'gateway', files),
      Args: [
        'gateway',
        targets.specification,
        `--data-dir=${stateFolder}`,
        `--identity=${secretsFolder}/${targets.identity}`,
        ...doorsOf(order).map((door) => `--door=${door}`),
        ...commonArgs(order),
      ],
      Mounts: [
        { Type: 'volume', Source: gatewayVolume(name), Target: stateFolder },
        { Type: 'tmpfs', Target: '/tmp' },
      ],
    },
    Placement: { Constraints: [] },
  };
  const { http, grpc, metrics } = listeners;
  return serviceOfTemplate(order, 'gateway', template, {
    Mode: { Global: {} },
    EndpointSpec: endpointOf([
      [http.port, http.port],
      [grpc.port, grpc.port],
      [metrics.port, gatewayMetricsPort(specification)],
    ]),
  });
}

const commonArgs = ({ insecure, logLevel }: StackOrder): readonly string[] => [
  ...(insecure ? ['--insecure'] : []),
  ...(logLevel === undefined ? [] : [`--log-level=${logLevel}`]),
];

function containerOf(
  { specification, image }: StackOrder,
  role: Role,
  files: readonly PlacedFile[],
): Record<string, unknown> {
  const own = files.filter(({ roles }) => roles.includes(role));
  const reference = (target: string) => ({ Name: target, UID: user, GID: user, Mode: 0o400 });
  return {
    Image: image,
    // What the engine calls the node: so they name themselves, in the status and in metrics.
    Hostname: '{{.Node.Hostname}}',
    Env: ['ORT_DISABLE_TELEMETRY=1', ...healthAddress(specification, role)],
    User: `${user}:${user}`,
    ReadOnly: true,
    CapabilityDrop: ['ALL'],
    Healthcheck: healthOf(role),
    StopGracePeriod: (specification.shutdown.drainMs + endMs) * nanosPerMs,
    Secrets: own
      .filter(({ kind }) => kind === 'secret')
      .map(({ id, name, target }) => ({ SecretID: id, SecretName: name, File: reference(target) })),
    Configs: own
      .filter(({ kind }) => kind === 'config')
      .map(({ id, name, target }) => ({ ConfigID: id, ConfigName: name, File: reference(target) })),
  };
}

/**
 * A gateway is asked whether it lives, and not whether it can serve: where no replica is left, to restart it would only add
 * to the harm. Control is looked after by the supervisor in its container, and one that stands by answers nobody.
 */
function healthAddress({ listeners, tls }: StackOrder['specification'], role: Role): readonly string[] {
  // With TLS the image's own check asks past it.
  if (role === 'control' || (listeners.http.tls ?? tls) !== undefined) return [];
  return [`FLYBALL_HEALTH_URL=http://127.0.0.1:${listeners.http.port}/v2/health/live`];
}

function healthOf(role: Role): Record<string, unknown> {
  if (role === 'control') return { Test: ['NONE'] };
  return {
    Interval: health.interval * nanosPerSecond,
    Timeout: health.timeout * nanosPerSecond,
    StartPeriod: health.startPeriod * nanosPerSecond,
    Retries: health.retries,
  };
}

function templateOf(order: StackOrder, role: Role, files: readonly PlacedFile[]): Record<string, unknown> {
  return {
    ContainerSpec: containerOf(order, role, files),
    RestartPolicy: { Condition: 'any', Delay: restartDelayMs * nanosPerMs, MaxAttempts: 0 },
  };
}

/** No mesh: it needs a module that not every kernel has, and a node that is gone would still be given callers by it. */
const endpointOf = (ports: readonly (readonly [inside: number, outside: number])[]): Record<string, unknown> => ({
  Mode: 'dnsrr',
  Ports: ports.map(([TargetPort, PublishedPort]) => ({
    Protocol: 'tcp',
    TargetPort,
    PublishedPort,
    PublishMode: 'host',
  })),
});

/** A port of a node can be had once: who comes next waits until the one before has gone, and one node at a time is without. */
const rollingUpdate = { Parallelism: 1, Order: 'stop-first', FailureAction: 'pause', Monitor: 5 * nanosPerSecond };

function serviceOfTemplate(
  order: StackOrder,
  role: Role,
  template: Record<string, unknown>,
  rest: Pick<ServiceSpec, 'Mode' | 'EndpointSpec'>,
): ServiceSpec {
  const { name } = order.specification;
  const own = { [stackLabels.stack]: name, [stackLabels.role]: role, [stackLabels.authority]: order.authority };
  // Ports are the service's; a task of other ports is another task, too.
  const whole = createHash('sha256').update(canonicalJson({ template, endpoint: rest.EndpointSpec }));
  const hash = whole.digest('hex').slice(0, digits);
  return {
    Name: serviceOf(name, role),
    Labels: { ...own, [stackLabels.order]: hash },
    TaskTemplate: {
      ...template,
      ContainerSpec: {
        ...(template['ContainerSpec'] as object),
        Labels: { ...own, [stackLabels.order]: hash },
      },
    },
    ...rest,
    UpdateConfig: rollingUpdate,
  };
}
