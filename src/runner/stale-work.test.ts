/** A replica that was cut off and comes back, with whoever goes on under the token of a control that was replaced. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '../clock.ts';
import { openReplicaLink } from '../control/replica-link.ts';
import { overlapMs } from '../core/leases/fence.ts';
import { openReplicaConnection } from '../gateway/replica-connection.ts';
import { startSimulatedReplica } from '../testing/simulated-replica.ts';
import { until } from '../testing/until.ts';

const folder = mkdtempSync(join(tmpdir(), 'fb-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** `later` moves the replica's own clock on. */
async function replica() {
  let late = 0;
  const path = join(folder, 'a.sock');
  const clock = { ...systemClock, now: () => systemClock.now() + late };
  const runner = await startSimulatedReplica({ kind: 'unix', path }, { clock });
  await until('it to be ready', () => runner.state.kind === 'ready');
  return {
    address: { kind: 'unix', path } as const,
    later: (ms: number) => void (late += ms),
    [Symbol.asyncDispose]: () => runner[Symbol.asyncDispose](),
  };
}

/** One that serves by tables of this token, until it is told of another. */
async function gateway(address: { readonly kind: 'unix'; readonly path: string }, first: number) {
  let token = first;
  const connection = openReplicaConnection(
    { id: 'a', address, state: 'ready' },
    { onChange: () => {}, onCostCurve: () => {}, onAnswer: () => {} },
    { clock: systemClock, frameBytesMax: 1 << 20, epoch: () => token },
  );
  await until('its connection', () => connection.ready);
  return {
    learn: (next: number) => void (token = next),
    call(): Promise<string> {
      const { promise, resolve } = Promise.withResolvers<string>();
      const part = { name: 'x', datatype: 'FP32' as const, shape: [1, 2], byteLength: 8 };
      const header = { items: [{ rows: 1, requestId: 'r' }], payload: { kind: 'tensors' as const, parts: [part] } };
      connection.infer(header, [new Uint8Array(8)], {
        onResult: ({ error }) => resolve(error === undefined ? 'served' : `${error.code}: ${error.message}`),
        onLost: (reason) => resolve(`lost: ${reason}`),
      });
      return promise;
    },
    [Symbol.dispose]: () => connection.close(),
  };
}

async function control(address: { readonly kind: 'unix'; readonly path: string }, epoch: number) {
  let answers = 0;
  const link = openReplicaLink(
    address,
    { replica: 'a', identity: undefined, epoch },
    { onFacts: () => {}, onStatus: () => (answers += 1), onDead: assert.fail },
    systemClock,
    () => 500,
  );
  await until('it to have asked', () => answers > 0);
  return { [Symbol.dispose]: () => link.close() };
}

test('a replica that has heard of a later control serves the tables of the one before for a minute, then takes no work by them', async () => {
  await using one = await replica();
  using cutOff = await gateway(one.address, 3);
  assert.equal(await cutOff.call(), 'served');
  using _next = await control(one.address, 5);
  assert.equal(await cutOff.call(), 'served', 'it may be about to get the tables of that control');
  using current = await gateway(one.address, 5);
  one.later(overlapMs);
  assert.match(
    await cutOff.call(),
    /^STALE_TABLE: the work is under token 3 of control's lease, and 5 is in force here$/,
  );
  assert.equal(await current.call(), 'served');
  cutOff.learn(5);
  assert.equal(await cutOff.call(), 'served', 'it has heard of it at last');
});

test('where no control has a lease, nothing is refused', async () => {
  await using one = await replica();
  using plain = await gateway(one.address, 0);
  one.later(10 * overlapMs);
  assert.equal(await plain.call(), 'served');
});
