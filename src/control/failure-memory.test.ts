import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryAt, type Failure } from '../core/upkeep/failures.ts';
import { openSqliteStore } from '../drivers/stores/sqlite.ts';
import { openFailureMemory } from './failure-memory.ts';

/** A process of its own: its monotonic clock began somewhere else, the wall clock is the machine's. */
const clockOf = (now: number, wall: number) => ({ now: () => now, wall: () => wall, after: () => () => {} });
const crash: Failure = { kind: 'death', count: 5, lastAt: 9000, reason: 'exit code 134' };

test('what a control knew of failures, the next one knows, with the wait that is left', async () => {
  await using store = openSqliteStore(':memory:');
  const before = openFailureMemory(store, clockOf(10_000, 1_000_000));
  before.keep('digits', new Map([['2/b', crash]]));
  before.keep('other', new Map([['1/a', { ...crash, kind: 'rejected' }]]));
  await before.flushed();
  // Eight seconds wait, one had passed at the time, two more have since.
  const after = openFailureMemory(store, clockOf(500, 1_002_000));
  const failure = (await after.read('digits')).get('2/b');
  assert.deepEqual({ ...failure, lastAt: 0 }, { ...crash, lastAt: 0 });
  assert.equal(retryAt(failure) - 500, 5000);
  assert.equal((await after.read('other')).get('1/a')?.kind, 'rejected');
  after.keep('digits', new Map());
  await after.flushed();
  assert.equal((await after.read('digits')).size, 0);
  assert.equal((await after.read('other')).size, 1);
});

test('a wall clock that jumps makes nobody wait longer than from the beginning', async () => {
  await using store = openSqliteStore(':memory:');
  const before = openFailureMemory(store, clockOf(10_000, 10_000_000));
  before.keep('digits', new Map([['2/b', crash]]));
  await before.flushed();
  const waits = await Promise.all(
    [-3_600_000, 0, 3_600_000].map(async (jump) => {
      const failures = await openFailureMemory(store, clockOf(500, 10_000_000 + jump)).read('digits');
      return Math.max(0, retryAt(failures.get('2/b')) - 500);
    }),
  );
  assert.deepEqual(waits, [8000, 7000, 0]);
});
