/** What is sent when and with whom, and what an observation says of it; losses, waits and the table have files of their own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGatewayBench as bench, route, type GatewayBench } from '../testing/gateway-bench.ts';

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
