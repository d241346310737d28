/**
 * The ends of replicas: those that nobody has asked for are told, with why, and a stop waits for the one that it asked
 * for. A replica that is given up because its node is silent stands in the roster as lost.
 */
import type { Clock } from '../../../clock.ts';
import type { ReplicaExit } from '../../../control/orchestrator.ts';
import type { SwarmEngine, SwarmTask } from './engine.ts';
import type { Group } from './group.ts';
import { vacancyMs } from './plan.ts';
import { isAlive, isStranded, recall, review, type EndedReplica } from './roster.ts';
import { keepsPlaces } from './secrets-life.ts';
import { memoryLimitOf, type Seen } from './seen.ts';
import { endOf } from './words.ts';

export interface Endings {
  /** To whoever waits for its start, otherwise to those who listen. */
  tell(group: Group, ended: EndedReplica): Promise<void>;
  /** Resolves at the end of the task, or of another that the engine has chosen in its place; after `atMostMs` at the latest. */
  wait(group: Group, task: string, atMostMs: number): Promise<void>;
}

export interface EndingsOptions {
  readonly engine: Pick<SwarmEngine, 'lastWords'>;
  readonly clock: Clock;
  readonly seen: Seen;
  readonly onExit: (exit: ReplicaExit) => void;
  /** Aborted when the driver is closed: nothing is told or waited for any more. */
  readonly signal: AbortSignal;
}

const wordsBytesMax = 2000;
const wordsMs = 1500;
/**
 * One that was given up and that the engine still holds may be had again after this, and each further time after four times as
 * long: its node was out of reach for a while, or it hangs, which no engine knows, and would be tried in vain.
 */
export const recallMs = 30_000;
const recallFactor = 4;
const recallMsMax = 3_600_000;

/** Brings the roster up to date with the tasks that there are. `at`: Unix milliseconds; `now`: monotonic. */
export function lookAtEnds(
  group: Group,
  unreached: ReadonlySet<string>,
  { at, now }: { readonly at: number; readonly now: number },
): readonly EndedReplica[] {
  const { roster, ended } = review(group.roster, group.tasks, unreached);
  group.roster = roster;
  // What the engine makes with a certificate that has expired ends by itself; there is to be one fewer at once. Where nobody
  // else is held none of them can be ended in place of one that is gone; and whoever never ran is not tried again before a
  // while: the engine, which knows of no back-off, is not to go on in between.
  const kept = ended.filter(({ replica }) => group.roster.replicas.size > 0 || !group.waiting.has(replica));
  if (keepsPlaces(group.life, at)) group.vacancies.push(...kept.map(() => now + vacancyMs));
  group.vacancies = group.vacancies.filter((until) => until > now);
  for (const id of group.lostSince.keys()) {
    if (group.roster.lost.has(id)) continue;
    group.lostSince.delete(id);
    // The engine sees it now and has made another. Were there to be fewer at once, it might end one that answers.
    group.vacancies.push(now + vacancyMs);
  }
  recallLost(group, now);
  return ended;
}

function recallLost(group: Group, now: number): void {
  // Where nobody else is held there is only the service to be removed.
  const isAlone = group.roster.replicas.size === 0;
  const back = [...group.lostSince].filter(([id, since]) => {
    const waits = isAlone ? recallMs : Math.min(recallMsMax, recallMs * recallFactor ** (group.recalls.get(id) ?? 0));
    return now - since > waits;
  });
  for (const [id] of back) group.recalls.set(id, (group.recalls.get(id) ?? 0) + 1);
  if (back.length > 0) group.roster = recall(group.roster, new Set(back.map(([id]) => id)));
  for (const id of group.recalls.keys()) if (!group.tasks.some((task) => task.id === id)) group.recalls.delete(id);
}

export function newEndings({ engine, clock, seen, onExit, signal }: EndingsOptions): Endings {
  /** What it wrote last says why it failed; a node that is gone does not tell, and is not waited for. */
  async function lastWords(task: SwarmTask): Promise<string> {
    if (task.state !== 'failed') return '';
    const { promise, resolve } = Promise.withResolvers<string>();
    const cancel = clock.after(wordsMs, () => resolve(''));
    engine.lastWords(task.id, wordsBytesMax).then(resolve, () => resolve(''));
    return promise.finally(cancel);
  }

  return {
    async tell(group, { replica, task, byEngine }) {
      const why = endOf(task, byEngine, memoryLimitOf(group));
      const where = task?.nodeId === undefined ? '' : ` on ${seen.nodes.get(task.nodeId)?.name ?? task.nodeId}`;
      const words = byEngine || task === undefined ? '' : await lastWords(task);
      const reason = `${why}${where}${words === '' ? '' : `: ${words}`}`;
      const waiting = group.waiting.get(replica);
      if (waiting !== undefined) {
        group.waiting.delete(replica);
        waiting.settle({ failure: reason });
        return;
      }
      if (!signal.aborted) onExit({ id: replica, reason, byEngine });
    },

    async wait(group, id, atMostMs) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = (): void => {
        const task = group.tasks.find((each) => each.id === id);
        const alive = group.tasks.filter(isAlive).length;
        const isGone = task === undefined || isStranded(task, seen.unreached) || hasEnded(task);
        if (signal.aborted || isGone || (isAlive(task) && alive <= group.planned)) resolve();
      };
      group.ending.add(look);
      const cancel = clock.after(atMostMs, resolve);
      await promise;
      cancel();
      group.ending.delete(look);
    },
  };
}

function hasEnded({ state }: SwarmTask): boolean {
  return ['shutdown', 'complete', 'failed', 'rejected', 'remove'].includes(state);
}
