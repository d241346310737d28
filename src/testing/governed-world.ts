/**
 * A deployment under the governor on a virtual clock: what gateways and replicas say is what the test says, upkeep
 * brings replicas `startMs` after they are wanted, and a second passes when the test says so.
 */
import { deploymentSpecification, type DeploymentSpecification } from '../config/specification.ts';
import type { Deployment, Deployments } from '../control/deployments.ts';
import type { Fleet } from '../control/fleet.ts';
import type { ConnectedGateway } from '../control/connected-gateway.ts';
import type { Ask, GatewayChannel } from '../control/gateway-channel.ts';
import type { AlertsSettings } from '../config/alerts-specification.ts';
import { openAlerts } from '../control/alerts/alerts.ts';
import { openDoor } from '../control/alerts/door.ts';
import { openPerformer } from '../control/alerts/performer.ts';
import { openAlertStore } from '../control/alerts/state.ts';
import { openSteps } from '../control/alerts/steps.ts';
import { openApprovals } from '../control/governor/approvals.ts';
import { openForeseeing } from '../control/governor/foreseeing.ts';
import { startGovernor } from '../control/governor/governor.ts';
import { openKeptMinds } from '../control/governor/kept-minds.ts';
import { governorService } from '../control/governor/service.ts';
import { openModes } from '../control/governor/modes.ts';
import type { Cluster } from '../control/nodes/cluster.ts';
import type { Replica } from '../control/replica.ts';
import type { UpkeepLoop } from '../control/upkeep-loop.ts';
import type { PolicyChoice } from '../control/governor/mind.ts';
import type { NotificationEvent } from '../core/notifications/event.ts';
import type { Policy } from '../core/scaling/policy.ts';
import type { Signal } from '../core/scaling/signals.ts';
import { openSqliteStore } from '../drivers/stores/sqlite.ts';
import { FlyballError } from '../errors.ts';
import type { VersionObservation } from '../gateway/routing-table.ts';
import { openJournal } from '../journal/open-journal.ts';
import type { Store } from '../store/store.ts';
import { createVirtualClock } from './virtual-clock.ts';

type Scaling = Partial<DeploymentSpecification['scaling']>;

export interface Load {
  /** Requests a second; absent: the gateways say nothing any more. */
  readonly rate: number;
  /** What each replica says: share of its processor in use. */
  readonly cpu: number;
  readonly queued?: number;
  readonly late?: number;
  readonly completed?: number;
  /** What each replica says that it computes in a second, where that is not what gateways tell of. */
  readonly computes?: number;
}

