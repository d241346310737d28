import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { test } from 'node:test';
import type { FlyballError } from '../errors.ts';
import type { RequestHead } from '../protocol/inference.ts';
import { poison } from '../testing/fake-replicas.ts';
import { createGatewayBench as bench, route, versionRoute, type GatewayBench } from '../testing/gateway-bench.ts';

const observed = (b: GatewayBench) => b.dispatcher.observe().versions[0];

test('a request that finds a free replica is sent in the same turn; others wait and share the next call', async () => {
  const b = bench();
  b.send('one', {}, 10);
  assert.deepEqual(b.replicas.log, ['a: one']);
  b.send('two', {}, 20);
  b.send('three', {}, 30, 2);
  assert.equal(b.replicas.calls.length, 1);
  b.replicas.answer('a');
  b.replicas.answer('a');
  await b.settle();
  assert.deepEqual(b.replicas.log, ['a: one', 'a: two+three']);
  assert.deepEqual(b.ends, ['one ok [11,8]', 'two ok [21,8]', 'three ok [31,8,8,8]']);
});

test('an answer says where its time went', async () => {
  const b = bench();
  b.send('one');
  b.clock.pass(5);
  const response = b.service.infer(
    {
      model: 'm',
      id: 'mine',
      requestId: 'two',
      payload: { kind: 'tensors', inputs: [{ name: 'x', datatype: 'UINT8', shape: [1, 2], bytes: new Uint8Array(2) }] },
    },
    new AbortController().signal,
  );
  b.clock.pass(15);
  b.replicas.answer('a', 20);
  b.clock.pass(12);
  b.replicas.answer('a', 10);
  const { id, model, version, timing } = await response;
  assert.deepEqual({ id, model, version }, { id: 'mine', model: 'm', version: '1' });
  const { call, arrivedAt = Number.NaN, ...times } = timing;
  const inReplica = { callMs: 12, waitMs: 0, inputMs: 0 };
  assert.deepEqual(times, { queueMs: 15, computeMs: 10, totalMs: 27, batchSize: 1, replica: 'a', ...inReplica });
  assert.deepEqual([call?.replica, call?.rows, call?.requests], ['a', 1, 1]);
  assert.equal((call?.sentAt ?? Number.NaN) - arrivedAt, 15);
});

test("a replica's time is counted once, whoever else sends to it", () => {
  const b = bench();
  b.send('one');
  b.clock.pass(12);
  b.replicas.answer('a', 10);
  assert.equal(observed(b)?.busyMs, 12, 'with the way there and back');
  b.send('two');
  b.clock.pass(42);
  // Another worker's call was computed first.
  b.replicas.answer('a', 10, 30);
  assert.equal(observed(b)?.busyMs, 24);
});

test('work goes to the replica with the least to do, and what waits is shared', () => {
  const b = bench({ replicas: [route('a'), route('b')] });
  for (const name of ['1', '2', '3', '4', '5', '6']) b.send(name);
  b.replicas.answer('b');
  assert.deepEqual(b.replicas.log, ['a: 1', 'b: 2', 'b: 3+4']);
});

test('a bad request fails alone: its batch is halved until it is by itself', async () => {
  const b = bench();
  b.send('first');
  for (const name of ['g1', 'g2', 'g3']) b.send(name);
  b.send('bad', {}, poison);
  for (const name of ['g4', 'g5', 'g6', 'g7']) b.send(name);
  while (b.replicas.calls.length > 0) b.replicas.answer('a');
  await b.settle();
  assert.deepEqual(b.ends.filter((end) => end.includes(' ok ')).length, 8);
  assert.equal(b.errors.get('bad')?.code, 'INFERENCE_FAILED');
  assert.equal(b.errors.get('bad')?.message, 'poison');
  assert.equal(b.dispatcher.observe().replicas[0]?.ejected, undefined, 'the replica is not at fault');
});

test('an item that the runner itself set aside fails alone, and the others get their own rows', async () => {
  const b = bench();
  b.send('first');
  b.send('x', {}, 1);
  b.send('y', {}, 2);
  b.send('z', {}, 3);
  b.replicas.answer('a');
  const [call] = b.replicas.calls;
  call?.call.onResult(
    {
      call: 0,
      failed: [{ index: 1, code: 'INVALID_IMAGE', message: 'not an image' }],
      outputs: [{ name: 'y', datatype: 'UINT8', shape: [2, 1], byteLength: 2 }],
    },
    Uint8Array.of(100, 101),
  );
  await b.settle();
  assert.deepEqual(b.ends.toSorted(), ['first ok [2,8]', 'x ok [100]', 'y INVALID_IMAGE', 'z ok [101]']);
});

