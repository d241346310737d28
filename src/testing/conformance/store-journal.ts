/** What every store must do. Of the journal and of rehearsals: what was decided, and what was tried before. */
import assert from 'node:assert/strict';
import { journalStart } from '../../journal/entry.ts';
import type { Store } from '../../store/store.ts';
import { entriesOf, rehearsalOf } from './store-records.ts';
import { withCode, type StoreCheck } from './store-check.ts';

export function journalChecks(check: StoreCheck): void {
  check('journal entries stay as they were written, in order, and are found again', async (store, reopen) => {
    const written = entriesOf(journalStart, ['digits', 'ocr', 'digits']);
    await store().appendJournal(written.slice(0, 2));
    await store().appendJournal(written.slice(2));
    await reopen();
    assert.deepEqual(await store().journal(), written);
    assert.deepEqual(await store().journalHead(), { id: 3, hash: written[2]?.hash });
    assert.deepEqual(await store().journalEntry(2), written[1]);
    assert.equal(await store().journalEntry(4), undefined);
    const idsOf = async (query: Parameters<Store['journal']>[0]) => (await store().journal(query)).map(({ id }) => id);
    assert.deepEqual(await idsOf({ subject: 'digits' }), [1, 3]);
    assert.deepEqual(await idsOf({ kind: 'upkeep' }), []);
    assert.deepEqual(await idsOf({ after: 1, limit: 1 }), [2]);
    assert.deepEqual(await idsOf({ newestFirst: true, limit: 2 }), [3, 2]);
    assert.deepEqual(await idsOf({ since: 102, until: 102 }), [2]);
    assert.deepEqual(await idsOf({ after: 1, before: 3 }), [2]);
    assert.deepEqual(await idsOf({ subjects: ['ocr', 'none'] }), [2]);
    assert.deepEqual(await idsOf({ subjects: ['ocr', 'digits'], newestFirst: true, limit: 2 }), [3, 2]);
    assert.deepEqual(await idsOf({ subjects: ['ocr'], subject: 'digits' }), []);
    assert.deepEqual(await idsOf({ subjects: [] }), []);
  });

  check('a journal entry that does not follow the last one is refused, with all that came with it', async (store) => {
    const [first, second, third] = entriesOf(journalStart, ['a', 'b', 'c']);
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    await store().appendJournal([first]);
    await assert.rejects(store().appendJournal([second, first]), withCode('CONFLICT'));
    await assert.rejects(store().appendJournal([third]), withCode('CONFLICT'));
    await assert.rejects(store().appendJournal([{ ...second, before: third.hash }]), withCode('CONFLICT'));
    assert.deepEqual(await store().journal(), [first]);
    await store().appendJournal([second]);
  });

  check('a pruned journal keeps where its chain goes on, and its numbers', async (store, reopen) => {
    const written = entriesOf(journalStart, ['a', 'b', 'c', 'd']);
    await store().appendJournal(written);
    assert.equal(await store().journalBefore({ at: 101, keep: 10 }), undefined);
    assert.equal((await store().journalBefore({ at: 103, keep: 10 }))?.id, 2);
    assert.equal((await store().journalBefore({ at: 0, keep: 1 }))?.id, 3);
    assert.equal((await store().journalBefore({ at: 999, keep: 10 }))?.id, 4);
    const checkpoint = { id: 4, hash: written[3]?.hash ?? '', lastAt: 104, at: 200, retention: 'a day' };
    await store().pruneJournal(checkpoint);
    await reopen();
    assert.deepEqual([await store().journal(), await store().journalCheckpoint()], [[], checkpoint]);
    const head = await store().journalHead();
    await store().appendJournal(entriesOf(head, ['e']));
    assert.equal((await store().journal())[0]?.id, 5);
  });

  check('rehearsals are found again, newest first, and the oldest go', async (store, reopen) => {
    const written = [rehearsalOf('a', 'digits', 1), rehearsalOf('b', 'ocr', 3), rehearsalOf('c', 'digits', 2)];
    for (const record of written) await store().putRehearsal(record);
    await reopen();
    const idsOf = async (query: Parameters<Store['rehearsals']>[0]) =>
      (await store().rehearsals(query)).map(({ id }) => id);
    assert.deepEqual(await store().rehearsal('c'), written[2]);
    assert.equal(await store().rehearsal('d'), undefined);
    assert.deepEqual(await idsOf(undefined), ['b', 'c', 'a']);
    assert.deepEqual(await idsOf({ deployment: 'digits', limit: 1 }), ['c']);
    assert.deepEqual(await idsOf({ before: 'b' }), ['c', 'a']);
    assert.deepEqual(await idsOf({ before: 'none' }), []);
    assert.deepEqual(await idsOf({ deployments: ['ocr'] }), ['b']);
    // Made again: the same one, of now.
    await store().putRehearsal(rehearsalOf('a', 'digits', 9));
    assert.deepEqual(await idsOf({}), ['a', 'b', 'c']);
    await store().pruneRehearsals(2);
    await reopen();
    assert.deepEqual(await idsOf({}), ['a', 'b']);
  });
}