export async function governedWorld(
  scaling: Scaling,
  {
    min = 1,
    max = 8,
    startMs = 2000,
    store: given,
    ask = async () => ({ kind: 'silent', why: 'there is no gateway' }),
    alerts,
    past = [],
    cluster,
    makePolicy,
  }: {
    min?: number;
    max?: number;
    startMs?: number;
    store?: Store;
    ask?: Ask;
    alerts?: AlertsSettings;
    /** Requests of each second that are on record. */
    past?: readonly number[];
    cluster?: Pick<Cluster, 'seen'>;
    makePolicy?: (choice: PolicyChoice) => Policy;
  } = {},
) {
  const store = given ?? openSqliteStore(':memory:');
  const clock = createVirtualClock();
  const journal = openJournal(store, clock);
  const modes = await openModes(store, journal, clock);
  const approvals = await openApprovals(store, journal, clock);
  const specification = deploymentSpecification.parse({ model: 'm', replicas: { min, max }, scaling });
  const record = (await store.deployment('d')) ?? {
    name: 'd',
    specification,
    origin: { kind: 'specification' as const },
    desired: min,
  };
  await store.putDeployment({ ...record, specification });
  const deployment = {
    name: 'd',
    record: { ...record, specification },
    removing: false,
    wakefulness: { kind: 'awake', activeAt: 0, arrivals: 0 },
  } as unknown as Deployment;
  /** What is told from outside, and why not. */
  const external: Record<string, Signal> = {};
  const failures: Record<string, string> = {};
  const metrics = { signals: () => ({ ...external }), failures: () => failures };
  const replicas: Replica[] = [];
  const counted = { arrivals: 0, completed: 0, late: 0 };
  let version: VersionObservation | undefined;
  let spoken: ConnectedGateway['latest'];
  let brings = true;
  const moves: number[] = [];

  const deployments = {
    alerts: () => alerts,
    all: () => [deployment],
    find: (name: string) => (name === 'd' ? deployment : undefined),
    get(name: string) {
      if (name === 'd') return deployment;
      throw new FlyballError('DEPLOYMENT_NOT_FOUND', `there is no deployment ${name}`);
    },
  } as unknown as Deployments;
  let meanwhile: (() => Promise<unknown>) | undefined;
  const loop = {
    async exclusively<T>(change: () => Promise<T>): Promise<T> {
      await meanwhile?.();
      return change();
    },
  } as UpkeepLoop;
  const channel = {
    ask,
    gateways: () =>
      spoken === undefined ? [] : [{ worker: 0, pid: 1, revision: 1, keys: 0, latest: spoken, history: [] }],
  } as unknown as GatewayChannel;
  const fleet = { replicas: () => replicas } as unknown as Fleet;
  const settings = (): AlertsSettings | undefined => alerts;

  /** What playbooks gave to channels. */
  const tellings: { readonly name: string; readonly event: NotificationEvent }[] = [];

  /** Everything that a control opens anew. */
  async function open() {
    const minds = await openKeptMinds(store, clock, 'test');
    const alertStore = await openAlertStore(store, journal);
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
      past: { of: async () => Float64Array.from(past) },
      ...(cluster !== undefined && { cluster }),
      loop,
      clock,
      ...(makePolicy !== undefined && { makePolicy }),
    });
    const foreseeing = openForeseeing({ deployments, governor, modes, outside, clock });
    const { setMode } = governorService({
      foreseeing,
      deployments,
      governor,
      modes,
      approvals,
      metrics,
      store,
      clock,
      build: 'test',
    });
    const told = async (name: string, event: NotificationEvent): Promise<void> => void tellings.push({ name, event });
    const parts = { store: alertStore, settings, setMode, journal, clock, platform: 'test' };
    const performer = openPerformer({ ...parts, tellChannel: told });
    const door = openDoor(clock);
    const webhooks = openAlerts({ store: alertStore, door, performer, deployments, modes, clock });
    webhooks.start();
    return { governor, foreseeing, outside, performer, webhooks };
  }
  let opened = await open();

  /** Upkeep's part, as far as it matters here. */
  function upkeep(cpu: number, computes: number): void {
    const { desired } = deployment.record;
    if (moves.at(-1) !== desired) moves.push(desired);
    while (replicas.length < desired) {
      const order = { launch: { runtime: { kind: 'onnx' } } };
      replicas.push({
        id: `d-${replicas.length}`,
        deployment: 'd',
        phase: 'starting',
        stopping: false,
        order,
        orderedAt: clock.now(),
      } as unknown as Replica);
    }
    replicas.length = desired;
    for (const replica of replicas) {
      const at = clock.now();
      if (brings && replica.phase === 'starting' && at - replica.orderedAt >= startMs) {
        replica.phase = 'ready';
        replica.readyAt = at;
      }
      const before = replica.words?.latest ?? { at: at - 1000, cpuSeconds: 0, inferences: 0 };
      const latest = { at, cpuSeconds: before.cpuSeconds + cpu, inferences: before.inferences + computes };
      replica.words = { latest, before };
    }
  }

  function speak(load: Load): void {
    counted.arrivals += load.rate;
    counted.completed += load.completed ?? load.rate;
    counted.late += load.late ?? 0;
    version = {
      deployment: 'd',
      version: '1',
      ...counted,
      failed: 0,
      shed: {},
      busyMs: counted.completed * 100,
      queueLength: load.queued ?? 0,
      inFlight: Math.min(replicas.length, Math.ceil(load.rate / 10)),
      batchSizeCap: 1,
      latencyMs: { p50: 100, p95: 100, p99: 100, n: load.rate },
    };
    spoken = { kind: 'observation', worker: 0, at: clock.wall(), revision: 1, versions: [version], replicas: [] };
  }

  return {
    store,
    clock,
    journal,
    modes,
    approvals,
    deployment,
    deployments,
    metrics,
    external,
    failures,
    /** Every target that was held, in order. */
    moves,
    governor: () => opened.governor,
    foreseeing: {
      kept: (of: Deployment) => opened.foreseeing.kept(of),
      ask: (of: Deployment) => opened.foreseeing.ask(of),
      beat: () => opened.foreseeing.beat(),
    },
    alerts: () => opened.webhooks.service,
    tellings,
    outside: () => opened.outside,
    /** Whatever playbooks have begun besides scaling has ended. */
    performed: () => opened.performer.idle(),
    get target() {
      return deployment.record.desired;
    },
    /** Happens whenever a target is about to move: between what was decided and what is done. */
    meanwhile: (work: () => Promise<unknown>) => (meanwhile = work),
    /** Replicas that are ordered never become ready. */
    stall: () => (brings = false),
    /** Control ends in order, and another one begins. */
    async restart() {
      await opened.governor.stop();
      await opened.webhooks[Symbol.asyncDispose]();
      opened = await open();
    },
    /** What control knew is gone, the store is not. */
    async kill() {
      await opened.webhooks[Symbol.asyncDispose]();
      opened = await open();
    },
    /** Seconds pass under a load; with `undefined` nobody tells of any. */
    async pass(seconds: number, load: Load | undefined) {
      for (let second = 0; second < seconds; second += 1) {
        clock.pass(1000);
        if (load !== undefined) speak(load);
        upkeep(load?.cpu ?? 0, load?.computes ?? 0);
        await opened.governor.look();
        await opened.outside.settled();
      }
      await journal.flushed();
    },
    /** The gateway speaks in between: so many came and completed since it did last, and so many wait. */
    async speak(ms: number, load: Load) {
      clock.pass(ms);
      speak(load);
      opened.governor.heard();
      await opened.governor.settled();
      upkeep(load.cpu, load.computes ?? 0);
    },
    async [Symbol.asyncDispose]() {
      await opened.governor.stop();
      await opened.webhooks[Symbol.asyncDispose]();
      await opened.outside.settled();
      await journal[Symbol.asyncDispose]();
      if (given === undefined) await store[Symbol.asyncDispose]();
    },
  };
}
