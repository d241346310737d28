/** What a new routing table changes: replicas that drain, versions that are retired, leave, or have a successor. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createGatewayBench as bench, route, versionRoute } from '../testing/gateway-bench.ts';

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
