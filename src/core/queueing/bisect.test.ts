import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { afterFailedBatch } from './bisect.ts';

test('whatever requests are bad, exactly those fail, everyone else succeeds once, and it costs few calls', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 64 }), (bad) => {
      const ended: number[] = [];
      let calls = 0;
      const open: (readonly number[])[] = [bad.map((_, index) => index)];
      for (let batch = open.shift(); batch !== undefined; batch = open.shift()) {
        calls += 1;
        if (!batch.some((index) => bad[index])) {
          ended.push(...batch);
          continue;
        }
        const next = afterFailedBatch(batch);
        if (next.kind === 'fail') {
          assert.ok(bad[next.item]);
          ended.push(next.item);
        } else open.push(...next.batches);
      }
      assert.deepEqual(
        ended.toSorted((a, b) => a - b),
        bad.map((_, index) => index),
      );
      const culprits = bad.filter(Boolean).length;
      assert.ok(calls <= 1 + 2 * culprits * Math.ceil(Math.log2(bad.length)));
    }),
  );
});
