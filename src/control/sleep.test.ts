/** Sleeping and waking through the whole of control: a real store, the loop, the channel; replicas are simulated. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deploymentSpecification } from '../config/specification.ts';
import { subscribe, type EventMap } from '../telemetry/events.ts';
import { ended, machine } from '../testing/control-machine.ts';
import { connectGateway, type FakeGateway } from '../testing/fake-gateway.ts';
import { until } from '../testing/until.ts';
import type { Control } from './control-options.ts';

const sleeper = (model: string, idleMs = 100_000) =>
  deploymentSpecification.parse({ model, replicas: { min: 0, max: 4, idleMs }, drainMs: 3000, probationMs: 100 });

const deploy = async (control: Control, model: string, idleMs?: number) =>
  ended(control, await control.service.deploy('d', { deployment: sleeper(model, idleMs), by: 'ada' }));

const stateOf = (control: Control, state: string) =>
  until(`it to be ${state}`, async () => {
    const view = await control.service.deployment('d');
    return view.state === state ? view : undefined;
  });

function waits(gateway: FakeGateway, count: number): void {
  gateway.demand.set('d', count === 0 ? { arrivals: 9 } : { arrivals: 9, queueLength: count, waitingMs: 3 });
  gateway.observe();
}

test('a deployment of min 0 starts nothing, and the gateways know what it is and that its callers may wait', async () => {
  await using place = await machine();
  await using control = await place.start();
  using gateway = await connectGateway(place.controlSocket);
  assert.equal((await deploy(control, 'm:1')).state, 'succeeded');
  const route = await until('the table', () => gateway.table()?.deployments[0]);
  assert.deepEqual([route.serving, route.wakes, route.callers], ['1', true, 'wait']);
  assert.deepEqual(route.versions[0]?.signature.inputs[0]?.name, 'x');
  const view = await stateOf(control, 'asleep');
  assert.deepEqual([view.desired, view.reason, place.world.starts()], [0, undefined, 0]);
});

test('a request that waits is answered for by one replica, started at once, and its cold start is told by stage', async () => {
  await using place = await machine();
  await using control = await place.start();
  using gateway = await connectGateway(place.controlSocket);
  await deploy(control, 'm:1');
  const told: EventMap['flyball:cold-start'][] = [];
  const unsubscribe = subscribe('flyball:cold-start', (event) => told.push(event));
  waits(gateway, 50);
  await stateOf(control, 'serving');
  assert.equal(place.world.starts(), 1);
  gateway.demand.set('d', { arrivals: 50, woken: { at: Date.now(), totalMs: 5000 } });
  gateway.observe();
  const { coldStart } = await until('the cold start', async () => {
    const view = await control.service.deployment('d');
    return view.coldStart === undefined ? undefined : { coldStart: view.coldStart };
  });
  unsubscribe();
  const { at: _, totalMs, ...stages } = coldStart;
  assert.equal(totalMs, 5000);
  const sum = Object.values(stages).reduce((left, right) => left + right, 0);
  assert.ok(Math.abs(sum - totalMs) < 1, `${JSON.stringify(stages)} add up to ${sum}`);
  assert.deepEqual([told.length, told[0]?.replica], [1, 'd-1']);
  await until('the gateways to know it', () => gateway.table()?.deployments[0]?.startSeconds === 5);
});

test('without a request for the idle time it drains and gives everything back; a request during the drain keeps it', async () => {
  await using place = await machine();
  await using control = await place.start();
  using gateway = await connectGateway(place.controlSocket);
  await deploy(control, 'm:1', 200);
  waits(gateway, 1);
  await stateOf(control, 'serving');
  // In flight on the replica by the gateway's word: it cannot be drained yet.
  gateway.outstanding.set('d-1', 1);
  waits(gateway, 0);
  await until('the drain', () => gateway.table()?.deployments[0]?.versions[0]?.replicas[0]?.state === 'draining');
  waits(gateway, 1);
  await until('the recall', () => gateway.table()?.deployments[0]?.versions[0]?.replicas[0]?.state === 'ready');
  assert.equal(place.world.starts(), 1, 'the same replica');
  gateway.outstanding.clear();
  waits(gateway, 0);
  await until('the end of the replica', () => place.world.replicas.size === 0);
  await stateOf(control, 'asleep');
});

test('scaling to zero puts it to sleep, scaling up wakes it with as many, and each is an operation with its steps', async () => {
  await using place = await machine();
  await using control = await place.start();
  using gateway = await connectGateway(place.controlSocket);
  await deploy(control, 'm:1');
  const up = await ended(control, await control.service.scale('d', { replicas: 2, by: 'ada' }));
  assert.equal(up.steps[0]?.text, '0 → 2 replicas wanted');
  assert.deepEqual([(await control.service.deployment('d')).counts.ready, place.world.starts()], [2, 2]);
  gateway.observe();
  const down = await ended(control, await control.service.scale('d', { replicas: 0, by: 'ada' }));
  assert.equal(down.steps[0]?.text, '2 → 0 replicas wanted: it goes to sleep');
  assert.equal(down.steps.filter(({ text }) => text.endsWith('drained and stopped')).length, 2);
  assert.deepEqual([place.world.replicas.size, (await stateOf(control, 'asleep')).desired], [0, 0]);
});

test('control that is killed while waking: the next one adopts the start, and wakes what waits', async () => {
  await using place = await machine(300);
  const first = await place.start();
  {
    using gateway = await connectGateway(place.controlSocket);
    await deploy(first, 'm:1');
    waits(gateway, 1);
    await until('the start', () => place.world.starts() === 1);
  }
  await first[Symbol.asyncDispose]();
  await using second = await place.start();
  await stateOf(second, 'serving');
  assert.equal(place.world.starts(), 1, 'the start was not done twice');
  await ended(second, await second.service.scale('d', { replicas: 0, by: 'ada' }));
  await second[Symbol.asyncDispose]();
  await using third = await place.start();
  using again = await connectGateway(place.controlSocket);
  assert.equal((await stateOf(third, 'asleep')).serving, '1');
  waits(again, 1);
  await stateOf(third, 'serving');
});

test('a load that fails is told to those that wait, tried again, and does not end what was asked', async () => {
  await using place = await machine();
  await using control = await place.start();
  using gateway = await connectGateway(place.controlSocket);
  place.broken.add('1');
  await deploy(control, 'm:1');
  waits(gateway, 2);
  const route = await until('the word to fail', () =>
    gateway.tables.flatMap(({ deployments }) => deployments).find(({ callers }) => callers === 'fail'),
  );
  assert.match(route.notReadyReason ?? '', /version 1 failed to load: Op Foo is not registered/);
  place.broken.clear();
  waits(gateway, 0);
  await stateOf(control, 'serving');
});

test('a new version of one that sleeps is loaded before it takes over; one that cannot be never does', async () => {
  await using place = await machine();
  await using control = await place.start();
  using gateway = await connectGateway(place.controlSocket);
  await deploy(control, 'm:1');
  assert.equal((await deploy(control, 'm:2')).state, 'succeeded');
  assert.deepEqual([(await control.service.deployment('d')).serving, place.world.starts()], ['2', 1]);
  gateway.observe();
  await ended(control, await control.service.scale('d', { replicas: 0, by: 'ada' }));
  place.broken.add('3');
  assert.equal((await deploy(control, 'm:3')).error?.code, 'MODEL_LOAD_FAILED');
  assert.equal((await control.service.deployment('d')).serving, '2');
});
