import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formBatch, type BatchTerms, type PayloadTicket } from './batch.ts';
import { computeMs, createCostCurve, learnWarmUp, serviceMs, type CostCurve } from './cost-curve.ts';
import { RequestQueue } from './queue.ts';

interface Item extends PayloadTicket {
  readonly id: number;
}

let nextId = 0;
const item = (fields: Partial<Item> = {}): Item => ({
  id: (nextId += 1),
  key: 'k',
  rows: 1,
  priority: 2,
  arrivedAt: 0,
  deadlineAt: 1000,
  payload: 'tensors',
  heapIndex: -1,
  place: undefined,
  ...fields,
});

const terms = (fields: Partial<BatchTerms> = {}): BatchTerms => ({
  readyReplicas: 1,
  cap: 8,
  delayMs: 0,
  batchable: true,
  curve: createCostCurve(),
  aheadMs: 0,
  ...fields,
});

const queueOf = (...items: Item[]): RequestQueue<Item> => {
  const queue = new RequestQueue<Item>({ lengthMax: 100, priorityLevels: 3 });
  for (const one of items) assert.ok(queue.add(one));
  return queue;
};

const curveOf = (...points: [rows: number, ms: number][]): CostCurve => {
  const curve = createCostCurve();
  for (const [rows, ms] of points) learnWarmUp(curve, rows, ms, 0);
  return curve;
};

test('a batch is what waits, up to the cap, urgent first and in order of arrival within a priority', () => {
  const [a, b, c, d] = [item(), item({ priority: 1 }), item({ priority: 3 }), item()];
  const queue = queueOf(a, b, c, d);
  assert.deepEqual(formBatch(queue, terms({ cap: 3 }), 0).items, [b, a, d]);
  assert.equal(queue.length, 1);
});

test('replicas share what waits, so that the one that is free first leaves the others their part', () => {
  const queue = queueOf(...Array.from({ length: 7 }, () => item()));
  assert.equal(formBatch(queue, terms({ readyReplicas: 2 }), 0).items.length, 4);
  assert.equal(formBatch(queue, terms({ readyReplicas: 2 }), 0).items.length, 2);
});

test('only requests of the same key share a call, and the others keep their turn', () => {
  const [a, b, c] = [item({ key: 'x' }), item({ key: 'y' }), item({ key: 'x' })];
  const queue = queueOf(a, b, c);
  assert.deepEqual(formBatch(queue, terms(), 0).items, [a, c]);
  assert.deepEqual(formBatch(queue, terms(), 0).items, [b]);
});

test('rows count, not requests, and a request of more rows than the cap runs alone', () => {
  const [a, b, c] = [item({ rows: 5 }), item({ rows: 3 }), item()];
  assert.deepEqual(formBatch(queueOf(a, b, c), terms(), 0).items, [a, b]);
  const large = item({ rows: 20 });
  assert.deepEqual(formBatch(queueOf(large, item()), terms(), 0).items, [large]);
});

test('a model that does not batch takes one request a call', () => {
  const queue = queueOf(item({ rows: 4 }), item());
  assert.equal(formBatch(queue, terms({ batchable: false }), 0).items.length, 1);
});

test('with a delay, a batch that is not full waits for company until its oldest member has waited long enough', () => {
  const queue = queueOf(item({ arrivedAt: 10 }), item({ arrivedAt: 12, priority: 1 }));
  assert.equal(formBatch(queue, terms({ delayMs: 5 }), 13).waitUntil, 15);
  assert.equal(formBatch(queue, terms({ delayMs: 5, cap: 2 }), 13).items.length, 2);
});

test('the wait for company ends early enough for the most pressing deadline', () => {
  const queue = queueOf(item({ deadlineAt: 50 }));
  assert.equal(formBatch(queue, terms({ delayMs: 100, curve: curveOf([1, 10]) }), 0).waitUntil, 40);
});

test('what cannot be done in the time that is left is not started', () => {
  const [late, fine] = [item({ deadlineAt: 15 }), item({ deadlineAt: 25 })];
  const { items, hopeless } = formBatch(queueOf(late, fine), terms({ curve: curveOf([1, 20]) }), 0);
  assert.deepEqual([items, hopeless], [[fine], [late]]);
});

