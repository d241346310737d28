/**
 * The journal as control writes and reads it. Notes are taken without waiting and written together a little later, in
 * one transaction, so that the loop is never held up by the disk; what must not happen without its entry (a target that
 * moves) is written in the transaction of the change itself.
 * Invariant: a note is lost only when the disk refuses for long, and then an entry says how many are.
 */
import type { Clock } from '../clock.ts';
import { FlyballError } from '../errors.ts';
import type { JournalQuery, Store, StoreAccess } from '../store/store.ts';
import { publish } from '../telemetry/events.ts';
import { chained, type JournalEntry, type JournalNote } from './entry.ts';
import { startVerifier, type Verdict } from './verify.ts';

export type JournalFilter = JournalQuery;

export interface Journal extends AsyncDisposable {
  /** Written soon. */
  note(note: JournalNote): void;
  /** Written with whatever else the transaction does, or not at all. */
  append(access: StoreAccess, note: JournalNote): Promise<JournalEntry>;
  /** With `waitMs` it waits for one to come when there is none. */
  read(filter: JournalFilter, waitMs?: number, signal?: AbortSignal): Promise<readonly JournalEntry[]>;
  verify(): Promise<Verdict>;
  /** Everything noted so far is durable, as far as the disk allows. */
  flushed(): Promise<void>;
  /** Removes what is older than the settings allow. */
  prune(retention: JournalRetention): Promise<void>;
}

export interface JournalRetention {
  readonly keepMs: number;
  readonly entriesMax: number;
}

/** Notes wait so long for company: one sync of the disk for all that happens in a turn of the loop. */
const gatherMs = 100;
/** Notes that wait while the disk refuses; of more, the oldest are given up, and an entry says how many. */
const waitingMax = 10_000;
const retryMs = 1000;
const pageLength = 500;

type DatedNote = JournalNote & { readonly at: number };

export function openJournal(store: Store, clock: Clock): Journal {
  let waiting: DatedNote[] = [];
  let lost = 0;
  let writing: Promise<void> | undefined;
  let cancel: (() => void) | undefined;
  let closed = false;
  const listeners = new Set<() => void>();

  const dated = (note: JournalNote): DatedNote => ({ ...note, at: clock.wall() });

  async function write(access: StoreAccess, notes: readonly DatedNote[]): Promise<readonly JournalEntry[]> {
    const entries = chained(await access.journalHead(), notes);
    await access.appendJournal(entries);
    return entries;
  }

  /** Who verifies must not have entries removed under him. */
  let last: Promise<unknown> = Promise.resolve();
  function alone<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  }

  function told(): void {
    for (const listener of listeners) listener();
  }

  async function writeWaiting(): Promise<void> {
    const notes = waiting;
    waiting = [];
    const gap = lost;
    try {
      await store.transaction((access) => write(access, gap === 0 ? notes : [dated(gapNote(gap)), ...notes]));
      lost -= gap;
      told();
    } catch (error) {
      waiting = [...notes, ...waiting];
      bound();
      const message = error instanceof Error ? error.message : String(error);
      publish('flyball:fault', { where: 'writing the journal', message, error });
      if (!closed) cancel ??= clock.after(retryMs, () => void flush());
    }
  }

  async function flush(): Promise<void> {
    cancel?.();
    cancel = undefined;
    if (writing !== undefined) return writing;
    if (waiting.length === 0) return;
    writing = writeWaiting().finally(() => {
      writing = undefined;
      if (waiting.length > 0 && cancel === undefined && !closed) cancel = clock.after(gatherMs, () => void flush());
    });
    return writing;
  }

  function bound(): void {
    const excess = waiting.length - waitingMax;
    if (excess <= 0) return;
    waiting.splice(0, excess);
    lost += excess;
  }

  return {
    note(note) {
      waiting.push(dated(note));
      bound();
      cancel ??= clock.after(gatherMs, () => void flush());
    },
    async append(access, note) {
      // Those that wait stay where they are: this transaction may still be taken back.
      const [own] = await write(access, [dated(note)]);
      if (own === undefined) throw new FlyballError('INTERNAL', 'a journal entry was written and is not there');
      setImmediate(told);
      return own;
    },
    async read(filter, waitMs = 0, signal) {
      await writing;
      const found = await store.journal(filter);
      if (found.length > 0 || waitMs <= 0) return found;
      const { promise, resolve } = Promise.withResolvers<void>();
      const cancelWait = clock.after(waitMs, resolve);
      listeners.add(resolve);
      signal?.addEventListener('abort', () => resolve(), { once: true });
      if (signal?.aborted === true) resolve();
      await promise;
      cancelWait();
      listeners.delete(resolve);
      return store.journal(filter);
    },
    verify: () =>
      alone(async () => {
        await flush();
        const [checkpoint, head] = await store.transaction(
          async (access) => [await access.journalCheckpoint(), await access.journalHead()] as const,
        );
        const verifier = startVerifier(checkpoint);
        for (let after = checkpoint?.id ?? 0; ;) {
          const page = await store.journal({ after, limit: pageLength });
          const final = page.at(-1);
          // What has been written since is for the next look.
          if (final === undefined || !page.every((entry) => entry.id > head.id || verifier.take(entry))) break;
          if (final.id >= head.id) break;
          after = final.id;
        }
        return verifier.verdict(head);
      }),
    async flushed() {
      await flush();
      await flush();
    },
    prune: ({ keepMs, entriesMax }) =>
      alone(async () => {
        const at = clock.wall();
        const gone = await store.journalBefore({ at: at - keepMs, keep: entriesMax });
        if (gone === undefined) return;
        const retention = `journal.keepMs ${keepMs}, journal.entriesMax ${entriesMax}`;
        await store.transaction(async (access) => {
          const { id, hash, at: lastAt } = gone;
          await access.pruneJournal({ id, hash, lastAt, at, retention });
          const reason = `older than the settings keep (${retention})`;
          const note = { kind: 'journal', action: 'prune', subject: 'journal', by: 'upkeep', reason } as const;
          await write(access, [dated({ ...note, details: { upTo: id, hash } })]);
        });
      }),
    async [Symbol.asyncDispose]() {
      await flush();
      await flush();
      closed = true;
      cancel?.();
    },
  };
}

function gapNote(count: number): JournalNote {
  const reason = `${count} notes before this were given up: they could not be written`;
  return { kind: 'journal', action: 'gap', subject: 'journal', by: 'upkeep', reason, details: { count } };
}
