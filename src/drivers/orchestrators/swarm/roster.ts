/**
 * Which task is which replica. Control counts replicas that it has named; the engine counts tasks, makes and ends them by
 * rules of its own: it refills the slot of one that failed, and chooses itself which goes when there are to be fewer. The
 * roster is what both agree on, kept in the service's labels, and every step of it is decided here.
 *
 *   ordered ──a task is free──▶ bound ──its task has ended──▶ reported as an exit
 *                                 └──it answers nothing──▶ lost: given up, counted until the engine sees it as well
 *
 * Invariant: a task belongs to one replica at most, and one that was given up to none.
 */
import type { SwarmTask, TaskState } from './engine.ts';

export interface Roster {
  /** Replica → its task; undefined while it waits for one. In the order in which they were ordered. */
  readonly replicas: ReadonlyMap<string, string | undefined>;
  /** Tasks that were given up while the engine still takes them for alive. */
  readonly lost: ReadonlySet<string>;
}

export interface EndedReplica {
  readonly replica: string;
  readonly task: SwarmTask | undefined;
  /** The managers did not want it any more: scaled in, moved, updated or removed, by us or by others. */
  readonly byEngine: boolean;
}

export interface Reviewed {
  readonly roster: Roster;
  readonly ended: readonly EndedReplica[];
  /** Alive and nobody's. */
  readonly free: readonly SwarmTask[];
}

export const emptyRoster: Roster = { replicas: new Map(), lost: new Set() };

/** How far on its way a task is; those that have ended are not listed. */
const progress: Partial<Record<TaskState, number>> = {
  new: 0,
  pending: 1,
  assigned: 2,
  accepted: 3,
  preparing: 4,
  ready: 5,
  starting: 6,
  running: 7,
};

/** The engine has it, or is making it, and means to keep it. */
export function isAlive({ state, desired }: SwarmTask): boolean {
  return progress[state] !== undefined && progress[desired] !== undefined;
}

/**
 * It runs, the managers want it no more, and its node cannot be told so: they take the node for dead. Whether it is, its
 * replica says itself, by answering or not; one that answers is worth more than the one that takes its place.
 */
export function isStranded({ state, desired, nodeId }: SwarmTask, unreached: ReadonlySet<string>): boolean {
  return state === 'running' && progress[desired] === undefined && nodeId !== undefined && unreached.has(nodeId);
}

/**
 * What has become of everyone, given every task of the service that the engine remembers, and the nodes that the managers
 * do not reach.
 */
export function review(
  roster: Roster,
  tasks: readonly SwarmTask[],
  unreached: ReadonlySet<string> = new Set(),
): Reviewed {
  const stranded = new Set(tasks.filter((task) => isStranded(task, unreached)).map(({ id }) => id));
  const alive = new Map(tasks.filter(isAlive).map((task) => [task.id, task]));
  const ended: EndedReplica[] = [];
  const replicas = new Map<string, string | undefined>();
  const taken = new Set(roster.lost);
  for (const [replica, id] of roster.replicas) {
    if (id === undefined || alive.has(id) || stranded.has(id)) {
      replicas.set(replica, id);
      if (id !== undefined) taken.add(id);
      continue;
    }
    const task = tasks.find((each) => each.id === id);
    ended.push({ replica, task, byEngine: task === undefined || endedByEngine(task) });
  }
  const free = [...alive.values()].filter(({ id }) => !taken.has(id)).toSorted(furthestFirst);
  for (const [replica, id] of replicas) {
    if (id !== undefined) continue;
    const task = free.shift();
    if (task === undefined) break;
    replicas.set(replica, task.id);
  }
  const lost = new Set([...roster.lost].filter((id) => alive.has(id)));
  return { roster: { replicas, lost }, ended, free };
}

/** Replicas that the service is to have: those that were ordered, and room for those that the engine does not know to be dead. */
export function heldReplicas({ replicas, lost }: Roster): number {
  return replicas.size + lost.size;
}

export function order(roster: Roster, replica: string): Roster {
  if (roster.replicas.has(replica)) return roster;
  return { ...roster, replicas: new Map([...roster.replicas, [replica, undefined]]) };
}

export function remove(roster: Roster, replica: string): Roster {
  const replicas = new Map(roster.replicas);
  replicas.delete(replica);
  return { ...roster, replicas };
}

/** It is fed no more, whatever becomes of it. */
export function giveUp(roster: Roster, replica: string): Roster {
  const task = roster.replicas.get(replica);
  const without = remove(roster, replica);
  return task === undefined ? without : { ...without, lost: new Set([...roster.lost, task]) };
}

/**
 * The replica waits for another task than the one that it has: that one goes to a node which is silent, and will not come.
 * No more than there are replicas, or a node that alone has room would be given tasks without end.
 */
export function passOver(roster: Roster, replica: string): Roster {
  const task = roster.replicas.get(replica);
  if (task === undefined || roster.lost.size > roster.replicas.size) return roster;
  return {
    replicas: new Map([...roster.replicas, [replica, undefined]]),
    lost: new Set([...roster.lost, task]),
  };
}

/** One that was given up and that the engine still holds after all: it may be had again. */
export function recall(roster: Roster, tasks: ReadonlySet<string>): Roster {
  return { ...roster, lost: new Set([...roster.lost].filter((id) => !tasks.has(id))) };
}

export function writeRoster({ replicas, lost }: Roster): string {
  return JSON.stringify({ replicas: [...replicas].map(([replica, task]) => [replica, task ?? null]), lost: [...lost] });
}

/**
 * The ports of the tasks that have a replica: an engine that has lost its manager for a while and found it again says what
 * runs on it, and no longer at which port.
 */
export function writePorts({ replicas }: Roster, ports: ReadonlyMap<string, number>): string {
  const bound = [...replicas.values()].filter((task) => task !== undefined && ports.has(task)) as string[];
  return JSON.stringify(Object.fromEntries(bound.map((task) => [task, ports.get(task)])));
}

export function readPorts(text: string | undefined): Map<string, number> {
  try {
    return new Map(Object.entries(JSON.parse(text ?? '{}') as Readonly<Record<string, number>>));
  } catch {
    return new Map();
  }
}

/** What cannot be read (somebody has edited the label) is no roster: its tasks are nobody's. */
export function readRoster(text: string | undefined): Roster {
  if (text === undefined) return emptyRoster;
  try {
    const { replicas, lost } = JSON.parse(text) as {
      readonly replicas: readonly (readonly [string, string | null])[];
      readonly lost: readonly string[];
    };
    return { replicas: new Map(replicas.map(([replica, task]) => [replica, task ?? undefined])), lost: new Set(lost) };
  } catch {
    return emptyRoster;
  }
}

/** A container that ends by itself leaves `complete` or `failed`; one that the managers end, `shutdown` or `remove`. */
function endedByEngine({ state }: SwarmTask): boolean {
  return state !== 'failed' && state !== 'rejected' && state !== 'complete';
}

function furthestFirst(left: SwarmTask, right: SwarmTask): number {
  return (progress[right.state] ?? 0) - (progress[left.state] ?? 0) || left.slot - right.slot;
}
