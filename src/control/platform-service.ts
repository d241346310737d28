/** What the API asks of the platform as a whole: its status, what is wanted of it, its deployments, machines, operations. */
import type { DeploymentView, OverrideView, ResolvedSpecification } from '../api/schemas.ts';
import { publish } from '../telemetry/events.ts';
import { byDeployment } from './by-deployment.ts';
import type { ControlOptions } from './control-options.ts';
import type { ControlService } from './control-service.ts';
import type { Deployment, Deployments } from './deployments.ts';
import type { Fleet } from './fleet.ts';
import type { GatewayChannel } from './gateway-channel.ts';
import { governorView, type WhyParts } from './governor/why.ts';
import type { LatencyModels } from './latency-models.ts';
import type { Nodes } from './nodes/nodes.ts';
import type { Operations } from './operations.ts';
import { plan, requireServable, type PlanState } from './plan.ts';
import type { Sinks } from './sinks/sinks.ts';
import type { UpkeepLoop } from './upkeep-loop.ts';
import { haltWarnings, keysInClear, toDeploymentView, warningsOf } from './views.ts';

export type PlatformService = Pick<
  ControlService,
  | 'requestMemory'
  | 'signInMemory'
  | 'live'
  | 'ready'
  | 'status'
  | 'specification'
  | 'plan'
  | 'deployments'
  | 'deployment'
  | 'latencyModel'
  | 'nodes'
  | 'operations'
  | 'operation'
  | 'shutdown'
>;

type Told = Pick<
  ControlOptions,
  | 'store'
  | 'clock'
  | 'serverName'
  | 'version'
  | 'startedAt'
  | 'dataDirectory'
  | 'listeners'
  | 'keys'
  | 'storeSeen'
  | 'onShutdown'
>;

export interface PlatformParts {
  readonly deployments: Deployments;
  readonly fleet: Fleet;
  readonly channel: GatewayChannel;
  readonly loop: UpkeepLoop;
  readonly latencies: LatencyModels;
  readonly operations: Operations;
  readonly nodes: Nodes;
  readonly planState: () => Promise<PlanState>;
  /** What the governor holds of each. */
  readonly governed: Pick<WhyParts, 'governor' | 'modes' | 'approvals' | 'foreseeing'>;
  readonly view: ControlService['governor'];
  /** Of alerts, sinks and channels. */
  readonly warnings: () => readonly string[];
  readonly sinks: () => ReturnType<Sinks['status']> | undefined;
  readonly ready: () => boolean;
}

export interface Platform {
  readonly service: PlatformService;
  /** As the API shows them, without waiting. */
  deployments(isShown?: (deployment: string) => boolean): DeploymentView[];
}

/** Of an override, by its path; empty where it is of something else. */
const deploymentOf = (path: string): string => /^deployments\.([^.]+)/.exec(path)?.[1] ?? '';

export function platformService(options: Told, parts: PlatformParts): Platform {
  const { store, clock } = options;
  const { deployments, fleet, channel, loop, operations, planState, governed } = parts;
  const knownNow = () => byDeployment(fleet.replicas(), channel.gateways());
  const viewOf = (deployment: Deployment, known: ReturnType<typeof byDeployment>): DeploymentView => ({
    ...toDeploymentView(deployment, known(deployment.name), clock.wall()),
    governor: governorView(deployment, governed),
  });
  const deploymentViews = (isShown = (_name: string): boolean => true): DeploymentView[] => {
    const known = knownNow();
    return deployments
      .all()
      .filter(({ name }) => isShown(name))
      .map((deployment) => viewOf(deployment, known))
      .toSorted((left, right) => (left.name < right.name ? -1 : 1));
  };
  const overrides = async (): Promise<OverrideView[]> => [...(await store.overrides())];
  const specification = async (): Promise<ResolvedSpecification | null> => (await store.applied())?.resolved ?? null;

  const service: PlatformService = {
    requestMemory: store,
    signInMemory: store,
    live: () => true,
    ready: parts.ready,
    async status(isShown = () => true) {
      const views = deploymentViews(isShown);
      const gateways = channel.gateways();
      const governor = await parts.view(isShown);
      return {
        name: options.serverName,
        flyball: options.version,
        at: clock.wall(),
        startedAt: options.startedAt,
        dataDirectory: options.dataDirectory,
        listeners: Object.fromEntries(Object.entries(options.listeners).map(([name, { url }]) => [name, { url }])),
        gateways: gateways.map(({ worker, node, pid, revision }) => ({
          worker,
          ...(node !== undefined && { node }),
          pid,
          connected: true,
          revision,
        })),
        deployments: views,
        overrides: (await overrides()).filter(({ path }) => isShown(deploymentOf(path))),
        governor,
        ...parts.sinks(),
        ...(options.storeSeen !== undefined && { store: options.storeSeen }),
        warnings: [
          ...haltWarnings(governor.halt, governor.halts ?? {}),
          ...warningsOf(views, gateways, loop.trouble()),
          ...parts.warnings(),
          ...(options.keys === undefined ? [] : keysInClear(options.listeners)),
        ],
      };
    },
    specification: async () => ({ resolved: await specification(), overrides: await overrides() }),
    async plan(resolved) {
      const state = await planState();
      requireServable(state, resolved);
      return plan(state, resolved);
    },
    deployments: async (isShown) => deploymentViews(isShown),
    deployment: async (name) => viewOf(deployments.get(name), knownNow()),
    latencyModel: async (name) => parts.latencies.of(deployments.get(name)),
    nodes: (isShown) => parts.nodes.list(isShown),
    operations: (query) => operations.list(query),
    operation: (id, after, waitMs, signal) => operations.wait(id, after, waitMs, signal),
    shutdown(by) {
      publish('flyball:control', { action: 'shut down', subject: 'platform', by, reason: 'asked for' });
      options.onShutdown(by);
    },
  };
  return { service, deployments: deploymentViews };
}
