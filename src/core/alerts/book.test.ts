import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { noteAlerts, type Alert, type AlertBook } from './book.ts';

const alerts: fc.Arbitrary<Alert> = fc.record({
  fingerprint: fc.constantFrom('a', 'b'),
  state: fc.constantFrom('firing' as const, 'resolved' as const),
  labels: fc.constant({}),
  annotations: fc.constant({}),
  startsAt: fc.integer({ min: 1, max: 3 }),
});

const states = (book: AlertBook): unknown =>
  Object.fromEntries([...book].map(([key, { state, startsAt }]) => [key, [state, startsAt]]));

const noteAll = (sequence: readonly Alert[]): AlertBook =>
  sequence.reduce<AlertBook>((book, alert) => noteAlerts(book, 'grafana', [alert], 0).book, new Map());

test('the order in which notifications come does not matter, nor whether they come again', () => {
  fc.assert(
    fc.property(fc.array(alerts, { minLength: 1, maxLength: 12 }), fc.func(fc.integer()), (sequence, rank) => {
      const shuffled = [...sequence, ...sequence].toSorted((left, right) => rank(left) - rank(right));
      assert.deepEqual(states(noteAll(shuffled)), states(noteAll(sequence)));
    }),
  );
});

test('a replay of everything changes nothing', () => {
  fc.assert(
    fc.property(fc.array(alerts, { maxLength: 12 }), (sequence) => {
      const { changes } = noteAlerts(noteAll(sequence), 'grafana', sequence, 0);
      for (const { change } of changes) assert.ok(change === 'repeated' || change === 'outdated');
    }),
  );
});

test('a firing that has been resolved does not come back, a later one fires', () => {
  const one = (state: Alert['state'], startsAt: number): Alert => ({
    fingerprint: 'a',
    state,
    labels: {},
    annotations: {},
    startsAt,
  });
  let book: AlertBook = new Map();
  const changes = [one('resolved', 5), one('firing', 5), one('firing', 5), one('firing', 9), one('resolved', 5)].map(
    (alert) => {
      const noted = noteAlerts(book, 'grafana', [alert], 0);
      book = noted.book;
      return noted.changes[0]?.change;
    },
  );
  assert.deepEqual(changes, ['resolved', 'outdated', 'outdated', 'fired', 'outdated']);
  assert.equal(noteAlerts(book, 'alertmanager', [one('firing', 5)], 0).changes[0]?.change, 'fired');
});

test('the book stays bounded: what is resolved goes before what fires', () => {
  const many = Array.from({ length: 20 }, (_, index): Alert => {
    const state = index % 2 === 0 ? 'firing' : 'resolved';
    return { fingerprint: String(index), state, labels: {}, annotations: {}, startsAt: index };
  });
  const { book } = noteAlerts(new Map(), 'grafana', many, 0, 12);
  assert.equal(book.size, 12);
  assert.equal([...book.values()].filter(({ state }) => state === 'firing').length, 10);
});
