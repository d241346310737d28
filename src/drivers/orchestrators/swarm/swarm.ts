/**
 * The Swarm orchestrator: a service for each version of a deployment, a task for each replica, reached at a port of its
 * node. What is decided of a service stands in `roster.ts` and `plan.ts`; here is what control asks, and the round that
 * looks at everything that is ours, tells what has ended, and writes what is to be different.
 * Invariant: a replica that was returned is in its service's roster on the engine, so that the next control finds it.
 */
import type { Clock } from '../../../clock.ts';
import type {
  Drift,
  Orchestrator,
  ReplicaExit,
  ReplicaOrder,
  ReplicaResources,
} from '../../../control/orchestrator.ts';
import { FlyballError } from '../../../errors.ts';
import { publish } from '../../../telemetry/events.ts';
import { toClusterNodes } from './cluster.ts';
import { lookAtEnds, newEndings, recallMs } from './endings.ts';
import type { SwarmEngine } from './engine.ts';
import { openFiles, type CertificateText } from './files.ts';
import { newGroup, type Group } from './group.ts';
import { giveUp, remove } from './roster.ts';
import { newRounds, soonMs } from './rounds.ts';
import { foundReplica, groupOf, limitsOf, nothingSeen, takeIn } from './seen.ts';
import { groupTaking, periodAt } from './secrets-life.ts';
import { kindOf, labels, serviceName, type SwarmPlatform } from './service-spec.ts';
import {
  callOff,
  giveUpRefused,
  giveUpUnasked,
  lacksPlace,
  lookAtWaiting,
  settleWaiting,
  waitForTask,
} from './waiting.ts';
import { writeService } from './write.ts';

export interface SwarmOrchestratorOptions {
  readonly engine: SwarmEngine;
  readonly clock: Clock;
  readonly platform: SwarmPlatform;
  readonly certificate: CertificateText;
  /** False while a deployment is only advised: what others change of its services is then told and left. */
  readonly corrects?: (deployment: string) => boolean;
}

const adoptMs = 5000;
/** Tasks that have just been told to end still hold their config and their secret. */
const clearMs = 10_000;