test('what was in flight on a replica that dies runs once more elsewhere, one by one, and then fails', async () => {
  const b = bench({ replicas: [route('a'), route('b'), route('c')] });
  b.send('busy-a');
  b.send('busy-b');
  b.send('busy-c');
  b.send('x');
  b.send('y');
  b.replicas.answer('a');
  assert.deepEqual(b.replicas.log.slice(3), ['a: x']);
  b.replicas.die('a');
  b.replicas.answer('b');
  assert.deepEqual(b.replicas.log.slice(4), ['b: x']);
  b.replicas.die('b');
  await b.settle();
  assert.equal(b.errors.get('x')?.code, 'REPLICA_FAILED');
  b.replicas.answer('c');
  b.replicas.answer('c');
  await b.settle();
  assert.ok(b.ends.some((end) => end.startsWith('y ok')));
});

test('a replica whose work is far overdue and that says nothing is parted from it, and the work runs elsewhere', async () => {
  const b = bench({ replicas: [route('a'), route('b')], costCurve: [{ rows: 1, ms: 10 }] });
  const watch = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 100) {
      b.clock.pass(100);
      b.dispatcher.watch();
    }
  };
  b.send('x', { deadlineMs: 5000 });
  watch(2000);
  assert.deepEqual(b.replicas.log.slice(0, 2), ['a: x', 'a: how are you']);
  assert.ok(!b.replicas.log.some((line) => line.startsWith('b')), 'it is slow, but it answers: it keeps its work');
  b.replicas.freeze('a');
  watch(1500);
  assert.ok(b.replicas.log.includes('b: x'), b.replicas.log.join('\n'));
  assert.match(String(b.dispatcher.observe().replicas[0]?.ejected), /hangs: .* said nothing for 1\d{3} ms/);
  b.replicas.answer('b');
  await b.settle();
  assert.deepEqual(b.ends, ['x ok [2,8]']);
  b.replicas.come('a');
  assert.equal(b.dispatcher.observe().replicas[0]?.ejected, undefined);
});

test('the only replica keeps its work although it hangs: it may come round, and its callers have their deadlines', async () => {
  const b = bench({ costCurve: [{ rows: 1, ms: 10 }] });
  b.replicas.freeze('a');
  b.send('x', { deadlineMs: 3000 });
  for (let passed = 0; passed < 3000; passed += 100) {
    b.clock.pass(100);
    b.dispatcher.watch();
  }
  await b.settle();
  assert.deepEqual(b.ends, ['x DEADLINE_EXCEEDED']);
});

test('work that is far overdue is let be while somebody waits for it; then the worker tells that nobody does', async () => {
  const b = bench({ replicas: [route('a'), route('b')], costCurve: [{ rows: 1, ms: 10 }] });
  const watch = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 100) {
      b.clock.pass(100);
      b.dispatcher.watch();
    }
  };
  const told = () => b.dispatcher.observe().replicas[0];
  b.send('x', { deadlineMs: 3000 });
  watch(2900);
  assert.equal(told()?.unwantedMs, undefined);
  watch(1000);
  await b.settle();
  assert.deepEqual(b.ends, ['x DEADLINE_EXCEEDED']);
  assert.ok((told()?.unwantedMs ?? 0) >= 800, `${told()?.unwantedMs}`);
  assert.match(String(told()?.ejected), /far overdue and nobody waits for it/);
  b.replicas.answer('a');
  assert.deepEqual([told()?.unwantedMs, told()?.ejected], [undefined, undefined], 'it was only slow');
});

test('who has hung up does not wait, and of a replica whose cost is unknown nothing is called overdue', () => {
  for (const [costCurve, unwanted] of [
    [[{ rows: 1, ms: 10 }], true],
    [[], false],
  ] as const) {
    const b = bench({ costCurve });
    b.send('x', { deadlineMs: 60_000 }).abort();
    b.clock.pass(2000);
    b.dispatcher.watch();
    b.clock.pass(100);
    assert.equal(b.dispatcher.observe().replicas[0]?.unwantedMs !== undefined, unwanted);
  }
});

