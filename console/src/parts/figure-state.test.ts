import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain, stateOf } from './figure-state.ts';

const now = Date.UTC(2026, 10, 29, 14, 5, 7);

test('absent is never zero, and old is never new', () => {
  assert.equal(stateOf({ value: null, unit: 'ms' }, now), 'absent');
  assert.equal(stateOf({ value: Number.NaN, unit: 'ms' }, now), 'absent');
  assert.equal(stateOf({ value: 0, unit: 'ms', at: now }, now), 'fresh');
  assert.equal(stateOf({ value: 5, unit: 'ms', at: now - 10_001 }, now), 'stale');
  assert.equal(stateOf({ value: 5, unit: 'ms', at: now - 10_001, staleAfterMs: 60_000 }, now), 'fresh');
  assert.equal(stateOf({ value: 5, unit: 'ms', other: 7 }, now), 'contradictory');
  assert.equal(stateOf({ value: 5, unit: 'ms', state: 'stale' }, now), 'stale');
  assert.equal(stateOf({ value: null, unit: 'ms', state: 'stale' }, now), 'absent');
});

test('the card says what, when and from where', () => {
  const at = now - 3000;
  assert.deepEqual(explain({ value: 38, unit: 'ms', at, source: 'the gateways' }, '38 ms', now, 'UTC'), [
    '38 ms.',
    'Measured 14:05:04 UTC, 3 s ago.',
    'From the gateways.',
  ]);
  assert.match(explain({ value: null, unit: 'ms' }, undefined, now, 'UTC')[0] ?? '', /not the same as zero/);
  assert.match(explain({ value: 5, unit: 'ms', other: 7 }, '5 ms', now, 'UTC')[0] ?? '', /5 ms and 7 ms/);
  assert.match(explain({ value: 5, unit: 'ms', at: now - 60_000 }, '5 ms', now, 'UTC')[0] ?? '', /Old.*1 min/);
});
