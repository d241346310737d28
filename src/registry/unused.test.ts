import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { trackUnused } from './unused.ts';

test('what is never used is due after the grace, what is named never, and asking begins the grace anew', () => {
  const unused = trackUnused(100);
  const named = new Set(['used']);
  assert.deepEqual(unused.due(['used', 'a', 'b'], named, 0), []);
  unused.touch('b', 60);
  assert.deepEqual(unused.due(['used', 'a', 'b'], named, 99), []);
  assert.deepEqual(unused.due(['used', 'a', 'b'], named, 100), ['a']);
  assert.deepEqual(unused.due(['used', 'b'], new Set(['used', 'b']), 200), []);
  // It was used in between: its grace begins when that ends.
  assert.deepEqual(unused.due(['used', 'b'], named, 250), []);
  assert.deepEqual(unused.due(['used', 'b'], named, 350), ['b']);
});

test('safety: nothing is due that was named, put or asked for within the grace', () => {
  const step = fc.record({
    passes: fc.nat(40),
    touch: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
    there: fc.subarray(['a', 'b', 'c']),
    named: fc.subarray(['a', 'b', 'c']),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const unused = trackUnused(50);
      const lastUse = new Map<string, number>();
      let at = 0;
      for (const { passes, touch, there, named } of steps) {
        at += passes;
        if (touch !== undefined) {
          unused.touch(touch, at);
          lastUse.set(touch, at);
        }
        const due = unused.due(there, new Set(named), at);
        for (const digest of named) lastUse.set(digest, at);
        for (const digest of due) {
          assert.ok(there.includes(digest) && !named.includes(digest));
          assert.ok(at - (lastUse.get(digest) ?? Number.NEGATIVE_INFINITY) >= 50, digest);
        }
      }
    }),
  );
});
