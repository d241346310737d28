/**
 * Control, put together: store and registry, replicas, the loop, the channel to the gateways, and the functions that
 * the API calls. It may be killed at any moment: everything that matters is in the store before it takes effect.
 * Order of the start: read, adopt what runs, only then publish; so that no ready replica is ever forgotten in a table.
 */
import { join } from 'node:path';
import type { DeploymentView, OverrideView, ResolvedSpecification, StatusView } from '../api/schemas.ts';
import type { SinkView } from '../api/sink-schemas.ts';
import { keyTableFile, type KeyTable } from '../auth/key-table.ts';
import type { Clock } from '../clock.ts';
import { coreFingerprint } from '../core-fingerprint.ts';
import type { PeerIdentity } from '../tls/peer.ts';
import type { AlertsSettings } from '../config/alerts-specification.ts';
import { silentMsDefault } from '../config/specification.ts';
import type { Registry } from '../registry/registry.ts';
import type { DeploymentRecord, Store } from '../store/store.ts';
import { awakeAt } from '../core/upkeep/sleep.ts';
import { makeChanges } from './changes.ts';
import type { ControlService } from './control-service.ts';
import { openDeployments, type Deployment } from './deployments.ts';
import { openFleet, type FleetEvent } from './fleet.ts';
import { openGatewayChannel } from './gateway-channel.ts';
import { openKeyService } from './key-service.ts';
import { modelService } from './model-service.ts';
import { openOperations } from './operations.ts';
import type { Orchestrator } from './orchestrator.ts';
import { byDeployment } from './by-deployment.ts';
import { openPlayground } from './playground.ts';
import { plan, requireServable, type PlanState } from './plan.ts';
import { trackProgress } from './progress.ts';
import { publish as publishEvent } from '../telemetry/events.ts';
import { openPublisher } from './publisher.ts';
import { openJournal } from '../journal/open-journal.ts';
import { openSeries } from '../series/open-series.ts';
import type { SeriesLog } from '../series/series-log.ts';
import { openAlerts } from './alerts/alerts.ts';
import { openDoor } from './alerts/door.ts';
import { openPerformer } from './alerts/performer.ts';
import { openAlertStore } from './alerts/state.ts';
import { openSteps } from './alerts/steps.ts';
import { openApprovals } from './governor/approvals.ts';
import { startGovernor } from './governor/governor.ts';
import { openModes, type Halt } from './governor/modes.ts';
import { openMetricPolling } from './metrics/polling.ts';
import { openKeptMinds } from './governor/kept-minds.ts';
import { recordedPast } from './governor/recall.ts';
import { governorService } from './governor/service.ts';
import { governorView } from './governor/why.ts';
import { wouldHold } from './governor/would-hold.ts';
import { openLatencyModels } from './latency-models.ts';
import { feedJournal } from './journal-feed.ts';
import { startNodes, type NodeParts, type Nodes } from './nodes/nodes.ts';
import { replicasOnNode } from './nodes/replicas.ts';
import { journalService } from './journal-service.ts';
import { watchBurning } from './notifications/burning.ts';
import { startConditions } from './notifications/conditions.ts';
import { watchDropping } from './notifications/dropping.ts';
import type { OpenNotifier } from './notifications/notifier.ts';
import { openNotifications } from './notifications/notifications.ts';
import { startPruning } from './pruning.ts';
import { startRecorder } from './recorder.ts';
import { logFileName } from '../store/data-directory.ts';
import { openSinks, type SinksParts } from './sinks/sinks.ts';
import { rehearsalChoices } from './rehearsal-choices.ts';
import { openRehearsalRuns } from './rehearsal-runs.ts';
import { rehearsalService } from './rehearsals.ts';
import { requestService } from './request-service.ts';
import { seriesService } from './series-service.ts';
import { endStuck } from './stuck.ts';
import { startSweeping } from './sweeping.ts';
import { openVetting } from './vetting.ts';
import { startUpkeepLoop } from './upkeep-loop.ts';
import { haltWarnings, keysInClear, toDeploymentView, warningsOf } from './views.ts';

