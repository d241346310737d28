import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { afterPress, sorted, sortingOf, unsorted } from './sorting.ts';

test('a heading is pressed three times: up, down, as it was; another one begins anew', () => {
  const first = afterPress(unsorted, 'p99');
  assert.deepEqual(first, { sort: 'p99', way: undefined });
  const second = afterPress(sortingOf({ sort: 'p99' }), 'p99');
  assert.deepEqual(second, { way: 'down', sort: 'p99' });
  assert.deepEqual(afterPress(sortingOf({ sort: 'p99', way: 'down' }), 'p99'), { sort: undefined, way: undefined });
  assert.deepEqual(afterPress(sortingOf({ sort: 'p99', way: 'down' }), 'cost'), { sort: 'cost', way: undefined });
});

const rows = fc.array(fc.option(fc.integer(), { nil: null }));

test('sorted: the same rows, each way in order, and what is not known last', () => {
  fc.assert(
    fc.property(rows, fc.boolean(), (given, descending) => {
      const found = sorted(given, (value) => value, descending);
      const known = found.filter((value) => value !== null);
      assert.deepEqual(
        known,
        given.filter((value) => value !== null).toSorted((one, other) => (descending ? other - one : one - other)),
      );
      assert.ok(found.slice(known.length).every((value) => value === null));
      assert.equal(found.length, given.length);
      assert.equal(sorted(given, undefined, descending), given);
    }),
  );
});
