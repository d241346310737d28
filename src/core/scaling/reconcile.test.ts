import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { reconcile, type Outcome } from './reconcile.ts';
import { observe } from '../../testing/observations.ts';

const proposed = (policy: string, target: number, doubt?: string): Outcome => ({
  kind: 'proposed',
  policy,
  proposal: { target, reason: () => `${policy} says ${target}`, doubt },
});
const seen = observe({ fleet: { target: 5 }, max: 20 });

test('what is no count, fails or takes too long is contained, the fallback stands, and it is told', () => {
  const wrong: Outcome[] = [
    ...[Number.NaN, -1, 1e9, 2.5, Number.POSITIVE_INFINITY].map((target) => proposed('slo', target)),
    { kind: 'threw', policy: 'slo', message: 'out of range' },
    { kind: 'late', policy: 'slo', tookMs: 912.3 },
  ];
  for (const outcome of wrong) {
    const wish = reconcile([outcome, proposed('thresholds', 7)], [], [], seen);
    assert.deepEqual([wish.target, wish.by, wish.unsound.length], [7, 'thresholds', 1]);
    assert.match(wish.unsound[0] ?? '', /^slo /u);
    const alone = reconcile([outcome], [], [], seen);
    assert.deepEqual([alone.target, alone.by, alone.doubt], [5, 'held', 'no policy gave a sound answer']);
  }
});

test('a floor raises and never lowers', () => {
  assert.equal(reconcile([proposed('slo', 4)], [proposed('cron', 8)], [], seen).target, 8);
  assert.equal(reconcile([proposed('slo', 9)], [proposed('cron', 8)], [], seen).by, 'slo');
});

test('in doubt nothing is lowered, and a claim says who it is', () => {
  const wish = reconcile([proposed('slo', 2, 'the load is not known')], [], [], seen);
  assert.deepEqual([wish.target, wish.reason()], [5, 'the load is not known: nothing is lowered']);
  const claimed = reconcile([proposed('slo', 2)], [], [{ by: 'release 12', min: 6 }], seen);
  assert.deepEqual([claimed.target, claimed.reason()], [6, 'release 12 keeps it at least 6, 2 asked for']);
});

test('whatever the policies do, the wish is a count, and with a doubt it is no lower than what is held', () => {
  const outcomes = fc.oneof(
    fc
      .tuple(fc.double(), fc.option(fc.string(), { nil: undefined }))
      .map(([target, doubt]) => proposed('a', target, doubt)),
    fc
      .tuple(fc.nat(40), fc.option(fc.string(), { nil: undefined }))
      .map(([target, doubt]) => proposed('b', target, doubt)),
    fc.string().map((message): Outcome => ({ kind: 'threw', policy: 'c', message })),
  );
  fc.assert(
    fc.property(fc.array(outcomes), fc.array(outcomes), (lead, floors) => {
      const { target, doubt } = reconcile(lead, floors, [], seen);
      assert.ok(Number.isInteger(target) && target >= 0);
      if (doubt !== undefined) assert.ok(target >= 5);
    }),
  );
});