export interface ControlOptions {
  readonly store: Store;
  readonly registry: Registry;
  /** Where series are kept; it is closed with control. */
  readonly seriesLog: SeriesLog;
  readonly orchestrator: Orchestrator;
  readonly clock: Clock;
  readonly cores: number;
  readonly serverName: string;
  /** Of this software. */
  readonly version: string;
  readonly startedAt: number;
  readonly dataDirectory: string;
  readonly runDirectory: string;
  readonly controlSocket: string;
  readonly listeners: StatusView['listeners'];
  /** This machine: what it is called, and how it is looked at. */
  readonly node: Pick<NodeParts, 'name' | 'read'>;
  /** What is shown to replicas that are reached over TCP with TLS. */
  readonly identity?: PeerIdentity | undefined;
  /** Present where callers need keys. */
  readonly keys?: {
    /** Gateway workers, each of which acts on the table. */
    readonly gateways: readonly number[];
    /** For the API here. */
    apply(table: KeyTable): void;
  };
  /** Present where telemetry can be sent: what all processes have counted, and chance for the pauses between tries. */
  readonly telemetry?: Pick<SinksParts, 'families' | 'rng'> | undefined;
  /** How messages leave. */
  readonly openNotifier: OpenNotifier;
  /** Somebody asked for the whole platform to stop. */
  readonly onShutdown: (by: string) => void;
}

export interface Control extends AsyncDisposable {
  readonly service: ControlService;
  /** As the API shows them, without waiting; for gauges. */
  deployments(): readonly DeploymentView[];
  /** What stops the governor of a deployment, if anything. */
  halt(deployment: string): Halt | undefined;
  readonly nodes: Pick<Nodes, 'register'>;
  /** Where telemetry is sent, without waiting; for gauges. */
  sinks(): readonly SinkView[];
  /** Drains and ends every replica, for the end of the platform; what is wanted stays in the store for the next `up`. */
  drain(deadlineMs: number): Promise<void>;
}

/** Of an override, by its path; empty where it is of something else. */
const deploymentOf = (path: string): string => /^deployments\.([^.]+)/.exec(path)?.[1] ?? '';

/** A record that an earlier release has written knows no such setting. */
function silentMsOf(record: DeploymentRecord | undefined): number {
  const health: Partial<DeploymentRecord['specification']>['health'] = record?.specification.health;
  return health?.silentMs ?? silentMsDefault;
}

