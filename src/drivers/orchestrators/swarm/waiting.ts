/**
 * Those who have ordered a replica and wait for its task: told when it runs and the engine knows whose it is, or that it
 * will not come, and why. Nothing here asks the engine.
 */
import type { ReplicaOrder } from '../../../control/orchestrator.ts';
import type { ClusterNode } from '../../../core/placement/node.ts';
import { fitting, type Asked } from '../../../core/placement/room.ts';
import type { Group, StartOutcome, Waiting } from './group.ts';
import { order as ordered, passOver, remove } from './roster.ts';
import { foundReplica, taskOf, type Seen } from './seen.ts';
import { isUnplaced, roomless } from './words.ts';

/** A task without a place is given up after this: it would only wait in a line that nobody sees. */
const unplacedMs = 2000;
/** Where neither the managers nor the arithmetic of room say why it has none: they may only be slow. */
const unexplainedMs = 20_000;
const startMsMax = 90_000;
/** An engine that restarts is back sooner. */
const unaskedMs = 15_000;

/** `onAbort`: called when it was called off, and nobody waits for the task any more. */
export function waitForTask(
  group: Group,
  order: ReplicaOrder,
  now: number,
  signal: AbortSignal,
  onAbort: () => void,
): Promise<StartOutcome> {
  const { id } = order;
  const { promise: outcome, resolve: settle } = Promise.withResolvers<StartOutcome>();
  const waiting = group.waiting.get(id) ?? { since: now, outcome, settle };
  if (!group.waiting.has(id)) {
    group.order ??= order;
    group.roster = ordered(group.roster, id);
    // It takes the place of one that has ended, if there is one.
    group.vacancies.shift();
    group.waiting.set(id, waiting);
  }
  const abort = (): void => {
    if (!group.waiting.has(id)) return;
    callOff(group, id, 'the start was called off');
    onAbort();
  };
  signal.addEventListener('abort', abort, { once: true });
  return waiting.outcome.finally(() => signal.removeEventListener('abort', abort));
}

/** Somebody waits for a task that has had no place for a while: what room there is must be known to say why. */
export function lacksPlace(group: Group, now: number): boolean {
  return [...group.waiting.values()].some(({ unplacedSince = now }) => now - unplacedSince > unplacedMs);
}

/** `nodes`: with what is promised on them, as far as it was asked for. */
export function lookAtWaiting(group: Group, nodes: readonly ClusterNode[] | undefined, now: number): void {
  passOverSilent(group, now);
  for (const [replica, waiting] of group.waiting) {
    const failure = failureOf(group, replica, waiting, nodes, now);
    if (failure !== undefined) callOff(group, replica, failure);
  }
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

/** Why it is waited for no longer; undefined while it may still come. */
function failureOf(
  group: Group,
  replica: string,
  waiting: Waiting,
  nodes: readonly ClusterNode[] | undefined,
  now: number,
): string | undefined {
  const task = taskOf(group, replica);
  if (task === undefined || !isUnplaced(task)) delete waiting.unplacedSince;
  else {
    waiting.unplacedSince ??= now;
    const forMs = now - waiting.unplacedSince;
    if (forMs > unplacedMs) {
      // Managers that were told anything new of the service since say nothing of its waiting tasks any more.
      const fit = nodes === undefined ? undefined : fitting(nodes, askedOf(group.order));
      const full = fit?.kind === 'known' && fit.more === 0 ? fit.why : undefined;
      if (task.error !== undefined || full !== undefined) return roomless(full, task.error);
      if (forMs > unexplainedMs)
        return `the managers gave it no node within ${unexplainedMs / 1000} s, and do not say why`;
    }
  }
  return now - waiting.since > startMsMax ? `no task of it came within ${startMsMax / 1000} s` : undefined;
}

function askedOf(order: ReplicaOrder | undefined): Asked {
  const { cpu, memoryBytes, generic } = order?.resources ?? {};
  return { cores: cpu, memoryBytes, generic, constraints: order?.placement?.constraints ?? [] };
}

/** The engine cannot be asked: whoever waits for a task of it is told so, and may order again. */
export function giveUpUnasked(group: Group, message: string, now: number): void {
  for (const [replica, { since }] of group.waiting) {
    if (now - since >= unaskedMs) callOff(group, replica, message);
  }
}

/** The engine will not have the service as it is: nothing comes of it until it is changed. */
export function giveUpRefused(group: Group, message: string): void {
  for (const replica of group.waiting.keys()) callOff(group, replica, message);
}

/** Those that wait are told only after the roster that names their task is on the engine. */
export function settleWaiting(seen: Seen, group: Group): void {
  for (const [replica, waiting] of group.waiting) {
    const task = taskOf(group, replica);
    if (task === undefined || foundReplica(seen, group, replica, task) === undefined) continue;
    group.waiting.delete(replica);
    waiting.settle({ task });
  }
}

/** The replica is not wanted any more; whoever waits for it is told why. */
export function callOff(group: Group, replica: string, failure: string): void {
  const waiting = group.waiting.get(replica);
  group.roster = remove(group.roster, replica);
  group.waiting.delete(replica);
  waiting?.settle({ failure });
}