test('with no other replica, what was in flight fails at once and what waits stays for the next one', async () => {
  const b = bench();
  b.send('running');
  b.send('waiting');
  b.replicas.die('a');
  await b.settle();
  assert.deepEqual(b.ends, ['running REPLICA_FAILED']);
  b.replicas.come('a');
  b.replicas.answer('a');
  await b.settle();
  assert.equal(b.ends.length, 2);
});

for (const code of ['OVERLOADED', 'REPLICA_FAILED'] as const) {
  test(`what a replica answers with ${code} runs once more elsewhere, and then fails with the replica's words`, async () => {
    const b = bench({ replicas: [route('a'), route('b')] });
    b.send('x');
    b.replicas.refuse('a', code, 'the server answered 503');
    assert.deepEqual(b.replicas.log, ['a: x', 'b: x']);
    b.replicas.answer('b');
    await b.settle();
    assert.deepEqual(b.ends, ['x ok [2,8]']);
    b.send('y');
    b.replicas.refuse('a', code, 'the server answered 503');
    b.replicas.refuse('b', code, 'the server answered 503');
    await b.settle();
    assert.equal(b.errors.get('y')?.code, code);
    assert.match(b.errors.get('y')?.message ?? '', /the server answered 503, twice, on different replicas/);
  });
}

test('what the only replica is too busy for fails at once, with a time to come back', async () => {
  const b = bench();
  b.send('x');
  b.replicas.refuse('a', 'OVERLOADED', 'the server answered 503');
  await b.settle();
  assert.deepEqual(b.replicas.log, ['a: x']);
  assert.equal(b.errors.get('x')?.message, 'the server answered 503, and no other replica is ready');
  assert.equal(b.errors.get('x')?.retryAfterSeconds, 1);
});

test('of a model that declares nothing a request goes through as it came, alone', async () => {
  const signature = { inputs: [], outputs: [], batchable: false };
  const b = bench({ signature });
  b.send('one');
  b.send('two');
  b.send('three');
  assert.deepEqual(b.replicas.calls[0]?.header.payload.parts[0]?.name, 'x');
  b.replicas.answer('a');
  assert.deepEqual(b.replicas.log, ['a: one', 'a: two']);
});

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

test('urgent requests go first', () => {
  const b = bench({ batching: { sizeMax: 1, delayMs: 0 } });
  b.send('running');
  b.send('low', { priority: 3 });
  b.send('default', { priority: 0 });
  b.send('high', { priority: 1 });
  for (let index = 0; index < 4; index += 1) b.replicas.answer('a');
  assert.deepEqual(b.replicas.log, ['a: running', 'a: high', 'a: default', 'a: low']);
});

test('with a delay a free replica waits for company, but not longer', () => {
  const b = bench({ batching: { sizeMax: 4, delayMs: 10 } });
  b.send('one');
  b.clock.pass(6);
  b.send('two');
  assert.deepEqual(b.replicas.log, []);
  b.clock.pass(4);
  assert.deepEqual(b.replicas.log, ['a: one+two']);
});

test('requests for different outputs do not share a call', () => {
  const b = bench();
  b.send('running');
  b.send('all');
  b.send('y', { outputs: [{ name: 'y' }] });
  b.send('all too');
  b.replicas.answer('a');
  b.replicas.answer('a');
  assert.deepEqual(b.replicas.log, ['a: running', 'a: all+all too', 'a: y']);
});

test('files go two calls deep, so that decoding overlaps the runtime; tensors go one', () => {
  const b = bench({ batching: { sizeMax: 1, delayMs: 0 } });
  const payload = { kind: 'file', bytes: Uint8Array.of(1) } as const;
  for (const name of ['f1', 'f2', 'f3']) b.send(name, { payload });
  assert.deepEqual(b.replicas.log, ['a: f1', 'a: f2']);
});

