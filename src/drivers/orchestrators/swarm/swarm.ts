/**
 * The Swarm orchestrator: a service for each version of a deployment, a task for each replica, reached at a port of its
 * node. What is decided of a service stands in `roster.ts` and `plan.ts`; here the engine is asked and told.
 * One round at a time looks at everything that is ours, tells what has ended, and writes what is to be different.
 * Invariant: a replica that was returned is in its service's roster on the engine, so that the next control finds it.
 */
import type { Clock } from '../../../clock.ts';
import type {
  Drift,
  FoundReplica,
  Orchestrator,
  ReplicaExit,
  ReplicaResources,
} from '../../../control/orchestrator.ts';
import { FlyballError } from '../../../errors.ts';
import { publish } from '../../../telemetry/events.ts';
import { toClusterNodes } from './cluster.ts';
import type { SwarmEngine, SwarmNode, SwarmTask } from './engine.ts';
import { newGroup, type Group, type StartOutcome, type Waiting } from './group.ts';
import { openFiles } from './files.ts';
import { planService, vacancyMs } from './plan.ts';
import {
  giveUp,
  isAlive,
  isStranded,
  order as ordered,
  passOver,
  readPorts,
  readRoster,
  recall,
  remove,
  review,
} from './roster.ts';
import { labels, serviceName, serviceSpec, taskPort, type SwarmPlatform } from './service-spec.ts';
import { delayOf, endOf } from './words.ts';

export interface SwarmOrchestratorOptions {
  readonly engine: SwarmEngine;
  readonly clock: Clock;
  readonly platform: SwarmPlatform;
  /** PEM of the certificate that tasks of this service show, its key, and the authority. */
  readonly certificate: (identity: string) => string;
  /** False while a deployment is only advised: what others change of its services is then told and left. */
  readonly corrects?: (deployment: string) => boolean;
}

/** Between rounds while something is under way, and while nothing is. */
const soonMs = 150;
const idleMs = 1000;
/** A task without a place is given up after this: it would only wait in a line that nobody sees. */
const unplacedMs = 2000;
const startMsMax = 90_000;
/** An engine that restarts is back sooner. */
const unaskedMs = 15_000;
/** One that was given up and that the engine still holds may be had again. */
const recallMs = 30_000;
const adoptMs = 5000;
/** Tasks that have just been told to end still hold their config and their secret. */
const clearMs = 10_000;
const wordsBytesMax = 2000;
const wordsMs = 1500;

