/**
 * The loop: observe → reconcile → act → publish → tell the operations. Woken by events and by a tick; one turn at a
 * time. What is to be done is decided in core/upkeep; this only carries it out.
 * Invariant: what a turn has decided is durable (records, what serves) before the table that follows from it leaves.
 */
import type { Clock } from '../clock.ts';
import { noteFailure, noteReady, noteRejection, type FailureEvent } from '../core/upkeep/failures.ts';
import {
  reconcile,
  type Action,
  type DeploymentSeen,
  type ReplicaPhase,
  type Upkeep,
} from '../core/upkeep/reconcile.ts';
import { asleep, attend } from '../core/upkeep/sleep.ts';
import { idleMsDefault } from '../config/specification.ts';
import { FlyballError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { publish as publishEvent } from '../telemetry/events.ts';
import type { Deployment, Deployments } from './deployments.ts';
import type { Fleet, FleetEvent } from './fleet.ts';
import { isRestorable, type Replica } from './replica.ts';
import type { GatewayChannel } from './gateway-channel.ts';
import { followColdStarts } from './cold-start.ts';
import { withinBudget } from './memory-budget.ts';
import { demandOf, outstandingOf, wokenOf, type DemandSeen } from './observations.ts';
import type { Progress } from './progress.ts';
import type { Publisher } from './publisher.ts';
import { resourcesOf, templateKey, withSpinning, type TemplateLaunch } from './template.ts';
import type { Vet } from './vetting.ts';

export interface UpkeepLoop {
  /** Something may have changed: look soon. */
  poke(): void;
  onFleetEvent(event: FleetEvent): void;
  /** Runs `change` between two turns and looks again after it. */
  exclusively<T>(change: () => Promise<T>): Promise<T>;
  /** Why the last turn could not do what it had to (a full disk); undefined when it could. */
  trouble(): string | undefined;
  start(): void;
  /** No turn begins after this; returns when the last one has ended. */
  stop(): Promise<void>;
}

export interface UpkeepLoopParts {
  readonly vet: Vet;
  readonly deployments: Deployments;
  readonly fleet: Fleet;
  readonly channel: GatewayChannel;
  readonly publisher: Publisher;
  readonly progress: Progress;
  readonly store: Store;
  readonly clock: Clock;
  /** Nothing may be done, on nobody's behalf: every replica stays as it is. */
  readonly halted?: () => boolean;
  /** Cores of the machine. */
  readonly cores: number;
}

const tickMs = 250;
/** A replica that has been drained has nothing to finish; this is for its own tidying up. */
const stopGraceMs = 5000;
const replicaNumberKey = 'control.replicaNumber';
/** Socket paths are short, so a replica's name holds only the beginning of its deployment's. */
const idPrefixMax = 24;

export function startUpkeepLoop(parts: UpkeepLoopParts): UpkeepLoop {
  const { vet, deployments, fleet, channel, publisher, progress, store, clock, cores } = parts;
  let running = false;
  let stopped = true;
  let tail: Promise<unknown> = Promise.resolve();
  let queued = false;
  let trouble: string | undefined;
  const coldStarts = followColdStarts(() => clock.wall());
  let cancelTick = (): void => {};

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = tail.then(work);
    tail = turn.catch(() => undefined);
    return turn;
  };

  function poke(): void {
    if (stopped || queued) return;
    queued = true;
    void inTurn(async () => {
      queued = false;
      if (stopped) return;
      try {
        await turn();
        trouble = undefined;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        trouble = message;
        publishEvent('flyball:fault', { where: 'upkeep', message, error });
      }
    });
  }

  function tick(): void {
    poke();
    cancelTick = clock.after(tickMs, tick);
  }

  function phaseOf(replica: Replica): ReplicaPhase {
    const { phase } = replica;
    if (phase === 'ready' || phase === 'failed') return { kind: phase };
    if (phase !== 'draining') return { kind: 'starting' };
    return {
      kind: 'draining',
      since: replica.drainingSince ?? clock.now(),
      drained: publisher.isDrained(replica),
      restorable: isRestorable(replica),
    };
  }

  /** Falls asleep or is woken; what follows of it is reconcile's. */
  function attendTo(deployment: Deployment, replicas: readonly Replica[], demand: DemandSeen | undefined): void {
    const { name, record, target, serving, failures, wakefulness: before } = deployment;
    const { min, idleMs = idleMsDefault } = record.specification.replicas;
    const own = replicas.filter((replica) => replica.deployment === name && !replica.stopping);
    const first = (replica: Replica): boolean => replica.readyAt === undefined && !failures.has(replica.template);
    const outstanding = own.reduce((sum, { inFlight = 0 }) => sum + inFlight, 0);
    const at = clock.now();
    deployment.wakefulness = attend(
      before,
      {
        min,
        idleMs,
        demand: demand === undefined ? undefined : { ...demand, inFlight: Math.max(demand.inFlight, outstanding) },
        unproved:
          serving !== undefined && target !== undefined && serving.key !== target.key && !failures.has(target.key),
        starting: own.some((replica) => phaseOf(replica).kind === 'starting' && first(replica)),
      },
      at,
    );
    const found = own.some(({ phase }) => phase !== 'failed');
    if (demand?.waitingMs !== undefined && min === 0 && !found) coldStarts.woken(name, demand.waitingMs, at);
    if (before.kind === deployment.wakefulness.kind || min > 0) return;
    const [action, reason] =
      before.kind === 'awake'
        ? ['sleep', `no request for ${idleMs} ms`]
        : ['wake', demand?.waitingMs === undefined ? 'a version has to prove itself' : `${demand.waiting} waiting`];
    publishEvent('flyball:control', { action, subject: name, by: 'upkeep', reason });
  }

  /** What each would do, bounded by what memory there is; whoever is put to sleep for others is so from now on. */
  function decide(
    replicas: readonly Replica[],
  ): readonly { readonly deployment: Deployment; readonly upkeep: Upkeep }[] {
    const demandFor = demandOf(channel.gateways(), clock.wall());
    const at = clock.now();
    const all = deployments.all().map((deployment) => {
      const demand = demandFor(deployment.name);
      const own = replicas.filter((replica) => replica.deployment === deployment.name);
      for (const { template, phase, residentBytes } of own) {
        if (phase === 'ready' && residentBytes !== undefined) deployments.noteSize(deployment, template, residentBytes);
      }
      attendTo(deployment, own, demand);
      const upkeep = reconcile(observe(deployment, own, demand?.waiting ?? 0), at);
      return { deployment, replicas: own, demand, upkeep };
    });
    const budgetBytes = deployments.memoryBudgetBytes();
    // Without a wish nothing has to be divided.
    if (budgetBytes === undefined || !all.some(({ upkeep }) => upkeep.actions.some(({ kind }) => kind === 'start'))) {
      return all;
    }
    const { sleep, holds } = withinBudget(budgetBytes, all, at);
    return all.map(({ deployment, replicas: own, demand, upkeep }) => {
      const memory = holds.get(deployment.name);
      const sleeps = sleep.has(deployment.name);
      if (memory === undefined && !sleeps) return { deployment, upkeep };
      if (sleeps) {
        deployment.wakefulness = asleep;
        const reason = `its memory is needed for ${[...holds.keys()].join(', ') || 'others'}; nobody asks it`;
        publishEvent('flyball:control', { action: 'sleep', subject: deployment.name, by: 'upkeep', reason });
      }
      const seen = observe(deployment, own, demand?.waiting ?? 0);
      return { deployment, upkeep: reconcile(memory === undefined ? seen : { ...seen, memory }, at) };
    });
  }

  function observe(deployment: Deployment, replicas: readonly Replica[], waiting: number): DeploymentSeen {
    const { record, target, serving, wakefulness } = deployment;
    const gateways = channel.gateways();
    return {
      name: deployment.name,
      desired: record.desired,
      min: record.specification.replicas.min,
      max: record.specification.replicas.max,
      asleep: wakefulness.kind === 'asleep',
      waiting,
      ...(target === undefined ? {} : { target: target.key }),
      ...(serving === undefined ? {} : { serving: serving.key }),
      removing: deployment.removing,
      drainMs: record.specification.drainMs,
      failures: deployment.failures,
      probationMs: record.specification.probationMs,
      ...(deployment.reserve === undefined ? {} : { reserve: deployment.reserve }),
      replicas: replicas
        .filter((replica) => replica.deployment === deployment.name && !replica.stopping)
        .map((replica) => ({
          id: replica.id,
          template: replica.template,
          phase: phaseOf(replica),
          startedAt: replica.startedAt,
          outstanding: outstandingOf(gateways, replica.id) ?? replica.inFlight ?? 0,
        })),
    };
  }

  /** Threads of everything that may run at once, against the cores. */
  function threadsFit(): boolean {
    let threads = 0;
    for (const { record, target } of deployments.all()) {
      const runtime = target?.launch.runtime;
      threads += record.specification.replicas.max * (runtime?.kind === 'onnx' ? runtime.threads : 1);
    }
    return threads <= cores;
  }

  async function startReplicas(
    deployment: Deployment,
    wanted: TemplateLaunch,
    { count, awaited }: Extract<Action, { kind: 'start' }>,
  ): Promise<void> {
    let launch: TemplateLaunch;
    try {
      launch = await vet(wanted, deployment.record);
    } catch (error) {
      if (!(error instanceof FlyballError) || error.code === 'DATA_DIR_UNUSABLE') throw error;
      // It was refused before it could load: the back-off and the words in status are those of any load that fails.
      const template = templateKey(wanted);
      const event = { kind: 'load', at: clock.now(), readyForMs: 0, reason: error.message } as const;
      deployments.noteFailure(deployment, template, noteFailure(deployment.failures.get(template), event));
      publishEvent('flyball:fault', { where: `starting ${deployment.name}`, message: error.message });
      return;
    }
    const { spinning } = deployment.record.specification.resources;
    const resources = resourcesOf(deployment.record.specification);
    for (let started = 0; started < count; started++) {
      const number = Number((await store.meta(replicaNumberKey)) ?? '0') + 1;
      await store.setMeta(replicaNumberKey, String(number));
      const id = `${deployment.name.slice(0, idPrefixMax)}-${number}`;
      const own = withSpinning(launch, spinning, threadsFit());
      const warmUp = awaited === true ? { ...own.warmUp, awaited } : own.warmUp;
      const order = { id, launch: { replica: id, ...own, warmUp }, resources };
      progress.replicaStarts(deployment.name, id, launch.version);
      await fleet.start(deployment.name, order);
    }
  }

  function launchOf(deployment: Deployment, template: string): TemplateLaunch | undefined {
    if (deployment.target?.key === template) return deployment.target.launch;
    if (deployment.serving?.key === template) return deployment.serving.launch;
    return deployment.reserve?.template === template ? deployment.reserve.launch : undefined;
  }

  async function act(deployment: Deployment, action: Action): Promise<void> {
    const by = 'upkeep';
    const subject = deployment.name;
    switch (action.kind) {
      case 'start': {
        const launch = launchOf(deployment, action.template);
        if (launch === undefined) return;
        publishEvent('flyball:control', { action: `start ${action.count}`, subject, by, reason: action.reason });
        await startReplicas(deployment, launch, action);
        break;
      }
      case 'drain': {
        await fleet.drain(action.replica, action.reason);
        break;
      }
      case 'stop': {
        fleet.stop(action.replica, action.reason, stopGraceMs);
        break;
      }
      case 'switch': {
        const launch = launchOf(deployment, action.template);
        if (launch === undefined) return;
        publishEvent('flyball:control', { action: `serve ${launch.version}`, subject, by, reason: action.reason });
        deployments.serve(deployment, action.template, launch, action.reserve);
        progress.serves(deployment.name, launch.version);
        break;
      }
      case 'restore': {
        fleet.restore(action.replica, action.reason);
        break;
      }
      case 'revert': {
        const launch = launchOf(deployment, action.template);
        if (launch === undefined) return;
        publishEvent('flyball:control', {
          action: `serve ${launch.version} again`,
          subject,
          by,
          reason: action.reason,
        });
        const rejection = noteRejection(deployment.failures.get(action.rejected), clock.now());
        deployments.serve(deployment, action.template, launch);
        deployments.noteFailure(deployment, action.rejected, rejection);
        progress.serves(deployment.name, launch.version);
        break;
      }
      case 'forget': {
        publishEvent('flyball:control', { action: 'remove', subject, by, reason: action.reason });
        await deployments.forget(deployment.name);
      }
    }
  }

  async function turn(): Promise<void> {
    const replicas = fleet.replicas();
    const gateways = channel.gateways();
    let acted = false;
    const halted = parts.halted?.() === true;
    for (const { deployment, upkeep } of decide(replicas)) {
      deployment.upkeep = upkeep;
      if (halted) continue;
      acted ||= upkeep.actions.length > 0;
      for (const action of upkeep.actions) await act(deployment, action);
    }
    for (const replica of replicas) {
      // Its deployment is gone from the store, for instance restored from a backup: nobody wants it any more.
      if (deployments.find(replica.deployment) === undefined) {
        fleet.stop(replica.id, 'its deployment is gone', stopGraceMs);
      }
    }
    await deployments.flush();
    await publisher.publish(deployments.all(), fleet.replicas());
    for (const [name, woken] of wokenOf(gateways)) {
      const coldStart = coldStarts.answered(name, woken);
      const deployment = coldStart === undefined ? undefined : deployments.find(name);
      if (deployment !== undefined && coldStart !== undefined) deployment.coldStart = coldStart;
    }
    // Whoever hears that an operation has ended may ask any gateway for what came of it.
    if (publisher.isInForce()) progress.look(deployments, fleet.replicas());
    // What was done may be the last thing that was missing: somebody waits to hear it.
    if (acted) poke();
  }

  function fail(replica: Replica, event: Omit<FailureEvent, 'at' | 'readyForMs'>): void {
    const deployment = deployments.find(replica.deployment);
    if (deployment === undefined) return;
    const at = clock.now();
    const readyForMs = replica.readyAt === undefined ? 0 : at - replica.readyAt;
    const { template } = replica;
    const failure = noteFailure(deployment.failures.get(template), { ...event, at, readyForMs });
    deployments.noteFailure(deployment, template, failure);
  }

  return {
    poke,
    onFleetEvent(event) {
      const { replica } = event;
      switch (event.kind) {
        case 'ready': {
          const deployment = deployments.find(replica.deployment);
          const failure = deployment?.failures.get(replica.template);
          if (deployment !== undefined && failure !== undefined && noteReady(failure) === undefined) {
            deployments.noteFailure(deployment, replica.template, undefined);
          }
          progress.replicaReady(replica);
          coldStarts.ready(replica);
          break;
        }
        case 'load-failed': {
          // What computes can end while its runner lives to tell: one that had served is a death like any other.
          const kind = replica.readyAt === undefined ? 'load' : 'death';
          fail(replica, { kind, told: kind === 'load', reason: event.reason });
          if (replica.readyAt === undefined) progress.replicaFailed(replica, event.reason);
          break;
        }
        case 'died': {
          // One that never was ready is taken for a load that failed: trying again at once would burn the machine.
          fail(replica, { kind: replica.readyAt === undefined ? 'load' : 'death', reason: event.reason });
          if (replica.readyAt === undefined) progress.replicaFailed(replica, event.reason);
          break;
        }
        case 'gone': {
          progress.replicaGone(replica);
          break;
        }
        case 'changed': {
          break;
        }
      }
      poke();
    },
    exclusively(change) {
      const done = inTurn(change);
      void done.then(poke, poke);
      return done;
    },
    trouble: () => trouble,
    start() {
      if (running) return;
      running = true;
      stopped = false;
      tick();
    },
    async stop() {
      stopped = true;
      cancelTick();
      await tail;
    },
  };
}