export async function startControl(options: ControlOptions): Promise<Control> {
  const { store, registry, clock } = options;
  await using starting = new AsyncDisposableStack();
  let onFleetEvent = (_event: FleetEvent): void => {};
  let poke = (): void => {};
  let heard = (): void => {};
  const silentMs = (deployment: string): number => silentMsOf(deployments.find(deployment)?.record);

  const journal = starting.use(openJournal(store, clock));
  starting.defer(feedJournal(journal));
  const series = starting.use(openSeries(options.seriesLog, clock));
  const fleet = starting.use(
    openFleet({
      orchestrator: options.orchestrator,
      identity: options.identity,
      store,
      clock,
      onEvent: (event) => onFleetEvent(event),
      silentMs,
    }),
  );
  const deployments = openDeployments(store, registry, clock);
  const operations = openOperations(store, clock);
  const progress = trackProgress(operations);
  await deployments.refresh();
  await fleet.adopt();
  await operations.resume();
  const latencies = await openLatencyModels(store, deployments, clock);
  starting.defer(() => latencies.stop());
  const channel = starting.use(
    await openGatewayChannel({
      socketPath: options.controlSocket,
      tablePath: join(options.runDirectory, 'routing-table.json'),
      keysPath: join(options.runDirectory, keyTableFile),
      onChange: () => {
        endStuck(fleet, channel.gateways(), silentMs);
        poke();
      },
      onObservation(observation) {
        latencies.observed(observation);
        heard();
      },
    }),
  );
  const keyService = await openKeyService({
    store,
    clock,
    required: options.keys !== undefined,
    publish(table, confirmed) {
      options.keys?.apply(table);
      return channel.publishKeys(table, (confirmed && options.keys?.gateways) || []);
    },
  });
  /** What has replicas was awake; so is what somebody had asked for when the last control ended. */
  function wakeWhatWasAwake(): void {
    const scaled = operations.running().flatMap(({ kind, deployments: names }) => (kind === 'scale' ? names : []));
    const names = new Set([...fleet.replicas().map(({ deployment }) => deployment), ...scaled]);
    for (const deployment of deployments.all()) {
      const { desired, specification } = deployment.record;
      const asked = desired > 0 || !scaled.includes(deployment.name);
      if (specification.replicas.min > 0 || (names.has(deployment.name) && asked)) {
        deployment.wakefulness = awakeAt(clock.now());
      }
    }
  }
  const publisher = openPublisher({ channel, store, serverName: options.serverName, clock });
  const { cores } = options;
  const vet = openVetting(store, registry, registry.trust);
  const modes = await openModes(store, journal, clock);
  const approvals = await openApprovals(store, journal, clock);
  const metrics = starting.use(openMetricPolling({ deployments: () => deployments.all(), clock }));
  const minds = await openKeptMinds(store, clock, options.version);
  const halted = (): boolean => modes.halt()?.scope === 'all';
  const loop = startUpkeepLoop({ vet, deployments, fleet, channel, publisher, progress, store, clock, cores, halted });
  const alertStore = await openAlertStore(store, journal);
  const settings = (): AlertsSettings | undefined => deployments.alerts();
  const outside = openSteps({ store: alertStore, settings, clock });
  const governor = startGovernor({
    deployments,
    fleet,
    channel,
    store,
    journal,
    modes,
    approvals,
    minds,
    outside,
    metrics,
    past: recordedPast(series, clock),
    loop,
    clock,
  });
  const build = await coreFingerprint();
  const governing = governorService({ deployments, governor, modes, approvals, metrics, store, clock, build });
  const { setMode } = governing;
  const notifications = starting.use(
    await openNotifications({
      store,
      journal,
      settings: () => deployments.notifications(),
      open: options.openNotifier,
      clock,
      platform: options.serverName,
    }),
  );
  const performer = openPerformer({
    store: alertStore,
    settings,
    setMode,
    journal,
    clock,
    platform: options.serverName,
    tellChannel: notifications.tell,
  });
  const alerts = openAlerts({ store: alertStore, door: openDoor(clock), performer, deployments, modes, clock });
  starting.use(alerts);
  onFleetEvent = (event) => {
    const { replica } = event;
    if (event.kind === 'ready') {
      latencies.started(replica, fleet.replicas(), governor.decidedMs(replica));
      governor.replicaReady(replica);
    } else if (event.kind === 'gone') latencies.stopped(replica);
    loop.onFleetEvent(event);
  };
  poke = () => loop.poke();
  heard = () => governor.heard();
  wakeWhatWasAwake();
  loop.start();
  governor.start();
  alerts.start();
  metrics.start();
  notifications.start();
  starting.defer(startSweeping(registry, clock));
  starting.defer(startPruning(journal, series, store, clock));
  starting.defer(
    startRecorder({
      series,
      deployments,
      fleet,
      channel,
      clock,
      wouldHold: (name, wallMs) => wouldHold(governor.of(name)?.last, wallMs),
    }),
  );
  const nodes = startNodes({
    ...options.node,
    dataDirectory: options.dataDirectory,
    clock,
    replicas: () => replicasOnNode(fleet.replicas(), (name) => deployments.find(name), clock.now()),
  });
  starting.defer(() => nodes.stop());
  const sinks =
    options.telemetry &&
    openSinks({
      settings: () => deployments.telemetry(),
      store,
      clock,
      ...options.telemetry,
      otlp: {
        name: options.serverName,
        version: options.version,
        startedAt: options.startedAt,
        spans: () => channel.takeSpans(),
        entry: (id) => store.journalEntry(id),
        logPath: join(options.dataDirectory, logFileName),
      },
    });
  if (sinks !== undefined) starting.use(sinks).start();
  const dropping = watchDropping(() => sinks?.views() ?? [], clock);
  const watchers = [watchBurning({ series, deployments, clock }), dropping];
  starting.defer(startConditions({ store, journal, deployments, watchers, clock }));
  const rehearsals = rehearsalService(store, deployments, clock, {
    build,
    modeOf: (deployment) => modes.of(deployment).mode,
    measuredMsOf: (name) => governor.of(name)?.last?.seen.objective.latencyMs,
  });
  const rehearsalRuns = starting.use(
    openRehearsalRuns({
      deployments,
      operations,
      keep: rehearsals.keepRehearsal,
      series: seriesService(series, deployments, clock),
      latencyOf: (deployment) => latencies.of(deployment),
      why: (name) => governing.why(name, undefined),
      clock,
      build,
    }),
  );
  const resources = starting.move();
  let draining = false;

  const planState = async (): Promise<PlanState> => ({
    applied: (await store.applied())?.resolved,
    deployments: await store.deployments(),
    versions: await store.versions(),
    aliases: await store.aliases(),
    overrides: await store.overrides(),
  });
  const knownNow = () => byDeployment(fleet.replicas(), channel.gateways());
  const viewOf = (deployment: Deployment, known: ReturnType<typeof byDeployment>): DeploymentView => ({
    ...toDeploymentView(deployment, known(deployment.name), clock.wall()),
    governor: governorView(deployment, { governor, modes, approvals }),
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

  const changes = makeChanges({ store, registry, deployments, fleet, operations, loop, clock, planState });
  const service: ControlService = {
    ...modelService({ store, registry, deployments, loop }),
    ...keyService,
    ...journalService(journal, store),
    ...seriesService(series, deployments, clock),
    ...openPlayground({ channel, deployments, runDirectory: options.runDirectory }),
    ...requestService({ channel, deployments, store, clock }),
    ...rehearsals,
    ...rehearsalRuns.service,
    rehearsalChoices: async () => rehearsalChoices(build),
    ...governing,
    ...changes,
    async scale(name, request) {
      const operation = await changes.scale(name, request);
      await outside.overruled(name, request.by);
      return operation;
    },
    ...alerts.service,
    ...notifications.service,
    requestMemory: store,
    live: () => true,
    ready: () => !draining,
    async status(isShown = () => true) {
      const views = deploymentViews(isShown);
      const gateways = channel.gateways();
      const governor = await governing.governor(isShown);
      return {
        name: options.serverName,
        flyball: options.version,
        at: clock.wall(),
        startedAt: options.startedAt,
        dataDirectory: options.dataDirectory,
        listeners: Object.fromEntries(Object.entries(options.listeners).map(([name, { url }]) => [name, { url }])),
        gateways: gateways.map(({ worker, pid, revision }) => ({ worker, pid, connected: true, revision })),
        deployments: views,
        overrides: (await overrides()).filter(({ path }) => isShown(deploymentOf(path))),
        governor,
        ...sinks?.status(),
        warnings: [
          ...haltWarnings(governor.halt, governor.halts ?? {}),
          ...warningsOf(views, gateways, loop.trouble()),
          ...alerts.warnings(),
          ...(sinks?.warnings() ?? []),
          ...notifications.warnings(),
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
    latencyModel: async (name) => latencies.of(deployments.get(name)),
    nodes: (isShown) => nodes.list(isShown),
    operations: (query) => operations.list(query),
    operation: (id, after, waitMs, signal) => operations.wait(id, after, waitMs, signal),
    shutdown(by) {
      publishEvent('flyball:control', { action: 'shut down', subject: 'platform', by, reason: 'asked for' });
      options.onShutdown(by);
    },
  };

  return {
    service,
    deployments: () => deploymentViews(),
    halt: (deployment) => modes.halt(deployment),
    nodes,
    sinks: () => sinks?.views() ?? [],
    async drain(deadlineMs) {
      const endsAt = clock.now() + deadlineMs;
      draining = true;
      await governor.stop();
      await outside.settled();
      await loop.stop();
      await fleet.stopAll(deadlineMs);
      await operations.flushed();
      await journal.flushed();
      await sinks?.finish(endsAt - clock.now());
      await series.flushed();
    },
    async [Symbol.asyncDispose]() {
      await governor.stop();
      await loop.stop();
      await resources.disposeAsync();
      await operations.flushed();
    },
  };
}
