/** What control learns of latency from gateways and fleet, and what of it outlives control. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { latencyModelView } from '../api/schemas.ts';
import { openSqliteStore } from '../drivers/stores/sqlite.ts';
import type { VersionObservation } from '../gateway/routing-table.ts';
import { createVirtualClock } from '../testing/virtual-clock.ts';
import type { Deployment, Deployments } from './deployments.ts';
import type { Observation } from './connected-gateway.ts';
import { openLatencyModels } from './latency-models.ts';
import type { Replica } from './replica.ts';

const deployment = (version: string, cpu?: number): Deployment =>
  ({
    name: 'd',
    serving: { key: `${version}/x`, launch: { version } },
    record: { specification: { resources: { cpu } } },
  }) as unknown as Deployment;

const deploymentsOf = (one: Deployment | undefined): Deployments =>
  ({
    all: () => (one === undefined ? [] : [one]),
    find: (name: string) => (name === one?.name ? one : undefined),
  }) as unknown as Deployments;

const told = (version: string, calls: VersionObservation['calls'], replicas: string[] = []): Observation =>
  ({
    kind: 'observation',
    versions: [{ deployment: 'd', version, batchSizeCap: 1, calls }],
    replicas: replicas.map((id) => ({ id })),
  }) as unknown as Observation;

const calls = (count: number, ms: number) => ({
  count,
  samples: Array.from({ length: 10 }, () => [1, 500, 1, 99, ms]),
});

test('it learns what calls of the version that serves take, in the shape that the API promises', async () => {
  await using store = openSqliteStore(':memory:');
  const models = await openLatencyModels(store, deploymentsOf(deployment('1')), createVirtualClock());
  models.observed(told('1', calls(40, 100)));
  models.observed(told('2', calls(40, 900)));
  models.observed(told('1', undefined));
  const model = models.of(deployment('1'));
  assert.deepEqual(latencyModelView.strict().parse(model), model);
  assert.equal(model.calls, 40);
  assert.equal(model.version, '1');
  assert.ok(Math.abs((model.service[0]?.meanMs ?? 0) - 100) < 1e-6);
  await models.stop();
});

test('a start is told with its stages, what started beside it, and how long until a gateway knew it', async () => {
  await using store = openSqliteStore(':memory:');
  const clock = createVirtualClock();
  const models = await openLatencyModels(store, deploymentsOf(deployment('1')), clock);
  const replica = (id: string, orderedAt: number, readyAt?: number): Replica =>
    ({ id, deployment: 'd', template: '1/x', orderedAt, readyAt }) as unknown as Replica;
  clock.pass(1000);
  const ready: Replica = {
    ...replica('d-2', 300, 1000),
    readyAfterMs: 700,
    facts: { stages: { loadMs: 100, warmMs: 200 } } as NonNullable<Replica['facts']>,
  };
  models.started(ready, [replica('d-0', 100, 200), replica('d-1', 299, 900), ready, replica('d-3', 301)], 25);
  clock.pass(40);
  models.observed(told('1', undefined, ['d-1']));
  assert.deepEqual(models.of(deployment('1')).starts, []);
  models.observed(told('1', undefined, ['d-1', 'd-2']));
  const start = { before: 1, beside: 2, decideMs: 25, startMs: 400, loadMs: 100, warmMs: 200, serveMs: 40 };
  assert.deepEqual(models.of(deployment('1')).starts, [start]);
  models.stopped({ ...ready, stoppingSince: 1000 });
  assert.deepEqual(models.of(deployment('1')).stopsMs, [40]);
  await models.stop();
});

test('the first start of a version is known once it serves, and that of one that never does is not', async () => {
  await using store = openSqliteStore(':memory:');
  const clock = createVirtualClock();
  const one = deployment('1') as { serving?: unknown } & Deployment;
  const { serving } = one;
  delete one.serving;
  const models = await openLatencyModels(store, deploymentsOf(one), clock);
  const ready = (id: string, template: string): Replica =>
    ({ id, deployment: 'd', template, orderedAt: 0, readyAt: 0, readyAfterMs: 9 }) as unknown as Replica;
  const all = [ready('d-1', '1/x'), ready('d-2', '2/x')];
  for (const each of all) models.started(each, all, 0);
  Object.assign(one, { serving });
  models.observed(told('1', undefined, ['d-1', 'd-2']));
  assert.equal(models.of(one).starts.length, 1);
  await models.stop();
});

test('it outlives control, and begins anew with another version, another share of the processor, or a new deployment', async () => {
  await using store = openSqliteStore(':memory:');
  const clock = createVirtualClock();
  const first = await openLatencyModels(store, deploymentsOf(deployment('1', 0.1)), clock);
  first.observed(told('1', calls(40, 100)));
  await first.stop();
  const second = await openLatencyModels(store, deploymentsOf(deployment('1', 0.1)), clock);
  assert.equal(second.of(deployment('1', 0.1)).calls, 40);
  assert.equal(second.of(deployment('1', 0.2)).calls, 0);
  assert.equal(second.of(deployment('2', 0.2)).calls, 0);
  second.observed(told('1', calls(40, 100)));
  await second.stop();
  const removed = await openLatencyModels(store, deploymentsOf(undefined), clock);
  await removed.stop();
  await store.setMeta('control.latency.d', '{"key":"damaged"}');
  const third = await openLatencyModels(store, deploymentsOf(deployment('1', 0.1)), clock);
  assert.equal(third.of(deployment('1', 0.1)).calls, 0);
  await third.stop();
});
