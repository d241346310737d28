/**
 * The book of alerts, what playbooks did, and when each began: one value, kept in the store. A change is written with
 * its journal entries in one transaction before it holds, so that after a kill what was done is known to be done.
 */
import type { AlertBook, KnownAlert } from '../../core/alerts/book.ts';
import { keyOf } from '../../core/alerts/book.ts';
import type { Reactions } from '../../core/alerts/edges.ts';
import type { Mode } from '../../config/specification.ts';
import type { JournalNote } from '../../journal/entry.ts';
import type { Journal } from '../../journal/open-journal.ts';
import type { Store } from '../../store/store.ts';

/** What became of it. `waits`: for the time in which the playbook may begin again. */
export type ActionState = 'pending' | 'done' | 'advised' | 'asked' | 'held' | 'refused' | 'failed' | 'waits';

interface ActionBase {
  readonly id: number;
  /** Unix milliseconds. */
  readonly at: number;
  readonly playbook: string;
  readonly on: 'firing' | 'resolved';
  /** Names of the alerts, the first few. */
  readonly alerts: readonly string[];
  readonly deployment?: string | undefined;
  readonly state: ActionState;
  readonly why: string;
}

export type ActionRecord = ActionBase &
  (
    | {
        readonly kind: 'scale';
        readonly deployment: string;
        readonly from: number;
        readonly to: number;
        /** Held at least until then, Unix milliseconds. */
        readonly until: number;
        /** It is held no more. */
        readonly over: boolean;
        /** The journal's entry of the move. */
        readonly entry?: number | undefined;
      }
    | { readonly kind: 'mode'; readonly deployment: string; readonly mode: Mode }
    | { readonly kind: 'notify'; readonly to: string }
    | { readonly kind: 'none' }
  );

export interface AlertState {
  readonly book: AlertBook;
  readonly reactions: Reactions;
  /** Oldest first. */
  readonly actions: readonly ActionRecord[];
  readonly nextId: number;
  /** Digests of the notifications that changed something, oldest first: what is sent again is known. */
  readonly taken: readonly string[];
}

export interface AlertStateChange<Result> {
  /** The same object: nothing is written. */
  readonly next: AlertState;
  readonly notes?: readonly JournalNote[];
  readonly result: Result;
}

export interface AlertStore {
  readonly now: AlertState;
  /** One after another; what it is made of is what the one before has left. */
  change<Result>(make: (before: AlertState) => AlertStateChange<Result>): Promise<Result>;
}

const key = 'alerts.state';
/** Actions that are remembered; those that are under way or held are never dropped. */
const actionsMax = 200;
/** Notifications whose digest is remembered. */
const takenMax = 500;

interface Kept {
  readonly alerts: readonly KnownAlert[];
  readonly reactions: Reactions;
  readonly actions: readonly ActionRecord[];
  readonly nextId: number;
  readonly taken: readonly string[];
}

const isOpen = (action: ActionRecord): boolean =>
  action.state === 'pending' || (action.kind === 'scale' && !action.over);

function bounded(actions: readonly ActionRecord[]): readonly ActionRecord[] {
  let excess = actions.length - actionsMax;
  return excess <= 0 ? actions : actions.filter((action) => isOpen(action) || (excess -= 1) < 0);
}

export async function openAlertStore(store: Store, journal: Journal): Promise<AlertStore> {
  const text = await store.meta(key);
  const kept: Kept =
    text === undefined ? { alerts: [], reactions: {}, actions: [], nextId: 1, taken: [] } : (JSON.parse(text) as Kept);
  const { alerts, ...rest } = kept;
  let now: AlertState = { ...rest, book: new Map(alerts.map((alert) => [keyOf(alert.source, alert), alert])) };
  let last: Promise<unknown> = Promise.resolve();

  async function changeNow<Result>(make: (before: AlertState) => AlertStateChange<Result>): Promise<Result> {
    const { next: made, notes = [], result } = make(now);
    if (made === now && notes.length === 0) return result;
    const next = { ...made, actions: bounded(made.actions), taken: made.taken.slice(-takenMax) };
    const { book, ...others } = next;
    const written: Kept = { ...others, alerts: [...book.values()] };
    await store.transaction(async (access) => {
      await access.setMeta(key, JSON.stringify(written));
      for (const note of notes) await journal.append(access, note);
    });
    now = next;
    return result;
  }

  return {
    get now() {
      return now;
    },
    change(make) {
      const done = last.then(() => changeNow(make));
      last = done.catch(() => undefined);
      return done;
    },
  };
}