test('a replica that fails three times in a row gets no work until its back-off is over, then one call on trial', () => {
  const b = bench({ replicas: [route('a'), route('b')] }, { deadline: { defaultMs: 10_000, maxMs: 10_000 } });
  for (let turn = 0; turn < 3; turn += 1) {
    b.send(`a${turn}`);
    b.send(`b${turn}`);
    b.replicas.refuse('a', 'INTERNAL', 'broken');
    b.replicas.answer('b');
  }
  assert.match(b.dispatcher.observe().replicas[0]?.ejected ?? '', /broken/);
  b.send('x');
  b.send('y');
  assert.deepEqual(b.replicas.log.slice(6), ['b: x']);
  b.clock.pass(990);
  b.replicas.answer('b');
  b.clock.pass(10);
  b.send('z');
  assert.deepEqual(b.replicas.log.slice(6), ['b: x', 'b: y', 'a: z']);
  b.replicas.answer('a');
  assert.equal(b.dispatcher.observe().replicas[0]?.ejected, undefined);
});

test('a draining replica gets no new batch, and its last answer is told at once', () => {
  const b = bench({ replicas: [route('a'), route('b')] });
  b.send('1');
  b.send('2');
  b.apply({}, [versionRoute({ replicas: [route('a', 'draining'), route('b')] })]);
  const before = b.drained;
  b.send('3');
  b.replicas.answer('a');
  assert.equal(b.drained, before + 1);
  assert.deepEqual(b.replicas.log, ['a: 1', 'b: 2']);
  assert.deepEqual(
    b.dispatcher.observe().replicas.map(({ id, outstanding }) => [id, outstanding]),
    [
      ['a', 0],
      ['b', 1],
    ],
  );
});

test('a version being retired takes nothing new and finishes its queue on its draining replicas', async () => {
  const b = bench();
  b.send('running');
  b.send('waiting');
  b.apply({ serving: '2' }, [
    versionRoute({ replicas: [route('a', 'draining')] }),
    versionRoute({ version: '2', digest: 'sha256:2', replicas: [route('n')] }),
  ]);
  assert.equal(b.dispatcher.observe().replicas[0]?.outstanding, 2);
  b.send('new');
  b.send('old', { version: '1' });
  b.replicas.answer('a');
  b.replicas.answer('a');
  await b.settle();
  assert.deepEqual(b.replicas.log, ['a: running', 'n: new', 'a: waiting']);
  assert.deepEqual(b.ends, ['old VERSION_NOT_FOUND', 'running ok [2,8]', 'waiting ok [2,8]']);
  assert.equal(b.dispatcher.observe().replicas[0]?.outstanding, 0);
});

test('when a version leaves the table what waits goes to its successor, what runs is answered, and then the replica is parted with', async () => {
  const b = bench();
  b.send('running');
  b.send('waiting');
  b.send('pinned', { version: '1' });
  b.apply({ serving: '2' }, [versionRoute({ version: '2', digest: 'sha256:2', replicas: [route('n')] })]);
  await b.settle();
  assert.deepEqual(b.ends, ['pinned MODEL_NOT_READY'], 'who named the version gets no other');
  assert.deepEqual(b.replicas.log, ['a: running', 'n: waiting']);
  assert.deepEqual(b.replicas.closed, []);
  b.replicas.answer('a');
  b.replicas.answer('n');
  await b.settle();
  assert.deepEqual(b.ends.slice(1), ['running ok [2,8]', 'waiting ok [2,8]']);
  assert.deepEqual(b.replicas.closed, ['a']);
});

test('a successor with another signature takes over nobody who waits', async () => {
  const b = bench();
  b.send('running');
  b.send('waiting');
  const signature = { ...versionRoute().signature, outputs: [] };
  b.apply({ serving: '2' }, [versionRoute({ version: '2', digest: 'sha256:2', signature, replicas: [route('n')] })]);
  await b.settle();
  assert.deepEqual(b.ends, ['waiting MODEL_NOT_READY']);
});

test('a runner that says it is draining before the table does loses nothing: the call runs elsewhere', async () => {
  const b = bench({ replicas: [route('a'), route('b')] });
  b.send('1');
  b.replicas.refuse('a', 'DRAINING', 'draining');
  b.replicas.answer('b');
  b.send('2');
  await b.settle();
  assert.deepEqual(b.ends, ['1 ok [2,8]']);
  assert.deepEqual(b.replicas.log, ['a: 1', 'b: 1', 'b: 2']);
});

