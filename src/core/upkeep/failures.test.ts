import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { backOffMaxMs, delayMs, livedMs, noteFailure, noteReady, retryAt, type Failure } from './failures.ts';

const death = (at: number, readyForMs = 0): Parameters<typeof noteFailure>[1] => ({
  kind: 'death',
  at,
  readyForMs,
  reason: 'exit code 1',
});

test('the first death is replaced at once, the next after 1 s, 2 s, 4 s', () => {
  let failure: Failure | undefined;
  const delays = [0, 1, 2, 3].map((at) => delayMs((failure = noteFailure(failure, death(at)))));
  assert.deepEqual(delays, [0, 1000, 2000, 4000]);
});

test('a failed load waits 1 s from the first time on', () => {
  const failure = noteFailure(undefined, { kind: 'load', at: 500, readyForMs: 0, reason: 'no such operator' });
  assert.equal(retryAt(failure), 1500);
});

test('a replica that lived starts the count again', () => {
  let failure = noteFailure(undefined, death(0));
  for (let at = 1; at < 6; at++) failure = noteFailure(failure, death(at));
  assert.equal(delayMs(noteFailure(failure, death(9, livedMs))), 0);
});

test('becoming ready proves the load, and forgives no early death', () => {
  assert.equal(noteReady({ kind: 'load', count: 3, lastAt: 0, reason: '' }), undefined);
  const crash: Failure = { kind: 'death', count: 3, lastAt: 0, reason: '' };
  assert.equal(noteReady(crash), crash);
});

test('delays never shrink while failures of a kind follow each other, and stay within a minute', () => {
  fc.assert(
    fc.property(fc.constantFrom('load' as const, 'death' as const), fc.integer({ min: 1, max: 200 }), (kind, times) => {
      let failure: Failure | undefined;
      let before = 0;
      for (let at = 0; at < times; at++) {
        failure = noteFailure(failure, { kind, at, readyForMs: 0, reason: '' });
        assert.ok(delayMs(failure) >= before);
        before = delayMs(failure);
      }
      assert.ok(before <= backOffMaxMs);
    }),
  );
});
