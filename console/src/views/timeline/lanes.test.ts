import assert from 'node:assert/strict';
import { test } from 'node:test';
import { journalKinds } from '../../../../src/journal/entry.ts';
import type { JournalEntryView } from '../../../../src/api/schemas.ts';
import { bins, causeOf, inLane, kinds, knownSince, laneOf, lanes, markPaths, near, says, shapeOf } from './lanes.ts';

const entryOf = (id: number, at: number, more: Partial<JournalEntryView> = {}): JournalEntryView =>
  ({
    id,
    at,
    kind: 'decision',
    action: '1 → 2',
    subject: 'digits',
    by: 'governor',
    reason: 'load',
    ...more,
  }) as JournalEntryView;

test('every kind of the journal stands in one lane', () => {
  assert.deepEqual([...kinds].sort(), [...journalKinds].sort());
  for (const kind of journalKinds) assert.ok(lanes.some(({ id }) => id === laneOf(kind)));
});

test('what was decided, what went wrong and what is over have shapes of their own', () => {
  for (const [kind, action, shape] of [
    ['decision', '2 → 4', 'up'],
    ['decision', 'advise 4 → 2', 'down'],
    ['decision', 'hold 3', 'hold'],
    ['decision', 'helped', 'check'],
    ['replica', 'ready', 'dot'],
    ['replica', 'failed', 'block'],
    ['upkeep', 'start 2', 'ring'],
    ['halt', 'halt', 'block'],
    ['halt', 'release', 'ring'],
    ['change', 'scale', 'bar'],
    ['alert', '2 fired, 1 resolved', 'block'],
    ['alert', '1 resolved', 'ring'],
    ['condition', 'began', 'block'],
    ['condition', 'ended', 'ring'],
  ] as const)
    assert.equal(shapeOf({ kind, action }), shape, `${kind} ${action}`);
});

test('ten thousand entries are no more elements than there are shapes, and no more marks than there are places', () => {
  const many = Array.from({ length: 10_000 }, (_, index) => entryOf(index + 1, index));
  const drawn = markPaths(many, { from: 0, to: 10_000 }, 400, 10);
  assert.equal(drawn.length, 1);
  assert.ok((drawn[0]?.path.match(/M/g) ?? []).length <= 201);
  assert.deepEqual(markPaths(many, { from: 20_000, to: 30_000 }, 400, 10), []);
});

test('the table counts what the lanes show, each entry once', () => {
  const some = [entryOf(1, 10), entryOf(2, 55, { kind: 'replica' }), entryOf(3, 90, { kind: 'halt' })];
  const rows = bins(some, { from: 0, to: 100 }, 4);
  assert.deepEqual(
    rows.map(({ from, counts }) => [from, counts.decisions, counts.replicas, counts.people, counts.alerts]),
    [
      [75, 0, 0, 1, 0],
      [50, 0, 1, 0, 0],
      [25, 0, 0, 0, 0],
      [0, 1, 0, 0, 0],
    ],
  );
  assert.equal(inLane(some, 'people').length, 1);
});

test('near a moment is what happened within reach of it, the nearest first', () => {
  const some = [entryOf(1, 100), entryOf(2, 140), entryOf(3, 160), entryOf(4, 400)];
  assert.deepEqual(
    near(some, 150, 40).map(({ id }) => id),
    [2, 3],
  );
});

test('a kind of which more was asked for than came is known whole, else from the oldest that came', () => {
  const some = [entryOf(1, 100), entryOf(2, 140)];
  assert.equal(knownSince(some, 200), 0);
  assert.equal(knownSince(some, 2), 100);
});

test('what came of a decision names it, and nothing else is taken for a cause', () => {
  assert.equal(causeOf({ details: { of: 17, from: 1, to: 2 } }), 17);
  for (const details of [undefined, null, 'of 17', { of: 'budget' }, { of: -1 }, { of: 1.5 }])
    assert.equal(causeOf({ details }), undefined);
});

test('a search finds entries that have all of its words', () => {
  const entry = entryOf(17, 0, { reason: 'arrivals doubled' });
  assert.ok(says(entry, 'DIGITS doubled'));
  assert.ok(says(entry, '#17'));
  assert.ok(!says(entry, 'digits halved'));
});