export async function openSwarmOrchestrator(options: SwarmOrchestratorOptions): Promise<Orchestrator> {
  const { engine, clock, platform, corrects = () => true } = options;
  const mine = `${labels.platform}=${platform.name}`;
  const files = openFiles(engine, platform, options.certificate);
  const exitListeners: ((exit: ReplicaExit) => void)[] = [];
  const driftListeners: ((drift: Drift) => void)[] = [];
  const seen = nothingSeen();
  const closing = new AbortController();
  const { signal: closed } = closing;
  const endings = newEndings({
    engine,
    clock,
    seen,
    onExit: (exit) => exitListeners.forEach((listener) => listener(exit)),
    signal: closed,
  });
  const writer = {
    engine,
    files,
    platform,
    corrects,
    onDrift: (drift: Drift) => driftListeners.forEach((listener) => listener(drift)),
  };
  const rounds = newRounds({ clock, round, isBusy, onFailure, signal: closed });
  const pause = (): Promise<void> => new Promise((resolve) => void clock.after(soonMs, resolve));

  async function round(): Promise<boolean> {
    const [services, tasks, nodes] = await Promise.all([engine.services(mine), engine.tasks(mine), engine.nodes()]);
    const time = { at: clock.wall(), now: clock.now() };
    takeIn(seen, { services, tasks, nodes }, time.now);
    const isShort = [...seen.groups.values()].some((group) => lacksPlace(group, time.now));
    const room = isShort ? toClusterNodes(nodes, await engine.placed(), platform.name) : undefined;
    let isToBeSeen = false;
    for (const group of seen.groups.values()) {
      for (const ended of lookAtEnds(group, seen.unreached, time)) void endings.tell(group, ended);
      lookAtWaiting(group, room, clock.now());
      if (await write(group)) isToBeSeen = true;
      settleWaiting(seen, group);
      for (const end of group.ending) end();
      if (isOver(group)) seen.groups.delete(group.name);
    }
    await files.sweep(new Set(seen.groups.keys()));
    return isToBeSeen;
  }

  /** Of services that make the same tasks, one whose secret is fresh. */
  function groupFor(order: ReplicaOrder): Group {
    const kind = kindOf(order, platform);
    const found = groupTaking(seen.groups.values(), kind, clock.wall(), clock.now());
    if (found !== undefined) return found;
    const name = serviceName(order, platform, periodAt(clock.wall(), platform.certificateMs));
    return seen.groups.get(name) ?? newGroup(name, order.deployment, kind);
  }

  /** What the engine refuses of one service is a matter of that service: the others are looked after all the same. */
  async function write(group: Group): Promise<boolean> {
    try {
      const isToBeSeen = await writeService(writer, group, { at: clock.wall(), now: clock.now() });
      delete group.refusal;
      return isToBeSeen;
    } catch (error) {
      if (!(error instanceof FlyballError) || error.code !== 'REPLICA_FAILED') throw error;
      const { message } = error;
      if (group.refusal !== message) publish('flyball:fault', { where: `service ${group.name}`, message, error });
      group.refusal = message;
      giveUpRefused(group, message);
      return false;
    }
  }

  function isBusy(): boolean {
    const lostAt = clock.now() - recallMs;
    return [...seen.groups.values()].some(
      ({ waiting, ending, vacancies, lostSince }) =>
        waiting.size + ending.size + vacancies.length > 0 || [...lostSince.values()].some((since) => since > lostAt),
    );
  }

  function onFailure(error: unknown, count: number): void {
    const message = error instanceof Error ? error.message : String(error);
    if (count === 1) publish('flyball:fault', { where: 'swarm', message, error });
    for (const group of seen.groups.values()) giveUpUnasked(group, message, clock.now());
  }

  engine.onChange(() => void rounds.ask());
  // A Swarm that cannot be asked at the start is said at once.
  await round();
  rounds.schedule();

  return {
    async start(order, signal) {
      signal.throwIfAborted();
      const { id } = order;
      const group = groupOf(seen, id) ?? groupFor(order);
      seen.groups.set(group.name, group);
      const there = foundReplica(seen, group, id);
      if (there !== undefined && !group.waiting.has(id)) {
        group.order ??= order;
        return there;
      }
      const waiting = waitForTask(group, order, clock.now(), signal, () => void rounds.ask());
      void rounds.ask();
      const outcome = await waiting;
      signal.throwIfAborted();
      const replica = 'task' in outcome ? foundReplica(seen, group, id, outcome.task) : undefined;
      if (replica !== undefined) return replica;
      throw new FlyballError('REPLICA_FAILED', 'failure' in outcome ? outcome.failure : 'its task is gone again');
    },

    async settle(id, resources) {
      const group = groupOf(seen, id);
      if (group === undefined) return { kind: 'none' };
      if (sameLimits(group.order?.resources, resources)) return limitsOf(group);
      return { kind: 'unenforced', reason: 'a task keeps the limits that it was made with; they hold for the next' };
    },

    async stop(id, graceMs) {
      const group = groupOf(seen, id);
      if (group === undefined) return;
      const task = group.roster.replicas.get(id);
      callOff(group, id, 'it was stopped before it ran');
      // Fewer are wanted: no place is kept for others either.
      group.vacancies = [];
      if (task === undefined) return;
      const end = endings.wait(group, task, graceMs + platform.stopGraceMs);
      void rounds.ask();
      await end;
    },

    async kill(id) {
      const group = groupOf(seen, id);
      if (group === undefined) return;
      const task = group.roster.replicas.get(id);
      group.roster = giveUp(group.roster, id);
      callOff(group, id, 'it was ended before it ran');
      if (task !== undefined) group.lostSince.set(task, clock.now());
      await rounds.ask();
    },

    async list() {
      const deadline = clock.now() + adoptMs;
      for (;;) {
        await rounds.ask();
        const all = [...seen.groups.values()].flatMap((group) =>
          [...group.roster.replicas.keys()].map((id) => ({ group, id, replica: foundReplica(seen, group, id) })),
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
      closing.abort();
      for (const group of seen.groups.values()) {
        for (const waiting of group.waiting.values()) waiting.settle({ failure: 'control ends' });
        for (const end of group.ending) end();
      }
      await rounds.over();
      await engine[Symbol.asyncDispose]();
    },
  };
}

/** Nothing of it is on the engine, and nobody asks for any. */
function isOver({ service, roster, waiting, ending }: Group): boolean {
  return service === undefined && roster.replicas.size + waiting.size + ending.size === 0;
}

function sameLimits(had: ReplicaResources | undefined, now: ReplicaResources): boolean {
  return had !== undefined && had.cpu === now.cpu && had.memoryBytes === now.memoryBytes;
}
