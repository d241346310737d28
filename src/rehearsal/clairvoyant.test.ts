import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clairvoyantReplicaSeconds, requirement, type BoundTerms } from './clairvoyant.ts';

const terms = (perSecond: readonly number[], said: Partial<BoundTerms> = {}): BoundTerms => ({
  perSecond: Float64Array.from(perSecond),
  serviceSeconds: 0.1,
  latencySeconds: 0.5,
  lagSeconds: 10,
  tolerated: 0,
  min: 0,
  ...said,
});

test('a load that never changes needs its work and hardly more', () => {
  const bound = clairvoyantReplicaSeconds(terms(Array.from({ length: 1000 }, () => 100)));
  assert.ok(bound >= 9900 && bound <= 10_100, `${bound}`);
});

test('a short silence is bridged, a long one is a new start', () => {
  const gap = (length: number): number => {
    const load = Array.from({ length: 300 }, (_, second) => (second >= 100 && second < 100 + length ? 0 : 10));
    return clairvoyantReplicaSeconds(terms(load, { lagSeconds: 90 }));
  };
  assert.ok(Math.abs(gap(50) - 300) < 6, `${gap(50)}`);
  assert.ok(Math.abs(gap(180) - (300 - 180 + 90)) < 6, `${gap(180)}`);
});

test('work that may wait is spread over the slack, and none of it is lost', () => {
  const spread = requirement(terms([0, 10, 0, 0, 0, 0], { latencySeconds: 2.6 }));
  const expected = [0, 1, 1, 1, 0.5, 0].map((share) => share / 3.5);
  for (const [second, share] of expected.entries()) assert.ok(Math.abs((spread[second] ?? 0) - share) < 1e-12);
});

test('it falls with what is tolerated and rises with the lag, the minimum and the load', () => {
  const load = fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 10, maxLength: 200 });
  fc.assert(
    fc.property(load, (load) => {
      const bound = (said: Partial<BoundTerms>, factor = 1): number =>
        clairvoyantReplicaSeconds(
          terms(
            load.map((each) => each * factor),
            said,
          ),
        );
      const plain = bound({});
      assert.ok(bound({ tolerated: 0.05 }) <= plain + 1e-9);
      assert.ok(bound({ lagSeconds: 0 }) <= plain + 1e-9);
      assert.ok(bound({ min: 3 }) >= plain - 1e-9);
      assert.ok(bound({}, 2) >= plain - 1e-9);
      let peak = 0;
      for (const each of requirement(terms(load))) peak = Math.max(peak, each);
      // Nobody needs more than a fleet that stands at the peak, one thin level more or less.
      assert.ok(plain <= (peak + Math.max(peak, 1) / 64) * load.length + 1e-6, `${plain} of ${peak * load.length}`);
    }),
  );
});
