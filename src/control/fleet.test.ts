import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSqliteStore } from '../drivers/stores/sqlite.ts';
import { orderOf } from '../testing/lone-replica.ts';
import { createVirtualClock } from '../testing/virtual-clock.ts';
import { openFleet } from './fleet.ts';
import type { Orchestrator, ReplicaExit } from './orchestrator.ts';

test('a replica that its engine ends in good order has not failed, whether it was ready or not', async () => {
  await using store = openSqliteStore(':memory:');
  let exit: (exit: ReplicaExit) => void = () => {};
  const onItsWay = Promise.withResolvers<never>();
  const orchestrator: Orchestrator = {
    start: () => onItsWay.promise,
    settle: async () => ({ kind: 'none' }),
    stop: async () => {},
    kill: async () => {},
    list: async () => [],
    onExit: (listener) => void (exit = listener),
    async [Symbol.asyncDispose]() {},
  };
  const told: string[] = [];
  const fleet = openFleet({
    orchestrator,
    store,
    clock: createVirtualClock(),
    onEvent: ({ kind, replica }) => told.push(`${replica.id} ${kind}`),
    silentMs: () => 1000,
  });
  for (const id of ['moved', 'crashed']) await fleet.start('d', orderOf(id));
  exit({ id: 'moved', reason: 'its node is emptied', byEngine: true });
  exit({ id: 'crashed', reason: 'exit code 1' });
  assert.deepEqual(told, ['moved gone', 'crashed died']);
  assert.deepEqual(fleet.replicas(), []);
  onItsWay.reject(new Error('the test is over'));
  await fleet[Symbol.asyncDispose]();
});
