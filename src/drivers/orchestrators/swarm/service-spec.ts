/**
 * A deployment's version as a Swarm service, of everything that it is: nothing here asks the engine. Two orders with the
 * same service name are interchangeable tasks; whatever makes tasks different, and when their secret was made, is in the
 * name.
 */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../../config/canonical-json.ts';
import type { ReplicaOrder, ReplicaResources } from '../../../control/orchestrator.ts';
import { portable } from '../../../runner/portable-launch.ts';
import { taskVariable, type TaskFile } from '../../../runner/task.ts';
import type { Life } from '../../../tls/life.ts';
import type { KeptFile, ServiceSpec } from './engine.ts';
import { foreignContainer, foreignImage, foreignVariables, toolsKey } from './foreign-spec.ts';
import { writeLife } from './secrets-life.ts';

export interface SwarmPlatform {
  /** Of this platform among those on the same Swarm. */
  readonly name: string;
  readonly image: string;
  /** Where tasks find control's door: `https://10.0.0.1:8003`. */
  readonly doors: readonly string[];
  /** Folder of control's artefact store, as launches name it. */
  readonly artefactsRoot: string;
  /** Of the image's content, where the manager's engine has it. */
  readonly imageId?: string | undefined;
  /** How long a task may take to finish what it has. */
  readonly stopGraceMs: number;
  /** How long the certificate lives that a task begins with. */
  readonly certificateMs: number;
}

export const labels = {
  platform: 'io.flyball.platform',
  deployment: 'io.flyball.deployment',
  version: 'io.flyball.version',
  digest: 'io.flyball.digest',
  roster: 'io.flyball.roster',
  ports: 'io.flyball.ports',
  held: 'io.flyball.held',
  kind: 'io.flyball.kind',
  certificate: 'io.flyball.certificate',
} as const;

/** What the image lets its user write to: artefacts that were fetched stay there for the next task of the node. */
export const stateFolder = '/var/lib/flyball';
/** Where the launch and the certificate are found in the container. */
export const launchPath = '/flyball/launch.json';
const identityName = 'flyball-identity.pem';
/** Port in the container; the engine gives it a free one of the node. */
export const taskPort = 7000;
const nameMax = 63;
const hashDigits = 8;
const nanosPerCore = 1e9;
const nanosPerMs = 1e6;
/** The engine makes a new task in the place of one that has ended, after this. */
const restartDelayMs = 100;

/** What every task of a service is told; it has no name of its own in it. */
export function taskFileOf(order: ReplicaOrder, platform: SwarmPlatform): TaskFile {
  const { warmUp, ...launch } = order.launch;
  // Whether somebody waits is of the moment of one start.
  const { awaited: _awaited, ...lasting } = warmUp;
  const body = { ...launch, warmUp: lasting, replica: order.deployment };
  const { cpu } = order.resources;
  return { ...portable(body, platform.artefactsRoot), doors: platform.doors, port: taskPort, cpu };
}

