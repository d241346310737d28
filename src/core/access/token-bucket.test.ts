import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fullBucket, shareOf, take, type Rate } from './token-bucket.ts';

const rates = fc.record({
  perSecond: fc.double({ min: 0.01, max: 10_000, noNaN: true }),
  burst: fc.integer({ min: 1, max: 1000 }),
});
const gapsMs = fc.array(fc.double({ min: 0, max: 5000, noNaN: true }), { minLength: 1, maxLength: 200 });

/** Times at which a request was taken, of one request after each gap. */
function takenAt(rate: Rate, gaps: readonly number[]): number[] {
  let bucket = fullBucket(rate, 0);
  let at = 0;
  const taken: number[] = [];
  for (const gap of gaps) {
    at += gap;
    const result = take(bucket, rate, at);
    bucket = result.bucket;
    if (result.kind === 'taken') taken.push(at);
  }
  return taken;
}

test('in any span at most burst + rate × span is taken', () => {
  fc.assert(
    fc.property(rates, gapsMs, (rate, gaps) => {
      const taken = takenAt(rate, gaps);
      for (let from = 0; from < taken.length; from += 1)
        for (let to = from; to < taken.length; to += 1) {
          const seconds = ((taken[to] as number) - (taken[from] as number)) / 1000;
          assert.ok(to - from + 1 <= rate.burst + rate.perSecond * seconds + 0.01);
        }
    }),
  );
});

test('whoever keeps to the rate is never refused', () => {
  fc.assert(
    fc.property(rates, fc.integer({ min: 1, max: 300 }), (rate, count) => {
      const gaps = Array.from({ length: count }, () => 1000 / rate.perSecond);
      assert.equal(takenAt(rate, gaps).length, count);
    }),
  );
});

test('a refusal names the wait after which the next request is taken, and not a moment earlier', () => {
  fc.assert(
    fc.property(rates, gapsMs, (rate, gaps) => {
      let bucket = fullBucket(rate, 0);
      let at = 0;
      for (const gap of gaps) {
        at += gap;
        const result = take(bucket, rate, at);
        bucket = result.bucket;
        if (result.kind === 'taken') continue;
        assert.equal(take(bucket, rate, at + result.retryAfterMs).kind, 'taken');
        if (result.retryAfterMs * rate.perSecond > 1)
          assert.equal(take(bucket, rate, at + result.retryAfterMs * 0.99).kind, 'refused');
      }
    }),
  );
});

test('asking more often never gains more, and a clock that goes back gives nothing', () => {
  const rate = { perSecond: 10, burst: 1 };
  const first = take(fullBucket(rate, 1000), rate, 1000);
  assert.equal(first.kind, 'taken');
  let { bucket } = first;
  for (let at = 1001; at < 1099; at += 1) {
    const result = take(bucket, rate, at);
    assert.equal(result.kind, 'refused');
    bucket = result.bucket;
  }
  assert.equal(take(bucket, rate, 1100).kind, 'taken');
  assert.equal(take(bucket, rate, 0).kind, 'refused');
});

test('the shares of all workers together are within the limit', () => {
  fc.assert(
    fc.property(rates, fc.integer({ min: 1, max: 64 }), (rate, workers) => {
      const share = shareOf(rate, workers);
      assert.ok(share.perSecond * workers <= rate.perSecond * (1 + 1e-9));
      assert.ok(share.burst >= 1 && (rate.burst < workers || share.burst * workers <= rate.burst));
    }),
  );
});