export async function openSwarmOrchestrator(options: SwarmOrchestratorOptions): Promise<Orchestrator> {
  const { engine, clock, platform, corrects = () => true } = options;
  const mine = `${labels.platform}=${platform.name}`;
  const files = openFiles(engine, platform, options.certificate);
  const groups = new Map<string, Group>();
  const exitListeners: ((exit: ReplicaExit) => void)[] = [];
  const driftListeners: ((drift: Drift) => void)[] = [];
  let nodes = new Map<string, SwarmNode>();
  let unreached: ReadonlySet<string> = new Set();
  let running: Promise<void> | undefined;
  let again = false;
  let failures = 0;
  let closed = false;
  let cancelNext = (): void => {};

  const pause = (): Promise<void> => new Promise((resolve) => void clock.after(soonMs, resolve));
  const groupOf = (replica: string): Group | undefined =>
    [...groups.values()].find(({ roster }) => roster.replicas.has(replica));
  const taskOf = (group: Group, replica: string): SwarmTask | undefined => {
    const id = group.roster.replicas.get(replica);
    return id === undefined ? undefined : group.tasks.find((task) => task.id === id);
  };

  function found(group: Group, id: string, task: SwarmTask | undefined): FoundReplica | undefined {
    const port = task === undefined ? undefined : group.ports.get(task.id);
    const node = task?.nodeId === undefined ? undefined : nodes.get(task.nodeId);
    if (task === undefined || task.state !== 'running' || port === undefined || node === undefined) return undefined;
    return {
      id,
      address: {
        kind: 'tcp',
        host: node.address,
        port,
        tls: true,
        runner: task.id,
        certificate: `replica/${group.name}`,
      },
      where: `task ${task.id} on ${node.name}`,
      node: node.name,
      limits: limitsOf(group),
    };
  }

  function limitsOf({ service }: Group): FoundReplica['limits'] {
    const { Limits } = (service?.spec.TaskTemplate['Resources'] ?? {}) as { readonly Limits?: object };
    return Limits === undefined || Object.keys(Limits).length === 0 ? { kind: 'none' } : { kind: 'enforced' };
  }

  async function tellEnd(group: Group, replica: string, task: SwarmTask | undefined, byEngine: boolean): Promise<void> {
    const why = endOf(task, byEngine);
    const where = task?.nodeId === undefined ? '' : ` on ${nodes.get(task.nodeId)?.name ?? task.nodeId}`;
    const words = byEngine || task === undefined ? '' : await lastWords(task);
    const reason = `${why}${where}${words === '' ? '' : `: ${words}`}`;
    const waiting = group.waiting.get(replica);
    if (waiting !== undefined) {
      group.waiting.delete(replica);
      waiting.settle({ failure: reason });
      return;
    }
    if (!closed) for (const listener of exitListeners) listener({ id: replica, reason, byEngine });
  }

  /** What it wrote last says why it failed; a node that is gone does not tell, and is not waited for. */
  async function lastWords(task: SwarmTask): Promise<string> {
    if (task.state !== 'failed') return '';
    const { promise, resolve } = Promise.withResolvers<string>();
    const cancel = clock.after(wordsMs, () => resolve(''));
    engine.lastWords(task.id, wordsBytesMax).then(resolve, () => resolve(''));
    return promise.finally(cancel);
  }

  function look(group: Group): void {
    const now = clock.now();
    const reviewed = review(group.roster, group.tasks, unreached);
    group.roster = reviewed.roster;
    for (const { replica, task, byEngine } of reviewed.ended) {
      group.vacancies.push(now + vacancyMs);
      void tellEnd(group, replica, task, byEngine);
    }
    group.vacancies = group.vacancies.filter((until) => until > now);
    for (const id of group.lostSince.keys()) {
      if (group.roster.lost.has(id)) continue;
      group.lostSince.delete(id);
      // The engine sees it now and has made another. Were there to be fewer at once, it might end one that answers.
      group.vacancies.push(now + vacancyMs);
    }
    const back = [...group.lostSince].filter(([, since]) => now - since > recallMs).map(([id]) => id);
    if (back.length > 0) group.roster = recall(group.roster, new Set(back));
    passOverSilent(group, now);
    for (const [replica, waiting] of group.waiting) lookAtWaiting(group, replica, waiting, now);
  }

  /** The managers may give a node more tasks that has lost some, until they see themselves that it is gone. */
  function passOverSilent(group: Group, now: number): void {
    if (group.waiting.size === 0 || group.roster.lost.size === 0) return;
    const byId = new Map(group.tasks.map((task) => [task.id, task]));
    const silent = new Set([...group.roster.lost].map((id) => byId.get(id)?.nodeId));
    for (const replica of group.waiting.keys()) {
      const task = taskOf(group, replica);
      if (task?.nodeId === undefined || task.state === 'running' || !silent.has(task.nodeId)) continue;
      group.roster = passOver(group.roster, replica);
      group.lostSince.set(task.id, now);
    }
  }

  function lookAtWaiting(group: Group, replica: string, waiting: Waiting, now: number): void {
    const task = taskOf(group, replica);
    const delay = task === undefined ? undefined : delayOf(task);
    if (delay === undefined) delete waiting.unplacedSince;
    else waiting.unplacedSince ??= now;
    const late = now - waiting.since > startMsMax;
    const unplaced = waiting.unplacedSince !== undefined && now - waiting.unplacedSince > unplacedMs;
    if (!late && !unplaced) return;
    group.roster = remove(group.roster, replica);
    group.waiting.delete(replica);
    const why = unplaced ? `no node has room for it: ${delay}` : `no task of it came within ${startMsMax / 1000} s`;
    waiting.settle({ failure: why });
  }

  /** The engine cannot be asked: whoever waits for a task of it is told so, and may order again. */
  function giveUpWaiting(group: Group, message: string): void {
    for (const [replica, waiting] of group.waiting) {
      if (clock.now() - waiting.since < unaskedMs) continue;
      group.roster = remove(group.roster, replica);
      group.waiting.delete(replica);
      waiting.settle({ failure: message });
    }
  }

  async function write(group: Group): Promise<void> {
    const { service, order } = group;
    const made = group.serviceId !== undefined;
    const plan = planService(service, group, clock.now(), { made, corrects: corrects(group.deployment) });
    if (plan.drift !== group.drift && plan.drift !== undefined) {
      for (const listener of driftListeners) {
        listener({ deployment: group.deployment, reason: `service ${group.name}: ${plan.drift}` });
      }
    }
    group.drift = plan.drift;
    group.planned = plan.replicas;
    switch (plan.write.kind) {
      case 'none':
        break;
      case 'create': {
        if (order === undefined) break;
        const spec = serviceSpec(group.name, order, platform, await files.keep(group.name, order));
        await engine.createService({
          ...spec,
          Labels: { ...spec.Labels, [labels.held]: String(plan.replicas) },
          Mode: { Replicated: { Replicas: plan.replicas } },
        });
        again = true;
        break;
      }
      case 'update':
        if (service === undefined || !(await engine.updateService(service, plan.write.spec))) again = true;
        else again ||= plan.replicas !== (service.spec.Mode.Replicated?.Replicas ?? 0);
        break;
      case 'remove':
        if (service !== undefined) await engine.removeService(service.id);
        group.service = group.serviceId = undefined;
        again = true;
        break;
      default:
        plan.write satisfies never;
    }
  }

  /** Those that wait are told only after the roster that names their task is on the engine. */
  function settle(group: Group): void {
    for (const [replica, waiting] of group.waiting) {
      const task = taskOf(group, replica);
      if (task === undefined || found(group, replica, task) === undefined) continue;
      group.waiting.delete(replica);
      waiting.settle({ task });
    }
    for (const end of group.ending) end();
  }

  async function round(): Promise<void> {
    const [services, tasks, all] = await Promise.all([engine.services(mine), engine.tasks(mine), engine.nodes()]);
    nodes = new Map(all.map((node) => [node.id, node]));
    unreached = new Set(all.filter(({ state }) => state !== 'ready').map(({ id }) => id));
    for (const group of groups.values()) group.service = undefined;
    for (const service of services) {
      const { Name: name, Labels } = service.spec;
      const group = groups.get(name) ?? adopt(name, Labels);
      group.service = service;
      group.serviceId = service.id;
      group.serviceIds.add(service.id);
    }
    for (const group of groups.values()) {
      group.tasks = tasks.filter(({ serviceId }) => group.serviceIds.has(serviceId));
      group.ports = new Map(
        group.tasks.flatMap(({ id, ports }) => {
          const port = ports[taskPort] ?? group.ports.get(id);
          return port === undefined ? [] : [[id, port] as const];
        }),
      );
      look(group);
      await write(group);
      settle(group);
      const { service, roster, waiting, ending } = group;
      const isOver = service === undefined && roster.replicas.size + waiting.size + ending.size === 0;
      if (isOver) groups.delete(group.name);
    }
    await files.sweep(new Set(groups.keys()));
  }

  function adopt(name: string, labelled: Readonly<Record<string, string>>): Group {
    const group = newGroup(name, labelled[labels.deployment] ?? '');
    const roster = readRoster(labelled[labels.roster]);
    group.ports = readPorts(labelled[labels.ports]);
    // Whoever had ordered those without a task is gone, and will order again.
    group.roster = { ...roster, replicas: new Map([...roster.replicas].filter(([, task]) => task !== undefined)) };
    for (const id of roster.lost) group.lostSince.set(id, clock.now());
    groups.set(name, group);
    return group;
  }

  const isBusy = (): boolean =>
    [...groups.values()].some(
      ({ waiting, ending, vacancies, roster }) =>
        waiting.size > 0 || ending.size > 0 || vacancies.length > 0 || roster.lost.size > 0,
    );

  function kick(): Promise<void> {
    if (closed) return Promise.resolve();
    if (running !== undefined) {
      again = true;
      return running;
    }
    cancelNext();
    running = (async () => {
      do {
        again = false;
        try {
          await round();
          failures = 0;
        } catch (error) {
          failures += 1;
          const message = error instanceof Error ? error.message : String(error);
          if (failures === 1) publish('flyball:fault', { where: 'swarm', message, error });
          for (const group of groups.values()) giveUpWaiting(group, message);
          break;
        }
      } while (again && !closed);
      running = undefined;
      if (!closed) cancelNext = clock.after(isBusy() && failures === 0 ? soonMs : idleMs, () => void kick());
    })();
    return running;
  }

  engine.onChange(() => void kick());
  // A Swarm that cannot be asked at the start is said at once.
  await round();
  cancelNext = clock.after(idleMs, () => void kick());

  return {
    async start(given, signal) {
      signal.throwIfAborted();
      const known = groupOf(given.id);
      const group =
        known ?? groups.get(serviceName(given, platform)) ?? newGroup(serviceName(given, platform), given.deployment);
      groups.set(group.name, group);
      group.order ??= given;
      const there = found(group, given.id, taskOf(group, given.id));
      if (there !== undefined && !group.waiting.has(given.id)) return there;
      group.roster = ordered(group.roster, given.id);
      // It takes the place of one that has ended, if there is one.
      group.vacancies.shift();
      const { promise, resolve } = Promise.withResolvers<StartOutcome>();
      group.waiting.set(given.id, { since: clock.now(), settle: resolve });
      const abort = (): void => {
        if (!group.waiting.delete(given.id)) return;
        group.roster = remove(group.roster, given.id);
        resolve({ failure: 'the start was called off' });
        void kick();
      };
      signal.addEventListener('abort', abort, { once: true });
      void kick();
      const outcome = await promise.finally(() => signal.removeEventListener('abort', abort));
      signal.throwIfAborted();
      const replica = 'task' in outcome ? found(group, given.id, outcome.task) : undefined;
      if (replica !== undefined) return replica;
      throw new FlyballError('REPLICA_FAILED', 'failure' in outcome ? outcome.failure : 'its task is gone again');
    },

    async settle(id, resources) {
      const group = groupOf(id);
      if (group === undefined) return { kind: 'none' };
      if (sameLimits(group.order?.resources, resources)) return limitsOf(group);
      return { kind: 'unenforced', reason: 'a task keeps the limits that it was made with; they hold for the next' };
    },

    async stop(id, graceMs) {
      const group = groupOf(id);
      if (group === undefined) return;
      const task = group.roster.replicas.get(id);
      group.roster = remove(group.roster, id);
      // Fewer are wanted: no place is kept for others either.
      group.vacancies = [];
      await ended(group, task, graceMs + platform.stopGraceMs);
    },

    async kill(id) {
      const group = groupOf(id);
      if (group === undefined) return;
      const task = group.roster.replicas.get(id);
      group.roster = giveUp(group.roster, id);
      if (task !== undefined) group.lostSince.set(task, clock.now());
      await kick();
    },

    async list() {
      const deadline = clock.now() + adoptMs;
      for (;;) {
        await kick();
        const all = [...groups.values()].flatMap((group) =>
          [...group.roster.replicas].map(([id, task]) => ({
            group,
            id,
            task,
            replica: found(group, id, taskOf(group, id)),
          })),
        );
        const starting = all.filter(({ replica, group, id }) => replica === undefined && !group.waiting.has(id));
        if (starting.length === 0 || clock.now() > deadline) {
          for (const { group, id } of starting) group.roster = remove(group.roster, id);
          return all.flatMap(({ replica }) => (replica === undefined ? [] : [replica]));
        }
        await pause();
      }
    },

    async nodes() {
      const [all, placed] = await Promise.all([engine.nodes(), engine.placed()]);
      return toClusterNodes(all, placed, platform.name);
    },

    async clear() {
      await Promise.all((await engine.services(mine)).map(({ id }) => engine.removeService(id)));
      const deadline = clock.now() + clearMs;
      while (!(await files.clear()) && clock.now() < deadline) await pause();
    },

    onExit(listener) {
      exitListeners.push(listener);
    },
    onDrift(listener) {
      driftListeners.push(listener);
    },

    // The services stay: the next control adopts them.
    async [Symbol.asyncDispose]() {
      closed = true;
      cancelNext();
      for (const group of groups.values()) {
        for (const waiting of group.waiting.values()) waiting.settle({ failure: 'control ends' });
        for (const end of group.ending) end();
      }
      await running;
      await engine[Symbol.asyncDispose]();
    },
  };

  /** Of the task itself, or of another that the engine has chosen in its place. */
  async function ended(group: Group, id: string | undefined, atMostMs: number): Promise<void> {
    if (id === undefined) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      const task = group.tasks.find((each) => each.id === id);
      const alive = group.tasks.filter(isAlive).length;
      const isGone =
        task === undefined ||
        isStranded(task, unreached) ||
        ['shutdown', 'complete', 'failed', 'rejected', 'remove'].includes(task.state);
      if (closed || isGone || (isAlive(task) && alive <= group.planned)) resolve();
    };
    group.ending.add(look);
    const cancel = clock.after(atMostMs, resolve);
    void kick();
    await promise;
    cancel();
    group.ending.delete(look);
  }
}

function sameLimits(had: ReplicaResources | undefined, now: ReplicaResources): boolean {
  return had !== undefined && had.cpu === now.cpu && had.memoryBytes === now.memoryBytes;
}
