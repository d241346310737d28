import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hear, isTaken, overlapMs, unfenced } from './fence.ts';

test('without a lease everything is taken', () => {
  const standing = hear(hear(unfenced, 0, 0), 0, 5);
  assert.ok(isTaken(standing, 0, 0) && isTaken(standing, 0, 1e9));
});

test('work under the token before is taken for a while, and no longer', () => {
  const standing = hear(hear(unfenced, 3, 0), 5, 1000);
  assert.deepEqual([isTaken(standing, 3, 1000 + overlapMs - 1), isTaken(standing, 3, 1000 + overlapMs)], [true, false]);
  assert.ok(isTaken(standing, 5, 1e12) && isTaken(standing, 6, 1e12));
});

test('whatever is heard in whatever order: the token never falls, hearing it again changes nothing, the highest is taken', () => {
  const words = fc.array(fc.record({ token: fc.nat(9), afterMs: fc.nat(2 * overlapMs) }), { maxLength: 40 });
  fc.assert(
    fc.property(words, (heard) => {
      let standing = unfenced;
      let at = 0;
      for (const { token, afterMs } of heard) {
        at += afterMs;
        const next = hear(standing, token, at);
        assert.ok(next.token >= standing.token && next.token >= token);
        assert.equal(hear(next, token, at + 1), next);
        assert.ok(isTaken(next, next.token, at));
        standing = next;
      }
    }),
  );
});