test('outputs that cannot be divided by rows end batching for the version, and every caller is still answered', async () => {
  const b = bench();
  b.send('running');
  b.send('x');
  b.send('y');
  b.replicas.answer('a');
  const scalar = (value: number) =>
    b.replicas.calls[0]?.call.onResult(
      { call: 0, outputs: [{ name: 'y', datatype: 'UINT8', shape: [1], byteLength: 1 }] },
      Uint8Array.of(value),
    );
  scalar(1);
  b.replicas.calls.shift();
  scalar(2);
  b.replicas.calls.shift();
  scalar(3);
  await b.settle();
  assert.deepEqual(b.replicas.log, ['a: running', 'a: x+y', 'a: x', 'a: y']);
  assert.deepEqual(b.ends, ['running ok [2,8]', 'x ok [2]', 'y ok [3]']);
});

test('an unknown model lists near names, a deployment without a ready replica gives its reason and a time', async () => {
  const b = bench({ replicas: [] }, { name: 'digits', notReadyReason: 'the model is loading' });
  b.send('typo', { model: 'digit' });
  b.send('early', { model: 'digits' });
  await b.settle();
  assert.match(b.errors.get('typo')?.message ?? '', /did you mean digits\?/);
  assert.equal(b.errors.get('early')?.code, 'MODEL_NOT_READY');
  assert.match(b.errors.get('early')?.message ?? '', /the model is loading/);
  assert.ok((b.errors.get('early')?.retryAfterSeconds ?? 0) > 0);
});

test('replicas that cannot be reached for two seconds make the model not ready', async () => {
  const b = bench();
  b.replicas.die('a');
  assert.equal(b.service.modelReady('m'), false);
  b.clock.pass(2001);
  b.send('late');
  await b.settle();
  assert.deepEqual(b.ends, ['late MODEL_NOT_READY']);
});

test('a request that does not fit the signature is refused before it can join a batch', async () => {
  const b = bench();
  const inputs = [{ name: 'x', datatype: 'UINT8', shape: [1, 3], bytes: new Uint8Array(3) }] as const;
  b.send('wide', { payload: { kind: 'tensors', inputs } });
  await b.settle();
  assert.deepEqual(b.ends, ['wide INVALID_TENSOR']);
  assert.deepEqual(b.replicas.log, []);
});

test('statistics count rows, calls and every request, and an observation adds up', async () => {
  const b = bench();
  b.send('1');
  b.send('2');
  b.send('3', {}, 1, 2);
  b.clock.pass(10);
  b.replicas.answer('a', 8);
  b.clock.pass(10);
  b.replicas.answer('a', 9);
  b.send('late', { deadlineMs: 5 });
  b.clock.pass(5);
  await b.settle();
  const [statistics] = await b.service.statistics('m');
  assert.deepEqual(
    [statistics?.inferenceCount, statistics?.executionCount, statistics?.success, statistics?.queue],
    [4, 2, { count: 3, ns: 50e6 }, { count: 3, ns: 20e6 }],
  );
  assert.deepEqual(statistics?.computeInfer, { count: 3, ns: 26e6 });
  const { arrivals, completed, failed, shed, queueLength, inFlight, latencyMs } = observed(b) ?? {};
  assert.deepEqual([arrivals, completed, failed, queueLength, inFlight], [4, 3, 0, 0, 0]);
  assert.deepEqual(shed, { DEADLINE_EXCEEDED: 1 });
  assert.deepEqual(latencyMs, { p50: 20, p95: 20, p99: 20, n: 3 });
  assert.equal(observed(b)?.latencyMs, undefined);
});

test('one timer serves any number of requests', () => {
  const b = bench();
  for (let index = 0; index < 50; index += 1) b.send(String(index));
  assert.equal(b.clock.pending, 1);
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

test('who wants only the readable answer says so to the replica, and shares no call with who wants tensors', () => {
  const b = bench();
  b.send('1', file);
  b.send('2', file);
  b.send('read', { ...file, readableOnly: true });
  b.send('all', file);
  b.send('read too', { ...file, readableOnly: true });
  b.replicas.answer('a');
  b.replicas.answer('a');
  assert.deepEqual(b.replicas.log.slice(2), ['a: read+read too', 'a: all']);
  assert.deepEqual(
    b.replicas.calls.map(({ header }) => header.outputs),
    [[], undefined],
  );
});
