/** Who is let in, how long anybody waits, and who leaves before: deadlines, hang-ups, full queues, heads. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import type { FlyballError } from '../errors.ts';
import type { RequestHead } from '../protocol/inference.ts';
import { createGatewayBench as bench, type GatewayBench } from '../testing/gateway-bench.ts';

const observed = (b: GatewayBench) => b.dispatcher.observe().versions[0];

test('a request that reaches its deadline in the queue fails then and is never started', async () => {
  const b = bench();
  b.send('long');
  b.send('short', { deadlineMs: 50 });
  b.clock.pass(49);
  await b.settle();
  assert.deepEqual(b.ends, []);
  b.clock.pass(1);
  await b.settle();
  assert.deepEqual(b.ends, ['short DEADLINE_EXCEEDED']);
  b.replicas.answer('a');
  assert.deepEqual(b.replicas.log, ['a: long']);
});

test('at the deadline of what runs its caller gets 504 while the slot stays held until the work has ended', async () => {
  const b = bench();
  b.send('slow', { deadlineMs: 50 });
  b.clock.pass(50);
  b.send('next');
  await b.settle();
  assert.deepEqual(b.ends, ['slow DEADLINE_EXCEEDED']);
  assert.deepEqual(b.replicas.log, ['a: slow']);
  b.replicas.answer('a', 60);
  assert.deepEqual(b.replicas.log, ['a: slow', 'a: next']);
});

test('a wish for a longer deadline is cut to the longest allowed', async () => {
  const b = bench({}, { deadline: { defaultMs: 10, maxMs: 100 } });
  b.send('wish', { deadlineMs: 5000 });
  b.clock.pass(100);
  await b.settle();
  assert.deepEqual(b.ends, ['wish DEADLINE_EXCEEDED']);
});

test('who hangs up is taken out of the queue, and one who hung up before is never let in', async () => {
  const b = bench();
  b.send('running');
  const hangUp = b.send('gone');
  const stays = b.send('stays');
  hangUp.abort();
  await b.settle();
  assert.deepEqual(b.ends, ['gone CANCELLED']);
  b.replicas.answer('a');
  assert.deepEqual(b.replicas.log, ['a: running', 'a: stays']);
  assert.equal(getEventListeners(stays.signal, 'abort').length, 0, 'a started request listens no more');
});

test('a full queue and a hopeless wait are refused at once, with a time to come back', async () => {
  const b = bench(
    { costCurve: [{ rows: 1, ms: 100 }], batching: { sizeMax: 1, delayMs: 0 } },
    { queue: { lengthMax: 3, priorityLevels: 3, priorityDefault: 2 } },
  );
  b.send('running');
  b.send('w1');
  b.send('hopeless', { deadlineMs: 200 });
  b.send('w2');
  b.send('w3');
  b.send('one too many');
  await b.settle();
  assert.deepEqual(b.ends, ['hopeless OVERLOADED', 'one too many QUEUE_FULL']);
  assert.equal(b.errors.get('hopeless')?.retryAfterSeconds, 1);
  assert.equal(b.errors.get('one too many')?.retryAfterSeconds, 1);
  assert.deepEqual(observed(b)?.shed, { OVERLOADED: 1, QUEUE_FULL: 1 });
});

test('by its head alone is refused only who would be refused whatever the body says', async () => {
  const b = bench(
    { costCurve: [{ rows: 1, ms: 100 }], batching: { sizeMax: 1, delayMs: 0 } },
    { queue: { lengthMax: 3, priorityLevels: 3, priorityDefault: 2 }, deadline: { defaultMs: 250, maxMs: 10_000 } },
  );
  const refused = (fields: Partial<RequestHead> = {}): string => {
    try {
      b.service.expect?.({ model: 'm', payload: 'tensors', final: true, ...fields })();
      return 'let pass';
    } catch (error) {
      return (error as FlyballError).code;
    }
  };
  b.send('running');
  assert.equal(refused(), 'let pass');
  b.send('w1');
  b.send('w2', { deadlineMs: 1000 });
  assert.equal(refused(), 'OVERLOADED');
  assert.equal(refused({ final: false }), 'let pass', 'the body may ask for more time');
  assert.equal(refused({ final: false, deadlineMs: 250 }), 'let pass', 'the body may call itself urgent');
  assert.equal(refused({ final: false, deadlineMs: 120 }), 'OVERLOADED');
  b.send('w3', { deadlineMs: 1000 });
  assert.equal(refused({ final: false }), 'QUEUE_FULL');
  assert.equal(refused({ model: 'n' }), 'MODEL_NOT_FOUND');
  assert.deepEqual(observed(b)?.shed, { OVERLOADED: 2, QUEUE_FULL: 1 });
  assert.equal(observed(b)?.arrivals, 7, 'who is refused came');
});

test('one place is promised to one body on its way, and not for long', () => {
  const b = bench(
    { batching: { sizeMax: 1, delayMs: 0 } },
    { queue: { lengthMax: 2, priorityLevels: 1, priorityDefault: 1 } },
  );
  const expect = (): (() => void) | undefined => b.service.expect?.({ model: 'm', payload: 'tensors', final: true });
  b.send('running');
  b.send('waits');
  const arrived = expect();
  assert.throws(expect, { code: 'QUEUE_FULL' });
  arrived?.();
  expect();
  assert.throws(expect, { code: 'QUEUE_FULL' });
  b.clock.pass(150);
  assert.doesNotThrow(expect, 'a body that does not come keeps nobody out');
});

const file = { payload: { kind: 'file', bytes: new Uint8Array(3) } } as const;

test('files that nobody waits for any more are cancelled at the replica, and not before the last caller has gone', async () => {
  const b = bench();
  b.send('busy', file);
  b.send('next', file);
  const [first, second] = [b.send('one', file), b.send('two', file)];
  b.replicas.answer('a');
  assert.deepEqual(b.replicas.log, ['a: busy', 'a: next', 'a: one+two']);
  first.abort();
  assert.equal(b.replicas.log.length, 3, 'two still waits');
  second.abort();
  assert.equal(b.replicas.log.at(-1), 'a: cancel one+two');
  b.replicas.answer('a');
  assert.deepEqual(b.dispatcher.observe().replicas[0]?.outstanding, 1, 'the slot is held until the replica says so');
  b.replicas.refuse('a', 'CANCELLED', 'before it was computed');
  await b.settle();
  assert.deepEqual(b.ends.slice(2).sort(), ['one CANCELLED', 'two CANCELLED']);
  assert.equal(b.dispatcher.observe().replicas[0]?.outstanding, 0);
  assert.equal(b.dispatcher.observe().replicas[0]?.ejected, undefined, 'the replica is not at fault');
});

test('a file whose deadline passes while it is decoded is cancelled at the replica', async () => {
  const b = bench();
  const caller = b.send('late', { ...file, deadlineMs: 50 });
  b.clock.pass(51);
  await b.settle();
  assert.deepEqual(b.ends, ['late DEADLINE_EXCEEDED']);
  assert.deepEqual(b.replicas.log, ['a: late', 'a: cancel late']);
  assert.equal(getEventListeners(caller.signal, 'abort').length, 0);
});
