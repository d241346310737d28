/**
 * Control, put together: store and registry, replicas, the loop, the channel to the gateways, and the functions that
 * the API calls. It may be killed at any moment: everything that matters is in the store before it takes effect.
 * Order of the start: read, adopt what runs, only then publish; so that no ready replica is ever forgotten in a table.
 */
import { join } from 'node:path';
import { keyTableFile } from '../auth/key-table.ts';
import { coreFingerprint } from '../core-fingerprint.ts';
import type { AlertsSettings } from '../config/alerts-specification.ts';
import { makeChanges } from './changes.ts';
import type { Control, ControlOptions } from './control-options.ts';
import type { ControlService } from './control-service.ts';
import { openDeployments } from './deployments.ts';
import { openFleet, type FleetEvent } from './fleet.ts';
import { openGatewayChannel } from './gateway-channel.ts';
import { openKeyService } from './key-service.ts';
import { modelService } from './model-service.ts';
import { openOperations } from './operations.ts';
import { openPlayground } from './playground.ts';
import { planStateOf } from './plan-state.ts';
import { platformService } from './platform-service.ts';
import { trackProgress } from './progress.ts';
import { openPublisher } from './publisher.ts';
import { openJournal } from '../journal/open-journal.ts';
import { openSeries } from '../series/open-series.ts';
import { openAlerts } from './alerts/alerts.ts';
import { openDoor } from './alerts/door.ts';
import { openPerformer } from './alerts/performer.ts';
import { openAlertStore } from './alerts/state.ts';
import { openSteps } from './alerts/steps.ts';
import { openApprovals } from './governor/approvals.ts';
import { openForeseeing } from './governor/foreseeing.ts';
import { startGovernor } from './governor/governor.ts';
import { openModes } from './governor/modes.ts';
import { openMetricPolling } from './metrics/polling.ts';
import { openKeptMinds } from './governor/kept-minds.ts';
import { recordedPast } from './governor/recall.ts';
import { governorService } from './governor/service.ts';
import { wouldHold } from './governor/would-hold.ts';
import { openLatencyModels } from './latency-models.ts';
import { feedJournal } from './journal-feed.ts';
import { watchCluster } from './nodes/cluster.ts';
import { startNodes } from './nodes/nodes.ts';
import { replicasOnNode } from './nodes/replicas.ts';
import { journalService } from './journal-service.ts';
import { watchBurning } from './notifications/burning.ts';
import { startConditions } from './notifications/conditions.ts';
import { watchDropping } from './notifications/dropping.ts';
import { openNotifications } from './notifications/notifications.ts';
import { startPruning } from './pruning.ts';
import { startRecorder } from './recorder.ts';
import { logFileName } from '../store/data-directory.ts';
import { openSinks } from './sinks/sinks.ts';
import { rehearsalChoices } from './rehearsal-choices.ts';
import { openRehearsalRuns } from './rehearsal-runs.ts';
import { rehearsalService } from './rehearsals.ts';
import { requestService } from './request-service.ts';
import { seriesService } from './series-service.ts';
import { endStuck, silentMsOf } from './stuck.ts';
import { startSweeping } from './sweeping.ts';
import { openVetting } from './vetting.ts';
import { startUpkeepLoop } from './upkeep-loop.ts';
import { wakeWhatWasAwake } from './waking.ts';

export async function startControl(options: ControlOptions): Promise<Control> {
  const { store, registry, clock } = options;
  await using starting = new AsyncDisposableStack();
  let onFleetEvent = (_event: FleetEvent): void => {};
  let poke = (): void => {};
  let heard = (): void => {};
  const silentMs = (deployment: string): number => silentMsOf(deployments.find(deployment));

  const journal = starting.use(openJournal(store, clock));
  starting.defer(feedJournal(journal));
  const series = starting.use(openSeries(options.seriesLog, clock));
  const fleet = starting.use(
    openFleet({
      orchestrator: options.orchestrator,
      identity: options.identity,
      epoch: options.epoch,
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
    publish(keys, confirmed) {
      const table = { ...keys, ...(options.epoch !== undefined && { epoch: options.epoch }) };
      options.keys?.apply(table);
      return channel.publishKeys(table, confirmed ? options.keys?.gateways : undefined);
    },
  });
  const publisher = openPublisher({ channel, store, serverName: options.serverName, epoch: options.epoch, clock });
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
  const cluster = watchCluster(options.orchestrator, clock);
  starting.defer(() => cluster.stop());
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
    cluster,
    loop,
    clock,
  });
  const build = await coreFingerprint();
  const foreseeing = openForeseeing({ deployments, governor, modes, outside, clock });
  const governed = { governor, modes, approvals, foreseeing };
  const governing = governorService({ ...governed, deployments, metrics, store, clock, build });
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
  wakeWhatWasAwake({ deployments, fleet, operations, clock });
  loop.start();
  governor.start();
  starting.defer(foreseeing.start());
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
    cluster,
    replicas: () => replicasOnNode(fleet.replicas(), (name) => deployments.find(name), clock.now()),
  });
  starting.defer(() => nodes.stop());
  const { telemetry } = options;
  const sinks =
    telemetry &&
    openSinks({
      settings: () => deployments.telemetry(),
      store,
      clock,
      rng: telemetry.rng,
      families: async () => (await Promise.all([telemetry.families(), channel.families()])).flat(),
      otlp: {
        name: options.serverName,
        version: options.version,
        startedAt: options.startedAt,
        spans: (isFull) => channel.takeSpans(isFull),
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

  const planState = planStateOf(store);
  const platform = platformService(options, {
    deployments,
    fleet,
    channel,
    loop,
    latencies,
    operations,
    nodes,
    planState,
    governed,
    view: governing.governor,
    warnings: () => [...alerts.warnings(), ...(sinks?.warnings() ?? []), ...notifications.warnings()],
    sinks: () => sinks?.status(),
    ready: () => !draining,
  });
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
    ...platform.service,
  };

  return {
    service,
    takeGateway: (socket, head) => channel.take(socket, head),
    deployments: () => platform.deployments(),
    halt: (deployment) => modes.halt(deployment),
    nodes,
    sinks: () => sinks?.views() ?? [],
    familiesMissed: () => channel.familiesMissed(),
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