test('nobody joins a batch that would make a member late', () => {
  const [tight, other] = [item({ deadlineAt: 15 }), item()];
  const { items, hopeless } = formBatch(queueOf(tight, other), terms({ curve: curveOf([1, 10], [2, 20]) }), 0);
  assert.deepEqual([items, hopeless], [[tight], []]);
});

test('while others wait, work that would probably end too late leaves its place to them; alone it is tried', () => {
  const curve = curveOf([1, 20]);
  curve.tail = 1.5;
  const [edge, fine] = [item({ deadlineAt: 25 }), item({ deadlineAt: 35 })];
  const { items, hopeless } = formBatch(queueOf(edge, fine), terms({ curve }), 0);
  assert.deepEqual([items, hopeless], [[fine], [edge]]);
  const last = item({ deadlineAt: 25 });
  assert.deepEqual(formBatch(queueOf(last), terms({ curve }), 0).items, [last]);
});

test('what the replica still has to do counts against the deadline too', () => {
  const late = item({ deadlineAt: 25 });
  assert.deepEqual(formBatch(queueOf(late), terms({ curve: curveOf([1, 20]), aheadMs: 6 }), 0).hopeless, [late]);
});

test('an estimate that is stale refuses nothing, or a slow phase would never be found to be over', () => {
  const late = item({ deadlineAt: 10_010 });
  assert.deepEqual(formBatch(queueOf(late), terms({ curve: curveOf([1, 20]) }), 10_000).items, [late]);
});

/* The same rules, written down a second time in the dumbest way: one array, sorted and filtered at each step. */
function naiveFormBatch(waiting: Item[], t: BatchTerms, at: number): { items: Item[]; hopeless: Item[] } {
  const order = (): Item[] => waiting.toSorted((a, b) => a.priority - b.priority || a.id - b.id);
  const drop = (one: Item): void => void waiting.splice(waiting.indexOf(one), 1);
  const needs = (one: Item, rows: number): number => serviceMs(t.curve, rows, one.payload, at) ?? 0;
  const late = (one: Item, rows: number, factor: number, due = one.deadlineAt): boolean => {
    const ms = serviceMs(t.curve, rows, one.payload, at);
    return ms !== undefined && at + t.aheadMs + ms * factor > due;
  };
  const hopeless = waiting.filter((one) => one.deadlineAt <= at);
  hopeless.forEach(drop);
  for (const one of order()) {
    const pressed = waiting.length > 1 ? t.curve.tail : 1;
    if (!late(one, one.rows, pressed)) break;
    hopeless.push(one);
    drop(one);
  }
  const [first] = order();
  if (first === undefined) return { items: [], hopeless };
  const like = order().filter((one) => one.key === first.key);
  const likeRows = like.reduce((sum, one) => sum + one.rows, 0);
  const alone = !t.batchable || first.rows === 0 || first.rows >= t.cap;
  if (!alone && t.delayMs > 0 && likeRows < t.cap) {
    const oldest = Math.min(...like.map((one) => one.arrivedAt));
    const pressing = Math.min(...waiting.map((one) => one.deadlineAt)) - needs(first, likeRows);
    if (Math.min(oldest + t.delayMs, pressing) > at) return { items: [], hopeless };
  }
  const waitingRows = waiting.reduce((sum, one) => sum + one.rows, 0);
  const share = Math.min(t.cap, Math.ceil(waitingRows / Math.max(t.readyReplicas, 1)));
  const items: Item[] = [];
  const tail = waiting.length > 1 ? t.curve.tail : 1;
  for (const one of alone ? [first] : like) {
    const rows = items.reduce((sum, member) => sum + member.rows, 0) + one.rows;
    if (one !== first) {
      if (rows > share) break;
      if (late(one, one.rows, tail)) {
        hopeless.push(one);
        drop(one);
        continue;
      }
      if ([...items, one].some((member) => late(one, rows, t.curve.tail, member.deadlineAt))) break;
    }
    items.push(one);
    drop(one);
  }
  return { items, hopeless };
}

