import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { admit } from './admission.ts';
import { createCostCurve, learnWarmUp } from './cost-curve.ts';
import { RequestQueue } from './queue.ts';

const queueOf = (length: number, lengthMax = 100, priority = 2): RequestQueue => {
  const queue = new RequestQueue({ lengthMax, priorityLevels: 3 });
  for (let index = 0; index < length; index += 1)
    queue.add({ key: 'k', rows: 1, priority, arrivedAt: 0, deadlineAt: 1e9, heapIndex: -1, place: undefined });
  return queue;
};

const curve = createCostCurve();
learnWarmUp(curve, 1, 100, 0);
const capacity = { readyReplicas: 2, cap: 1, rowsInFlight: 2 };
const request = (deadlineAt: number, priority = 2) => ({ rows: 1, priority, deadlineAt, payload: 'tensors' as const });

test('a full queue refuses, and says when half of it will be done', () => {
  assert.deepEqual(admit(queueOf(100), request(1e9), capacity, curve, 0), {
    kind: 'refused',
    code: 'QUEUE_FULL',
    retryAfterSeconds: 3,
  });
});

test('a full queue that waits for a replica says when one comes, as far as that is known', () => {
  const asleep = { readyReplicas: 0, cap: 1, rowsInFlight: 0 };
  for (const [startMs, retryAfterSeconds] of [
    [3200, 4],
    [90_000, 60],
    [undefined, 1],
  ] as const) {
    assert.deepEqual(admit(queueOf(100), request(1e9), { ...asleep, startMs }, curve, 0), {
      kind: 'refused',
      code: 'QUEUE_FULL',
      retryAfterSeconds,
    });
  }
});

test('a wait for a replica refuses nobody, however short the deadline: the start may be quicker than the last', () => {
  const waking = { readyReplicas: 0, cap: 1, rowsInFlight: 0, startMs: 9000 };
  assert.equal(admit(queueOf(5), request(200), waking, curve, 0).kind, 'admitted');
});

test('a wait that does not fit the deadline refuses, and says when it would have fitted', () => {
  // 40 rows and one half-done each on two replicas at 100 ms: 2050 ms, and 100 ms of its own.
  assert.deepEqual(admit(queueOf(40), request(500), capacity, curve, 0), {
    kind: 'refused',
    code: 'OVERLOADED',
    retryAfterSeconds: 2,
    estimateMs: 2150,
  });
  assert.equal(admit(queueOf(40), request(2150), capacity, curve, 0).kind, 'admitted');
});

test('only those who will be served before it count: an urgent request passes a queue of others', () => {
  assert.equal(admit(queueOf(40), request(500, 1), capacity, curve, 0).kind, 'admitted');
});

test('work that takes longer than the deadline on an idle replica is no overload', () => {
  const answer = admit(queueOf(0), request(50), capacity, curve, 0);
  assert.equal(answer.kind === 'refused' && answer.code, 'DEADLINE_EXCEEDED');
});

test('calls that stutter leave room for it at the end of a long queue, not on an idle replica', () => {
  const stuttering = createCostCurve();
  learnWarmUp(stuttering, 1, 100, 0);
  stuttering.tail = 1.4;
  // 2050 ms of wait and a tenth of it, 100 ms of its own and four tenths.
  const answer = admit(queueOf(40), request(2300), capacity, stuttering, 0);
  assert.ok(answer.kind === 'refused' && answer.code === 'OVERLOADED', answer.kind);
  assert.equal(Math.round(answer.estimateMs), 2395);
  assert.equal(admit(queueOf(0), request(110), { ...capacity, rowsInFlight: 0 }, stuttering, 0).kind, 'admitted');
});

test('with nothing measured, nothing fresh or no replica, nobody is refused for the wait', () => {
  assert.equal(admit(queueOf(40), request(1), capacity, createCostCurve(), 0).kind, 'admitted');
  assert.equal(admit(queueOf(40), request(10_001), capacity, curve, 10_000).kind, 'admitted');
  assert.equal(admit(queueOf(40), request(500), { ...capacity, readyReplicas: 0 }, curve, 0).kind, 'admitted');
});

test('a longer deadline, fewer before it or more replicas never turn an admission into a refusal', () => {
  fc.assert(
    fc.property(
      fc.nat(60),
      fc.nat(20),
      fc.integer({ min: 1, max: 8 }),
      fc.nat(5),
      fc.integer({ min: 1, max: 5000 }),
      fc.nat(2000),
      (waiting, fewer, replicas, moreReplicas, withinMs, longer) => {
        const one = admit(queueOf(waiting), request(withinMs), { ...capacity, readyReplicas: replicas }, curve, 0);
        const easier = admit(
          queueOf(Math.max(waiting - fewer, 0)),
          request(withinMs + longer),
          { ...capacity, readyReplicas: replicas + moreReplicas },
          curve,
          0,
        );
        assert.ok(one.kind === 'refused' || easier.kind === 'admitted');
      },
    ),
  );
});
