import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  backOffMs,
  isLive,
  isSilent,
  next,
  opening,
  silentMs,
  type Connection,
  type ConnectionEvent,
} from './connection.ts';

const lost = (at: number): ConnectionEvent => ({ kind: 'lost', at, chance: 1 });

test('a lost connection waits twice as long each time, and begins anew once it was there', () => {
  let state: Connection = next(opening, { kind: 'opened', at: 0 });
  assert.ok(isLive(state));
  const waits: number[] = [];
  for (let attempt = 0; attempt < 8; attempt += 1) {
    state = next(state, lost(1000));
    assert.equal(state.kind, 'waiting');
    waits.push(state.kind === 'waiting' ? state.until - 1000 : 0);
    state = next(state, { kind: 'due' });
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  state = next(next(state, { kind: 'opened', at: 5000 }), lost(6000));
  assert.deepEqual(state, { kind: 'waiting', attempt: 1, until: 6500, lostAt: 6000 });
});

test('chance spreads those who come back, within half of the wait', () => {
  fc.assert(
    fc.property(fc.nat(100), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, chance) => {
      const ms = backOffMs(attempt, chance);
      assert.ok(ms >= 250 && ms <= 30_000);
    }),
  );
});

test('silence is taken for loss only while connected', () => {
  const connected = next(next(opening, { kind: 'opened', at: 0 }), { kind: 'heard', at: 1000 });
  assert.equal(isSilent(connected, 1000 + silentMs), false);
  assert.equal(isSilent(connected, 1001 + silentMs), true);
  assert.equal(isSilent(opening, 1_000_000), false);
});

test('a hidden page rests, one that is shown opens, and one that was refused does neither', () => {
  assert.deepEqual(next({ kind: 'hidden' }, { kind: 'shown' }), opening);
  assert.deepEqual(next(opening, { kind: 'hidden' }), { kind: 'hidden' });
  assert.deepEqual(next({ kind: 'hidden' }, lost(0)), { kind: 'hidden' });
  assert.deepEqual(next({ kind: 'refused' }, { kind: 'shown' }), { kind: 'refused' });
  assert.deepEqual(next({ kind: 'refused' }, { kind: 'hidden' }), { kind: 'refused' });
  assert.deepEqual(next({ kind: 'refused' }, { kind: 'retry' }), { kind: 'opening', attempt: 0 });
});