const command = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('arrive' as const),
      key: fc.constantFrom('x', 'y', 'z'),
      rows: fc.constantFrom(0, 1, 1, 1, 2, 5, 20),
      priority: fc.integer({ min: 1, max: 3 }),
      withinMs: fc.integer({ min: 0, max: 60 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hangUp' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 15 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('expire' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('free' as const),
      readyReplicas: fc.integer({ min: 0, max: 3 }),
      cap: fc.constantFrom(1, 2, 4, 8),
      delayMs: fc.constantFrom(0, 0, 5, 20),
      batchable: fc.boolean(),
      aheadMs: fc.constantFrom(0, 0, 7),
    }),
  },
);

test('over any sequence of events the queue agrees with a naive one, and everybody who got in leaves exactly once', () => {
  fc.assert(
    fc.property(
      fc.array(command, { maxLength: 80 }),
      fc.constantFrom<[number, number][]>(
        [],
        [[1, 4]],
        [
          [1, 4],
          [2, 6],
          [4, 12],
        ],
      ),
      fc.constantFrom(1, 1.5),
      (commands, points, tail) => {
        const curve = curveOf(...points);
        curve.tail = tail;
        const queue = new RequestQueue<Item>({ lengthMax: 12, priorityLevels: 3 });
        const naive: Item[] = [];
        const left = new Map<number, string>();
        let admittedCount = 0;
        let at = 0;
        const leave = (one: Item, how: string): void => {
          assert.ok(!left.has(one.id), 'left twice');
          left.set(one.id, how);
        };
        for (const now of commands) {
          switch (now.kind) {
            case 'arrive': {
              const one = item({ ...now, arrivedAt: at, deadlineAt: at + now.withinMs });
              const entered = queue.add(one);
              assert.equal(entered, naive.length < 12);
              if (entered) {
                naive.push(one);
                admittedCount += 1;
              }
              break;
            }
            case 'hangUp': {
              const one = naive[now.which % Math.max(naive.length, 1)];
              if (one === undefined) break;
              assert.ok(queue.remove(one));
              assert.ok(!queue.remove(one));
              naive.splice(naive.indexOf(one), 1);
              leave(one, 'hung up');
              break;
            }
            case 'pass':
              at += now.ms;
              break;
            case 'expire': {
              const expired = queue.takeExpired(at);
              for (const one of expired) {
                assert.ok(one.deadlineAt <= at);
                naive.splice(naive.indexOf(one), 1);
                leave(one, 'expired');
              }
              assert.ok(naive.every((one) => one.deadlineAt > at));
              break;
            }
            case 'free': {
              const t = terms({ ...now, curve });
              const before = queue.first();
              const batch = formBatch(queue, t, at);
              const expected = naiveFormBatch(naive, t, at);
              assert.deepEqual(
                batch.items.map((one) => one.id),
                expected.items.map((one) => one.id),
              );
              assert.deepEqual(
                batch.hopeless.map((one) => one.id).toSorted((a, b) => a - b),
                expected.hopeless.map((one) => one.id).toSorted((a, b) => a - b),
              );
              for (const one of batch.items) {
                assert.ok(one.deadlineAt > at, 'started past its deadline');
                leave(one, 'started');
              }
              for (const one of batch.hopeless) leave(one, 'hopeless');
              assert.ok(batch.items.length < 2 || batch.rows <= t.cap);
              if (batch.waitUntil < Infinity) assert.ok(batch.waitUntil > at);
              else assert.ok(before === undefined || left.has(before.id), 'the first must not be passed over');
              break;
            }
            default:
              now satisfies never;
          }
          assert.equal(queue.length, naive.length);
          assert.equal(
            queue.rows,
            naive.reduce((sum, one) => sum + one.rows, 0),
          );
          assert.equal(queue.nextDeadlineAt, Math.min(Infinity, ...naive.map((one) => one.deadlineAt)));
        }
        for (const one of queue.takeAll()) leave(one, 'at the end');
        assert.equal(left.size, admittedCount);
      },
    ),
    { numRuns: 500 },
  );
});

test('the estimate used in the tests is the one of the curve', () => {
  assert.equal(computeMs(curveOf([1, 4], [2, 6], [4, 12]), 3), 9);
});
