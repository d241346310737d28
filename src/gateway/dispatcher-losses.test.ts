/** What becomes of work whose replica dies, hangs, refuses it, or answers what cannot be divided. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { poison } from '../testing/fake-replicas.ts';
import { createGatewayBench as bench, route } from '../testing/gateway-bench.ts';

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

test('replicas that cannot be reached for two seconds make the model not ready', async () => {
  const b = bench();
  b.replicas.die('a');
  assert.equal(b.service.modelReady('m'), false);
  b.clock.pass(2001);
  b.send('late');
  await b.settle();
  assert.deepEqual(b.ends, ['late MODEL_NOT_READY']);
});
