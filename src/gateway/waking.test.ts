/** From zero, as the gateway sees it: requests that find no replica wait for one, and nothing of them is lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeploymentRoute } from './routing-table.ts';
import { createGatewayBench, route, versionRoute, type GatewayBench } from '../testing/gateway-bench.ts';

const sleeping = (fields: Partial<DeploymentRoute> = {}): GatewayBench =>
  createGatewayBench({ replicas: [] }, { wakes: true, callers: 'wait', ...fields });

const waitingOf = (b: GatewayBench): number | undefined => b.dispatcher.observe().versions[0]?.waitingMs;

test('a model that sleeps is ready to be asked, and says what it is', () => {
  const b = sleeping({ notReadyReason: 'it sleeps until it is asked' });
  assert.equal(b.service.modelReady('m'), true);
  assert.equal(b.service.ready(), true);
  assert.equal(b.service.metadata('m').signature.inputs[0]?.name, 'x');
  assert.deepEqual(b.service.index(), [
    { name: 'm', version: '1', state: 'READY', reason: 'it sleeps until it is asked' },
  ]);
});

test('requests that find nobody wait, control is told once, and the first replica gets them all', async () => {
  const b = sleeping();
  b.send('first');
  b.clock.pass(30);
  b.send('second');
  assert.deepEqual([b.waiting, waitingOf(b)], [1, 30]);
  // It has slept for longer than a replica may be out of reach: that is no reason to turn anybody away.
  b.clock.pass(100);
  b.apply({}, [versionRoute({ replicas: [route('a')] })]);
  assert.deepEqual(b.replicas.log, ['a: first+second']);
  b.replicas.answer('a');
  await b.settle();
  assert.deepEqual(b.ends, ['first ok [2,8]', 'second ok [2,8]']);
  const [seen] = b.dispatcher.observe().versions;
  assert.deepEqual([seen?.waitingMs, seen?.woken?.totalMs], [undefined, 130]);
});

test('a replica that is in the table but cannot be reached yet turns nobody away, however long the sleep was', async () => {
  const b = sleeping();
  b.clock.pass(100_000);
  b.apply({}, [versionRoute({ replicas: [route('a')] })]);
  b.replicas.die('a');
  b.send('early');
  b.replicas.come('a');
  b.replicas.answer('a');
  await b.settle();
  assert.deepEqual(b.ends, ['early ok [2,8]']);
});

test('the deadline acts in the queue as ever, and a caller that hangs up leaves it', async () => {
  const b = sleeping();
  b.send('short', { deadlineMs: 50 });
  b.send('gone').abort();
  b.clock.pass(50);
  await b.settle();
  assert.deepEqual(b.ends, ['gone CANCELLED', 'short DEADLINE_EXCEEDED']);
  b.send('next');
  assert.equal(b.waiting, 2, 'who comes to an empty queue is told of again');
});

test('the queue is bounded: one more than it takes is refused, with a time to come back', async () => {
  const b = sleeping({ queue: { lengthMax: 2, priorityLevels: 3, priorityDefault: 2 } });
  for (const name of ['1', '2', '3']) b.send(name);
  await b.settle();
  assert.deepEqual(b.ends, ['3 QUEUE_FULL']);
  assert.ok((b.errors.get('3')?.retryAfterSeconds ?? 0) > 0);
});

test('who is refused while it wakes is told to come back when the last start says that a replica will be there', async () => {
  const b = sleeping({ queue: { lengthMax: 1, priorityLevels: 3, priorityDefault: 2 }, startSeconds: 7 });
  b.send('in time', { deadlineMs: 300 });
  b.send('one too many');
  await b.settle();
  assert.deepEqual(b.ends, ['one too many QUEUE_FULL'], 'a shorter deadline is no reason: it may be quicker this time');
  b.apply({ callers: 'fail', notReadyReason: 'no operator Foo' });
  b.send('later');
  await b.settle();
  for (const name of ['one too many', 'in time', 'later']) assert.equal(b.errors.get(name)?.retryAfterSeconds, 7, name);
  b.apply({ startSeconds: undefined });
  b.send('unknown');
  await b.settle();
  assert.equal(b.errors.get('unknown')?.retryAfterSeconds, 2);
});

test('a replica that drains gets nothing new while its version serves: who comes waits until it is recalled', async () => {
  const b = sleeping();
  b.apply({}, [versionRoute({ replicas: [route('a')] })]);
  b.send('running');
  b.apply({}, [versionRoute({ replicas: [route('a', 'draining')] })]);
  b.send('late');
  b.replicas.answer('a');
  assert.deepEqual(b.replicas.log, ['a: running']);
  assert.ok(b.waiting > 0);
  b.apply({}, [versionRoute({ replicas: [route('a')] })]);
  b.replicas.answer('a');
  await b.settle();
  assert.deepEqual(b.ends, ['running ok [2,8]', 'late ok [2,8]']);
});

test('a call that met a replica on its way out runs on the next one that comes, once', async () => {
  const b = sleeping();
  b.apply({}, [versionRoute({ replicas: [route('a')] })]);
  b.send('unlucky');
  b.replicas.die('a');
  assert.equal(b.waiting, 1);
  assert.equal(waitingOf(b), 0);
  b.apply({}, [versionRoute({ replicas: [route('b')] })]);
  b.replicas.die('b');
  await b.settle();
  assert.deepEqual(b.ends, ['unlucky REPLICA_FAILED']);
});

test('when nobody can come, those that wait fail with the reason, and new ones are refused with it', async () => {
  const b = sleeping();
  b.send('waiting');
  b.apply({ callers: 'fail', notReadyReason: 'version 1 failed to load: no operator Foo' });
  b.send('new');
  await b.settle();
  assert.deepEqual(b.ends.toSorted(), ['new MODEL_NOT_READY', 'waiting MODEL_NOT_READY']);
  for (const name of ['waiting', 'new']) {
    assert.match(b.errors.get(name)?.message ?? '', /model m is not ready: version 1 failed to load: no operator Foo/);
    assert.ok((b.errors.get(name)?.retryAfterSeconds ?? 0) > 0);
  }
  assert.equal(b.service.modelReady('m'), false);
});
