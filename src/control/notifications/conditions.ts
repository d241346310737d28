/**
 * What lasts and that nobody writes down as it happens: an error budget that burns, data that is lost on its way to a sink.
 * Looked at once a minute while there is anybody to tell; its beginning and its end are entries of the journal
 * (`condition`), so that they are told like all else, and a restart knows what has begun.
 */
import type { Clock } from '../../clock.ts';
import type { Journal } from '../../journal/open-journal.ts';
import type { Store } from '../../store/store.ts';
import type { Deployments } from '../deployments.ts';
import { periodically } from '../periodically.ts';

export interface Condition {
  readonly of: 'slo-burn' | 'sink-dropping';
  readonly subject: string;
  readonly deployment?: string;
  readonly reason: string;
}

export interface ConditionParts {
  readonly store: Pick<Store, 'meta' | 'setMeta'>;
  readonly journal: Pick<Journal, 'note'>;
  readonly deployments: Pick<Deployments, 'notifications'>;
  /** Each says what holds at this moment. */
  readonly watchers: readonly (() => Promise<readonly Condition[]>)[];
  readonly clock: Clock;
}

const everyMs = 60_000;
const key = 'notifications.conditions';

const nameOf = ({ of, subject }: Condition): string => `${of} ${subject}`;

/** Returns the end of it. */
export function startConditions({ store, journal, deployments, watchers, clock }: ConditionParts): () => Promise<void> {
  let kept: readonly Condition[] | undefined;

  const note = ({ of, subject, deployment, reason }: Condition, action: 'began' | 'ended'): void => {
    const details = { of, ...(deployment === undefined ? {} : { deployment }) };
    journal.note({ kind: 'condition', action, subject, by: 'upkeep', reason, details });
  };

  async function look(): Promise<void> {
    if (Object.keys(deployments.notifications()?.channels ?? {}).length === 0) return;
    const before = (kept ??= JSON.parse((await store.meta(key)) ?? '[]') as readonly Condition[]);
    const now: Condition[] = [];
    for (const watcher of watchers) now.push(...(await watcher()));
    const [were, are] = [new Set(before.map(nameOf)), new Set(now.map(nameOf))];
    const begun = now.filter((one) => !were.has(nameOf(one)));
    const over = before.filter((one) => !are.has(nameOf(one)));
    for (const one of begun) note(one, 'began');
    for (const one of over) note({ ...one, reason: 'it is no longer seen' }, 'ended');
    kept = now;
    if (begun.length > 0 || over.length > 0) await store.setMeta(key, JSON.stringify(now));
  }

  return periodically(clock, everyMs, 'watching conditions', look);
}
