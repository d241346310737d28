import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createVirtualClock } from '../testing/virtual-clock.ts';
import { openSqliteStore } from '../drivers/stores/sqlite.ts';
import type { Store } from '../store/store.ts';
import { chained, journalStart, type JournalNote } from './entry.ts';
import { openJournal } from './open-journal.ts';
import { startVerifier } from './verify.ts';

const note = (action: string, more: Partial<JournalNote> = {}): JournalNote => ({
  kind: 'change',
  action,
  subject: 'digits',
  by: 'ada',
  reason: 'asked for',
  ...more,
});

const noted = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ ...note(`step ${index}`), details: { index }, at: index }));

test('whatever is changed, removed, added or moved in a journal, the first bad entry is named', () => {
  const changes = fc.oneof(
    fc.constant('action' as const),
    fc.constant('details' as const),
    fc.constant('remove' as const),
    fc.constant('swap' as const),
    fc.constant('repeat' as const),
  );
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 20 }), fc.nat(), changes, (count, where, change) => {
      const entries = chained(journalStart, noted(count));
      const at = where % (count - 1);
      const entry = entries[at];
      const next = entries[at + 1];
      assert.ok(entry !== undefined && next !== undefined);
      if (change === 'action') entries[at] = { ...entry, action: 'nothing' };
      else if (change === 'details') entries[at] = { ...entry, details: { index: -1 } };
      else if (change === 'remove') entries.splice(at, 1);
      else if (change === 'swap') entries.splice(at, 2, next, entry);
      else entries.splice(at, 0, entry);
      const verifier = startVerifier(undefined);
      for (const each of entries) verifier.take(each);
      const { bad, entries: good } = verifier.verdict();
      // What was repeated is bad where it stands the second time.
      const expected = change === 'repeat' ? at + 1 : change === 'remove' || change === 'swap' ? at + 2 : at + 1;
      assert.equal(bad?.id, expected);
      assert.equal(good, change === 'repeat' ? at + 1 : at);
    }),
  );
});

test('an end that is missing is seen by what was kept apart from it', () => {
  const entries = chained(journalStart, noted(3));
  const [first, second, third] = entries;
  assert.ok(first !== undefined && second !== undefined && third !== undefined);
  const verifier = startVerifier(undefined);
  verifier.take(first);
  verifier.take(second);
  assert.match(verifier.verdict(third).bad?.problem ?? '', /entries up to 3 have been written/);
  assert.equal(verifier.verdict(third).bad?.id, 3);
  assert.equal(verifier.verdict(second).bad, undefined);
});

test('notes are written together, in their order, and read back by what they are about', async () => {
  await using store = openSqliteStore(':memory:');
  const clock = createVirtualClock();
  let transactions = 0;
  const counted: Store = {
    ...store,
    transaction: (change) => {
      transactions += 1;
      return store.transaction(change);
    },
  };
  await using journal = openJournal(counted, clock);
  for (let index = 0; index < 50; index += 1) journal.note(note(`step ${index}`));
  journal.note(note('wake', { kind: 'upkeep', subject: 'ocr', by: 'upkeep' }));
  assert.equal(transactions, 0);
  clock.pass(100);
  await journal.flushed();
  assert.equal(transactions, 1);
  const all = await journal.read({});
  assert.deepEqual(
    all.map(({ action }) => action),
    [...Array.from({ length: 50 }, (_, index) => `step ${index}`), 'wake'],
  );
  assert.deepEqual(
    (await journal.read({ kind: 'upkeep' })).map(({ id }) => id),
    [51],
  );
  assert.deepEqual(await journal.verify(), { entries: 51, last: { id: 51, hash: all[50]?.hash } });
});

test('an entry that belongs to a change is there with it or not at all', async () => {
  await using store = openSqliteStore(':memory:');
  await using journal = openJournal(store, createVirtualClock());
  const failing = store.transaction(async (access) => {
    await journal.append(access, note('scale'));
    throw new Error('the change failed');
  });
  await assert.rejects(failing, /the change failed/);
  await store.transaction(async (access) => {
    await journal.append(access, note('scale again'));
  });
  const entries = await journal.read({});
  assert.deepEqual(
    entries.map(({ id, action }) => [id, action]),
    [[1, 'scale again']],
  );
});

/** A store on a disk that is full for as long as it says so. */
function fillable(store: Store): { full: boolean; readonly store: Store } {
  const state = { full: true };
  const transaction: Store['transaction'] = (change) =>
    state.full ? Promise.reject(new Error('the disk is full')) : store.transaction(change);
  return Object.assign(state, { store: { ...store, transaction } });
}

