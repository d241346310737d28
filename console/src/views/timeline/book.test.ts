import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JournalEntryView } from '../../../../src/api/schemas.ts';
import { openBook, pagesMax, type AskJournal, type Book, type Filter } from './book.ts';

const entryOf = (id: number): JournalEntryView =>
  ({
    id,
    at: 1_000_000 + id * 10,
    kind: id % 3 === 0 ? 'decision' : 'replica',
    subject: id % 2 === 0 ? 'even' : 'odd',
    action: `act ${id}`,
    by: 'upkeep',
    reason: '',
  }) as JournalEntryView;

/** A journal of so many entries, none of which is made before it is asked for. */
function journalOf(count: () => number): { readonly ask: AskJournal; readonly most: () => number } {
  let most = 0;
  const ask: AskJournal = async (query) => {
    await Promise.resolve();
    const { subject, kind, after = 0, before = Infinity, since = 0, until = Infinity, limit = 100, order } = query;
    for (const bound of [after, before, since, until]) assert.ok(Number(bound) >= 0, 'as the API takes it');
    const isNewest = order === 'newest';
    const low = Math.max(Number(after), Math.ceil((Number(since) - 1_000_000) / 10) - 1, 0) + 1;
    const high = Math.min(Number(before) - 1, count(), Math.floor((Number(until) - 1_000_000) / 10));
    const found: JournalEntryView[] = [];
    for (
      let id = isNewest ? high : low;
      id >= low && id <= high && found.length < Number(limit);
      id += isNewest ? -1 : 1
    ) {
      const entry = entryOf(id);
      if ((subject ?? entry.subject) === entry.subject && (kind ?? entry.kind) === entry.kind) found.push(entry);
    }
    most = Math.max(most, found.length);
    return found;
  };
  return { ask, most: () => most };
}

const quiet = async (): Promise<void> => {
  for (let turns = 0; turns < 50; turns += 1) await Promise.resolve();
};

async function opened(count: () => number, filter: Partial<Filter> = {}, seesAll = true): Promise<Book> {
  const { ask } = journalOf(count);
  const book = openBook({
    ask,
    filter: { since: 0, ...filter },
    seesAll,
    signal: new AbortController().signal,
    changed: () => undefined,
    failed: (error) => assert.fail(String(error)),
  });
  await quiet();
  return book;
}

test('of a million entries any page is one question away, and few are held whatever is scrolled through', async () => {
  const book = await opened(() => 1_000_000);
  assert.equal(book.count, 1_000_000);
  book.want(999_980, 1_000_000);
  await quiet();
  assert.equal(book.row(999_999)?.id, 1, 'the last row is the first entry');
  for (let from = 0; from < 1_000_000; from += 9_973) {
    book.want(from, from + 40);
    await quiet();
    for (let row = from; row < Math.min(from + 40, 1_000_000); row += 1)
      assert.equal(book.row(row)?.id, 1_000_000 - row);
    assert.ok(book.pagesHeld <= pagesMax);
  }
});

test('with a filter pages follow one another to the end, none is missing and none comes twice', async () => {
  for (const [filter, seesAll] of [
    [{ subject: 'even' }, true],
    [{ kind: 'decision' }, true],
    [{}, false],
  ] as const) {
    const book = await opened(() => 1234, filter, seesAll);
    for (let turns = 0; book.isOpenEnded && turns < 50; turns += 1) {
      book.want(book.count - 20, book.count);
      await quiet();
    }
    const expected = Array.from({ length: 1234 }, (_, index) => entryOf(1234 - index)).filter(
      ({ subject, kind }) =>
        (('subject' in filter ? filter.subject : undefined) ?? subject) === subject &&
        (('kind' in filter ? filter.kind : undefined) ?? kind) === kind,
    );
    assert.equal(book.count, expected.length);
    assert.deepEqual(
      Array.from({ length: book.count }, (_, index) => book.row(index)?.id),
      expected.map(({ id }) => id),
    );
  }
});

test('a page that was dropped is asked for again from where it began', async () => {
  const book = await opened(() => 20_000, { subject: 'odd' });
  while (book.isOpenEnded) {
    book.want(book.count - 20, book.count);
    await quiet();
  }
  assert.equal(book.count, 10_000);
  assert.equal(book.row(0), undefined, 'it is held no longer');
  book.want(0, 20);
  await quiet();
  assert.equal(book.row(0)?.id, 19_999);
  assert.ok(book.pagesHeld <= pagesMax);
});

test('what the stream tells waits until it is taken, and then nothing is missing between', async () => {
  let count = 150;
  const book = await opened(() => count);
  book.want(0, 20);
  await quiet();
  count = 400;
  // The stream keeps only the newest.
  book.tell(Array.from({ length: 50 }, (_, index) => entryOf(351 + index)));
  assert.deepEqual([book.count, book.row(0)?.id], [150, 150], 'the rows stand still');
  assert.equal(book.pending, 50);
  book.take();
  assert.deepEqual([book.count, book.row(0)?.id, book.pending], [400, 400, 0]);
  book.want(0, 400);
  await quiet();
  assert.deepEqual(
    Array.from({ length: 400 }, (_, index) => book.row(index)?.id),
    Array.from({ length: 400 }, (_, index) => 400 - index),
  );
});

test('a filter lets only what fits through from the stream, and a slice that has ended takes nothing', async () => {
  const book = await opened(() => 10, { subject: 'even' });
  book.tell([11, 12, 13, 14].map(entryOf));
  book.take();
  assert.deepEqual([book.row(0)?.id, book.row(1)?.id, book.row(2)?.id], [14, 12, 10]);
  const past = await opened(() => 10, { until: 1_000_050 });
  past.tell([entryOf(11)]);
  assert.deepEqual([past.count, past.pending], [5, 0]);
});

test('a search goes further back page by page, and ends at what is kept', async () => {
  const book = await opened(() => 1_000_000);
  while (book.older(4)) await quiet();
  assert.ok(book.held().length <= pagesMax * 100);
  assert.ok(book.held().length >= (pagesMax - 1) * 100);
  const short = await opened(() => 90);
  assert.equal(short.older(10), true);
  await quiet();
  assert.equal(short.older(10), false);
  assert.equal(short.held().length, 90);
});

test('an empty slice is known to be empty', async () => {
  const book = await opened(() => 10, { since: 5_000_000 });
  assert.deepEqual([book.isStarted, book.count], [true, 0]);
  book.tell([entryOf(400_001)]);
  book.take();
  assert.deepEqual([book.count, book.row(0)?.id], [1, 400_001]);
});
