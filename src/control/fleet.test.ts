import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSqliteStore } from '../drivers/stores/sqlite.ts';
import { orderOf } from '../testing/lone-replica.ts';
import { until } from '../testing/until.ts';
import { createVirtualClock } from '../testing/virtual-clock.ts';
import { openFleet } from './fleet.ts';
import type { Orchestrator, ReplicaExit } from './orchestrator.ts';

const idle: Orchestrator = {
  start: () => Promise.reject(new Error('nothing is started here')),
  settle: async () => ({ kind: 'none' }),
  stop: async () => {},
  kill: async () => {},
  list: async () => [],
  onExit: () => {},
  async [Symbol.asyncDispose]() {},
};

test('one that was ready before control began and is gone is lost after ten seconds; one that booted has its minute', async () => {
  await using store = openSqliteStore(':memory:');
  const clock = createVirtualClock();
  const ids = ['served', 'booted'] as const;
  const address = { kind: 'unix', path: '/nowhere/there-is-nobody.sock' } as const;
  for (const [id, phase] of [
    ['served', 'ready'],
    ['booted', 'starting'],
  ] as const) {
    const order = orderOf(id);
    await store.putReplica({ id, deployment: 'd', version: '1', digest: 'sha256:0', order, startedAt: 0, phase });
  }
  const told: string[] = [];
  const fleet = openFleet({
    orchestrator: {
      ...idle,
      list: async () => ids.map((id) => ({ id, address, where: 'a machine', limits: { kind: 'none' } })),
    },
    store,
    clock,
    onEvent: ({ kind, replica }) => told.push(`${replica.id} ${kind} after ${clock.now() / 1000} s`),
    silentMs: () => 1000,
  });
  const adopted = fleet.adopt();
  await until('both to be looked for', () => fleet.replicas().length === 2);
  clock.pass(5000);
  await adopted;
  assert.equal(told.length, 0);
  clock.pass(120_000);
  assert.deepEqual(
    told.map((text) => text.replace(/\.\d+/, '')),
    ['served died after 10 s', 'booted died after 60 s'],
  );
  await fleet[Symbol.asyncDispose]();
});

test('a replica that its engine ends in good order has not failed, whether it was ready or not', async () => {
  await using store = openSqliteStore(':memory:');
  let exit: (exit: ReplicaExit) => void = () => {};
  const onItsWay = Promise.withResolvers<never>();
  const orchestrator: Orchestrator = {
    ...idle,
    start: () => onItsWay.promise,
    onExit: (listener) => void (exit = listener),
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
