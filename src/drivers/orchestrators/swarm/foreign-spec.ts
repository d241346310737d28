/**
 * Replicas in somebody else's image, of everything that they are: the image is run with Flyball's runner as its first
 * process, which a volume of the node brings; what the image would have started is the runner's child. Pure.
 *
 *   PLATFORM_tools-KEY   a service in Flyball's image, once on each node, fills the volume PLATFORM-tools
 *   a replica            mounts it read-only, and starts KEY/loader … KEY/node … runner --task FILE
 */
import { createHash } from 'node:crypto';
import type { ReplicaOrder } from '../../../control/orchestrator.ts';
import type { ClusterMember } from '../../../core/placement/node.ts';
import { cacheVariable } from '../../../runner/task.ts';
import { toolPaths } from '../../../runner/tool-paths.ts';
import type { ImageFacts, ServiceSpec, SwarmTask } from './engine.ts';

export interface ToolsPlatform {
  readonly name: string;
  /** Of Flyball. */
  readonly image: string;
  /** Of its content where that is known: the same name may be another build tomorrow. */
  readonly imageId?: string | undefined;
}

export const toolsLabel = 'io.flyball.tools';

const toolsFolder = '/flyball/tools';
/** What was fetched for a replica, by the number of its user; apart from what replicas of Flyball's own image keep. */
const modelsFolder = '/flyball/models';
const job = ['/usr/local/bin/node', '/opt/flyball/dist/runner/tools.js'];
const retryMs = 5000;
const attemptsMax = 3;
const nanosPerMs = 1e6;
/** They would change how the runner itself runs. What an image has there is for its server. */
const runnersOwn = ['LD_PRELOAD', 'NODE_OPTIONS'] as const;

/** The image of somebody else that this replica is in, if it is in one. */
export function foreignImage({ launch: { runtime } }: Pick<ReplicaOrder, 'launch'>): string | undefined {
  return runtime.kind === 'server' ? runtime.image : undefined;
}

export function toolsKey({ image, imageId }: ToolsPlatform): string {
  return createHash('sha256')
    .update(imageId ?? image)
    .digest('hex')
    .slice(0, 12);
}

export function toolsService(platform: ToolsPlatform): string {
  return `${platform.name}_tools-${toolsKey(platform)}`;
}

/** Runs as root without any right of root: the folders belong to it, and every image has to read what is in them. */
export function toolsSpec(platform: ToolsPlatform): ServiceSpec {
  const labels = { [toolsLabel]: platform.name };
  return {
    Name: toolsService(platform),
    Labels: labels,
    TaskTemplate: {
      ContainerSpec: {
        Image: platform.image,
        Command: job,
        Args: [toolsFolder, toolsKey(platform), modelsFolder],
        Labels: labels,
        User: '0:0',
        CapabilityDrop: ['ALL'],
        ReadOnly: true,
        Healthcheck: { Test: ['NONE'] },
        Mounts: [...volumes(platform, false), { Type: 'tmpfs', Target: '/tmp' }],
      },
      // It ends well once. Not a global job, whose tasks this engine keeps for ever after the service is gone.
      RestartPolicy: { Condition: 'on-failure', Delay: retryMs * nanosPerMs, MaxAttempts: attemptsMax },
    },
    Mode: { Global: {} },
  };
}

/** What a replica's container is, but for what each replica has: user and working folder are the image's own. */
export function foreignContainer(image: string, platform: ToolsPlatform, taskFile: string): Record<string, unknown> {
  const { loader, libraries, node, home } = toolPaths(toolsFolder, toolsKey(platform));
  return {
    Image: image,
    Command: [loader],
    // The cache of libraries is the image's, which may be of another C library.
    Args: [
      '--inhibit-cache',
      '--library-path',
      libraries,
      node,
      `${home}/bin/flyball.js`,
      'runner',
      '--task',
      taskFile,
    ],
    ReadOnly: false,
    Mounts: volumes(platform, true),
  };
}

export const foreignVariables: readonly string[] = [
  `${cacheVariable}=${modelsFolder}/{uid}`,
  ...runnersOwn.map((name) => `${name}=`),
];

function volumes({ name }: ToolsPlatform, readOnly: boolean): readonly object[] {
  return [
    { Type: 'volume', Source: `${name}-tools`, Target: toolsFolder, ReadOnly: readOnly },
    { Type: 'volume', Source: `${name}-foreign`, Target: modelsFolder },
  ];
}

/** The order with what the image says of itself in it; else what is missing, in words. */
export function withImage(
  order: ReplicaOrder,
  facts: ImageFacts | undefined,
): ReplicaOrder | { readonly lacks: string } {
  const { runtime } = order.launch;
  if (runtime.kind !== 'server') return order;
  const command = runtime.command ?? facts?.starts;
  if (command === undefined) {
    return {
      lacks: `the manager's engine has no image ${runtime.image}, so what it starts is not known here: load or pull it there, or expected server.command`,
    };
  }
  if (command.length === 0) {
    return {
      lacks: `the image ${runtime.image} starts nothing by itself (no ENTRYPOINT, no CMD): expected server.command`,
    };
  }
  const given = runnersOwn.flatMap((name) => (facts?.env[name] === undefined ? [] : [[name, facts.env[name]]]));
  const env = { ...(Object.fromEntries(given) as Record<string, string>), ...runtime.env };
  return { ...order, launch: { ...order.launch, runtime: { ...runtime, command: [...command], env } } };
}

export interface ToolsState {
  /** Names of nodes that have them. */
  readonly done: readonly string[];
  readonly waiting: readonly string[];
  /** `node2: No such image: flyball:0.1.0`. */
  readonly failed: readonly string[];
}

/** How far its tasks are, on the nodes that take some. */
export function toolsState(tasks: readonly SwarmTask[], nodes: readonly ClusterMember[]): ToolsState {
  const [done, waiting, failed]: [string[], string[], string[]] = [[], [], []];
  for (const { id, name, state, availability } of nodes) {
    if (state !== 'ready' || availability !== 'active') continue;
    const here = tasks.filter(({ nodeId }) => nodeId === id);
    const last = here.find(({ state: now }) => now === 'failed' || now === 'rejected');
    if (here.some(({ state: now }) => now === 'complete')) done.push(name);
    else if (last !== undefined && here.length > attemptsMax) failed.push(`${name}: ${last.error ?? last.message}`);
    else waiting.push(`${name}${last === undefined ? '' : `: ${last.error ?? last.message}`}`);
  }
  return { done, waiting, failed };
}

/**
 * Whether an end says that the tools are not where they were: somebody has removed the volume. An engine says 127 where
 * it does not find the entry point; a server whose own program is missing has a runner that says so.
 */
export function lacksTools(reason: string): boolean {
  return /^exit code 127\b/.test(reason) || (reason.includes(`${toolsFolder}/`) && /no such file/i.test(reason));
}