/** A hash of all that makes its tasks what they are; services that differ only in their secret share it. */
export function kindOf(order: ReplicaOrder, platform: SwarmPlatform): string {
  const { doors: _doors, ...task } = taskFileOf(order, platform);
  const { image } = platform;
  // The launch names another image, if it is in one; what of Flyball goes there is of its own image's content.
  const tools = foreignImage(order) === undefined ? {} : { tools: toolsKey(platform) };
  const { resources, placement = null } = order;
  return hashOf(canonicalJson({ task, image, ...tools, resources, placement }));
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/**
 * `flyball_digits_v3-9f2c1a4b`: platform, deployment, version, and a hash of what its tasks are and of the period in which
 * its secret is made (see secrets-life.ts).
 */
export function serviceName(order: ReplicaOrder, platform: SwarmPlatform, period: string): string {
  const hash = hashOf(`${kindOf(order, platform)} ${period}`).slice(0, hashDigits);
  const tail = `_v${order.launch.version}-${hash}`;
  const head = `${platform.name}_${order.deployment}`.replaceAll(/[^A-Za-z0-9_-]/g, '-');
  return `${head.slice(0, nameMax - tail.length)}${tail}`;
}

/** What its tasks are given, and how long the certificate among it lives. */
export interface KeptFiles {
  readonly launch: KeptFile;
  readonly identity: KeptFile;
  readonly life: Life;
}

export function ownLabels(platform: SwarmPlatform): Record<string, string> {
  return { [labels.platform]: platform.name };
}

/** `held` and the roster are set by whoever keeps them. */
export function serviceSpec(name: string, order: ReplicaOrder, platform: SwarmPlatform, files: KeptFiles): ServiceSpec {
  const placement = order.placement ?? { constraints: [], spread: [] };
  const foreign = foreignImage(order);
  const mode = 0o444;
  const reference = (target: string) => ({ Name: target, UID: '0', GID: '0', Mode: mode });
  return {
    Name: name,
    Labels: {
      ...ownLabels(platform),
      [labels.deployment]: order.deployment,
      [labels.version]: order.launch.version,
      [labels.digest]: order.launch.digest,
      [labels.kind]: kindOf(order, platform),
      [labels.certificate]: writeLife(files.life),
    },
    TaskTemplate: {
      ContainerSpec: {
        Image: platform.image,
        Args: ['runner', '--task', launchPath],
        Env: [
          `${taskVariable}={{.Task.ID}}`,
          'ORT_DISABLE_TELEMETRY=1',
          // What one task has compiled, the next one of the node need not: a third of a start's processor time.
          ...(foreign === undefined ? [`NODE_COMPILE_CACHE=${stateFolder}/compiled`] : foreignVariables),
        ],
        Labels: { ...ownLabels(platform), [labels.deployment]: order.deployment },
        ReadOnly: true,
        // Control and gateways look after it themselves, and sooner: a probe would only delay its start.
        Healthcheck: { Test: ['NONE'] },
        StopGracePeriod: platform.stopGraceMs * nanosPerMs,
        Mounts: [
          { Type: 'volume', Source: `${platform.name}-artefacts`, Target: stateFolder },
          { Type: 'tmpfs', Target: '/tmp' },
        ],
        ...(foreign === undefined ? {} : foreignContainer(foreign, platform, launchPath)),
        Configs: [{ ConfigID: files.launch.id, ConfigName: files.launch.name, File: reference(launchPath) }],
        Secrets: [{ SecretID: files.identity.id, SecretName: files.identity.name, File: reference(identityName) }],
      },
      Resources: resourcesOf(order.resources),
      RestartPolicy: { Condition: 'any', Delay: restartDelayMs * nanosPerMs, MaxAttempts: 0 },
      Placement: {
        Constraints: placement.constraints,
        Preferences: placement.spread.map((label) => ({ Spread: { SpreadDescriptor: label } })),
      },
    },
    Mode: { Replicated: { Replicas: 0 } },
    EndpointSpec: {
      Mode: 'dnsrr',
      // No mesh: it needs a module that not every kernel has, and fails without a word where it is missing.
      Ports: [{ Protocol: 'tcp', TargetPort: taskPort, PublishMode: 'host' }],
    },
  };
}

/** What is asked for is reserved as well: a node that has promised its cores to others has no room. */
function resourcesOf({ cpu, memoryBytes, generic = {} }: ReplicaResources): Record<string, unknown> {
  const asked = {
    ...(cpu === undefined ? {} : { NanoCPUs: Math.round(cpu * nanosPerCore) }),
    ...(memoryBytes === undefined ? {} : { MemoryBytes: memoryBytes }),
  };
  const kinds = Object.entries(generic).map(([Kind, Value]) => ({ DiscreteResourceSpec: { Kind, Value } }));
  return { Limits: asked, Reservations: { ...asked, ...(kinds.length === 0 ? {} : { GenericResources: kinds }) } };
}
