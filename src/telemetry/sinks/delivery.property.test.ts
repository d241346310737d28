import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Delivery, type DeliveryLimits, type Outcome } from './delivery.ts';

const limitsOf: fc.Arbitrary<DeliveryLimits> = fc.record({
  bytesMax: fc.integer({ min: 1, max: 400 }),
  itemsMax: fc.integer({ min: 1, max: 30 }),
  batchBytesMax: fc.integer({ min: 1, max: 200 }),
  batchItemsMax: fc.integer({ min: 1, max: 12 }),
  batchAgeMs: fc.integer({ min: 0, max: 50 }),
  backOffMinMs: fc.integer({ min: 1, max: 20 }),
  backOffMaxMs: fc.integer({ min: 20, max: 200 }),
});

const outcomeOf: fc.Arbitrary<Outcome> = fc.oneof(
  fc.constant<Outcome>({ kind: 'accepted' }),
  fc.record({ kind: fc.constant('partial' as const), refused: fc.integer({ min: -2, max: 20 }), why: fc.string() }),
  fc.constant<Outcome>({ kind: 'refused', why: 'bad' }),
  fc.constant<Outcome>({ kind: 'too large', why: '413' }),
  fc.record({
    kind: fc.constant('failed' as const),
    why: fc.string(),
    retryAfterMs: fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined }),
  }),
);

const eventOf = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('offer' as const), bytes: fc.integer({ min: 1, max: 60 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('look' as const), flush: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      outcome: outcomeOf,
      chance: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 120 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('close' as const) }) },
);

test('whatever comes: within its bounds, nothing lost unseen, each once, in the order of the offers', () => {
  fc.assert(
    fc.property(limitsOf, fc.array(eventOf, { maxLength: 150 }), (limits, events) => {
      const delivery = new Delivery<number>(limits);
      let at = 0;
      let offered = 0;
      let sending: readonly number[] | undefined;
      const taken: number[] = [];
      for (const event of events) {
        if (event.kind === 'pass') at += event.ms;
        if (event.kind === 'offer') delivery.offer((offered += 1), event.bytes, at);
        if (event.kind === 'close' && sending === undefined) delivery.close();
        if (event.kind === 'look') {
          const step = delivery.next(at, event.flush);
          if (step.kind === 'wait') assert.ok(step.until > at, 'a wait lies ahead');
          if (step.kind === 'send') {
            assert.equal(sending, undefined, 'one batch at a time');
            assert.ok(step.values.length > 0 && step.values.length <= limits.batchItemsMax);
            assert.ok(step.values.length === 1 || step.bytes <= limits.batchBytesMax);
            sending = step.values;
          }
        }
        if (event.kind === 'end' && sending !== undefined) {
          const { outcome } = event;
          delivery.ended(outcome, at, event.chance);
          if (outcome.kind === 'accepted' || outcome.kind === 'partial') taken.push(...sending);
          if (outcome.kind === 'failed') {
            const step = delivery.next(at, true);
            if (step.kind === 'send') sending = step.values;
            else {
              sending = undefined;
              const { retryAfterMs = 0 } = outcome;
              if (step.kind === 'wait') assert.ok(step.until - at >= Math.max(retryAfterMs, limits.backOffMinMs / 2));
            }
          } else sending = undefined;
        }
        const counts = delivery.counts();
        assert.ok(counts.waitingBytes <= limits.bytesMax && counts.waiting <= limits.itemsMax);
        assert.equal(counts.waitingBytes === 0, counts.waiting === 0);
        const dropped = Object.values(counts.dropped).reduce((sum, count) => sum + count, 0);
        assert.equal(counts.offered, offered);
        assert.equal(counts.sent + dropped + counts.waiting, offered);
      }
      assert.deepEqual(
        taken,
        [...new Set(taken)].toSorted((left, right) => left - right),
      );
    }),
    { numRuns: 500 },
  );
});

test('a receiver that takes what it may in the end gets everything that there was room for', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 40, max: 200 }),
      fc.infiniteStream(fc.boolean()),
      (sizes, receiverBytesMax, failing) => {
        const delivery = new Delivery<number>({
          bytesMax: 10_000,
          itemsMax: 100,
          batchBytesMax: 1000,
          batchItemsMax: 20,
          batchAgeMs: 10,
          backOffMinMs: 5,
          backOffMaxMs: 40,
        });
        let at = 0;
        const got: number[] = [];
        for (const bytes of sizes) delivery.offer(bytes, bytes, at);
        for (let turn = 0; delivery.counts().waiting > 0; turn += 1) {
          assert.ok(turn < 2000, 'it comes to an end');
          const step = delivery.next(at);
          if (step.kind === 'wait') at = step.until;
          if (step.kind !== 'send') continue;
          const isTooLarge = step.bytes > receiverBytesMax;
          const failed = !isTooLarge && turn < 30 && failing.next().value === true;
          if (!isTooLarge && !failed) got.push(...step.values);
          const kind = isTooLarge ? 'too large' : failed ? 'failed' : 'accepted';
          delivery.ended(kind === 'accepted' ? { kind } : { kind, why: '' }, at, 0.5);
        }
        assert.deepEqual(got, sizes);
      },
    ),
  );
});
