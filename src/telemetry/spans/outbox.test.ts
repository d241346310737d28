import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { requestSpan } from '../../testing/request-span.ts';
import { SpanOutbox, type Handed } from './outbox.ts';

const named = (requestId: number) => requestSpan({ requestId: String(requestId) });
const idsOf = ({ spans }: Handed): number[] => spans.map(({ requestId }) => Number(requestId));

test('what a control that died had not settled is handed to the next one again, and what it had settled is not', () => {
  const outbox = new SpanOutbox();
  const first = outbox.take({}, 0);
  for (const id of [1, 2]) outbox.offer(named(id), 1);
  const second = outbox.take({ settled: first.number }, 2);
  assert.deepEqual(idsOf(second), [1, 2]);
  outbox.offer(named(3), 3);
  // Another control, which knows of no answer.
  const third = outbox.take({}, 4);
  assert.deepEqual(idsOf(third), [1, 2, 3]);
  assert.deepEqual(idsOf(outbox.take({ settled: third.number }, 5)), []);
});

test('an answer that did not come in time is given again', () => {
  const outbox = new SpanOutbox();
  const first = outbox.take({}, 0);
  outbox.offer(named(1), 1);
  const late = outbox.take({ settled: first.number }, 2);
  assert.deepEqual(idsOf(outbox.take({ settled: first.number }, 3)), idsOf(late));
});

test('while there is no room for them they wait, within their bound, and the lost are told all the same', () => {
  const outbox = new SpanOutbox();
  outbox.take({}, 0);
  for (let id = 0; id < 2500; id += 1) outbox.offer(named(id), 1);
  assert.deepEqual(outbox.take({ isFull: true }, 2), { number: 1, spans: [], lost: 1000 });
  assert.equal(idsOf(outbox.take({ settled: 1 }, 3))[0], 1000);
});

test('nothing is held for somebody who has never asked, nor for one who has not for two hours', () => {
  const outbox = new SpanOutbox();
  outbox.offer(named(1), 0);
  assert.deepEqual(outbox.take({}, 1).spans, []);
  outbox.offer(named(2), 2);
  outbox.offer(named(3), 7_200_002);
  assert.deepEqual(outbox.take({}, 7_200_003), { number: 2, spans: [], lost: 0 });
});

test('however often control dies, each span is settled once or counted as lost, or still waits', () => {
  const step = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ kind: fc.constant('offer' as const), count: fc.integer({ min: 1, max: 900 }) }),
    },
    { weight: 5, arbitrary: fc.constant({ kind: 'take' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'full' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'dies' as const }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const outbox = new SpanOutbox();
      const settled: number[] = [];
      let held: Handed | undefined = outbox.take({}, 0);
      let offered = 0;
      const take = (): void => {
        if (held !== undefined) settled.push(...idsOf(held));
        held = outbox.take({ settled: held?.number }, 0);
      };
      for (const one of steps) {
        if (one.kind === 'offer')
          for (let index = 0; index < one.count; index += 1) outbox.offer(named((offered += 1)), 0);
        else if (one.kind === 'take') take();
        else if (one.kind === 'full') outbox.take({ isFull: true }, 0);
        else held = undefined;
      }
      do take();
      while ((held?.spans.length ?? 0) > 0);
      assert.equal(new Set(settled).size, settled.length);
      assert.deepEqual(
        settled,
        settled.toSorted((left, right) => left - right),
      );
      assert.equal(settled.length + (held?.lost ?? 0), offered);
    }),
    { numRuns: 100 },
  );
});