test('a full disk holds notes back and loses none; when it has room they follow', async () => {
  await using store = openSqliteStore(':memory:');
  const clock = createVirtualClock();
  const disk = fillable(store);
  await using journal = openJournal(disk.store, clock);
  journal.note(note('first'));
  clock.pass(100);
  await journal.flushed();
  journal.note(note('second'));
  disk.full = false;
  clock.pass(1000);
  await journal.flushed();
  assert.deepEqual(
    (await journal.read({})).map(({ action }) => action),
    ['first', 'second'],
  );
});

test('notes beyond what may wait are given up, and an entry says how many', async () => {
  await using store = openSqliteStore(':memory:');
  const clock = createVirtualClock();
  const disk = fillable(store);
  await using journal = openJournal(disk.store, clock);
  for (let index = 0; index < 10_007; index += 1) journal.note(note(`step ${index}`));
  clock.pass(100);
  await journal.flushed();
  disk.full = false;
  clock.pass(1000);
  await journal.flushed();
  const [gap, next] = await journal.read({ limit: 2 });
  assert.deepEqual([gap?.action, gap?.details, next?.action], ['gap', { count: 7 }, 'step 7']);
  assert.equal((await journal.verify()).bad, undefined);
});

test('a pruned journal is verified from its checkpoint on', async () => {
  await using store = openSqliteStore(':memory:');
  const clock = createVirtualClock();
  await using journal = openJournal(store, clock);
  for (let index = 0; index < 30; index += 1) {
    journal.note(note(`step ${index}`));
    clock.pass(1000);
  }
  await journal.flushed();
  await journal.prune({ keepMs: 10_000, entriesMax: 1000 });
  const verdict = await journal.verify();
  assert.equal(verdict.bad, undefined);
  assert.ok((verdict.checkpoint?.id ?? 0) >= 18 && verdict.entries < 13, JSON.stringify(verdict));
  const kept = (await journal.read({})).length;
  await journal.prune({ keepMs: 1e9, entriesMax: 5 });
  assert.ok(kept > 6);
  assert.equal((await journal.read({})).length, 6);
  assert.equal((await journal.verify()).bad, undefined);
});

test('of a pruned journal the checkpoint tells what went, over a restart too, and what is changed after it is found', async () => {
  await using store = openSqliteStore(':memory:');
  const clock = createVirtualClock();
  {
    await using journal = openJournal(store, clock);
    for (let index = 0; index < 30; index += 1) journal.note(note(`step ${index}`));
    await journal.flushed();
    await journal.prune({ keepMs: 1e9, entriesMax: 10 });
  }
  await using again = openJournal(store, clock);
  again.note(note('after the restart'));
  const { bad, checkpoint, entries } = await again.verify();
  assert.deepEqual([bad, checkpoint?.id, entries], [undefined, 20, 12]);
  assert.equal(checkpoint?.retention, 'journal.keepMs 1000000000, journal.entriesMax 10');
  const [first] = await again.read({ limit: 1 });
  assert.equal(first?.before, checkpoint.hash);
  const [prune] = await again.read({ kind: 'journal' });
  assert.partialDeepStrictEqual(prune, { action: 'prune', details: { upTo: 20, hash: checkpoint.hash } });

  // As somebody with the database in his hands could have it: the oldest that is left is gone too.
  const shorter: Store = {
    ...store,
    journal: async (query) => (await store.journal(query)).filter(({ id }) => id !== 21),
  };
  await using robbed = openJournal(shorter, clock);
  assert.equal((await robbed.verify()).bad?.id, 22);
  const moved: Store = {
    ...store,
    transaction: (change) =>
      store.transaction((access) =>
        change({ ...access, journalCheckpoint: async () => ({ ...checkpoint, hash: '0'.repeat(64) }) }),
      ),
  };
  await using forged = openJournal(moved, clock);
  assert.equal((await forged.verify()).bad?.id, 21);
});

test('who waits for an entry has it as soon as it is written', async () => {
  await using store = openSqliteStore(':memory:');
  const clock = createVirtualClock();
  await using journal = openJournal(store, clock);
  const waiting = journal.read({ after: 0, subject: 'digits' }, 5000);
  await new Promise(setImmediate);
  journal.note(note('scale'));
  clock.pass(100);
  assert.deepEqual(
    (await waiting).map(({ action }) => action),
    ['scale'],
  );
});
