/** Many models in little memory, through the whole of control: who is woken, who sleeps for it, and who has to wait. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { specification } from '../config/specification.ts';
import { ended, machine } from '../testing/control-machine.ts';
import { connectGateway, type FakeGateway } from '../testing/fake-gateway.ts';
import { until } from '../testing/until.ts';
import type { Control } from './control-options.ts';

/** A replica is expected to hold 144 MiB, and says that it holds 140. */
async function three(control: Control, memory: string): Promise<void> {
  const sleeper = { model: 'm:1', replicas: { min: 0, idleMs: 600_000 }, drainMs: 3000 };
  const resolved = {
    specification: specification.parse({
      models: { m: { path: 'm' } },
      deployments: { a: sleeper, b: sleeper, c: sleeper },
      node: { memory },
    }),
    models: {},
  };
  await ended(control, await control.service.apply({ resolved, by: 'ada' }));
}

function asks(gateway: FakeGateway, name: string, demand: Parameters<FakeGateway['demand']['set']>[1]): void {
  gateway.demand.set(name, demand);
  gateway.observe();
}

const states = async (control: Control): Promise<string> =>
  (await control.service.deployments()).map(({ name, state }) => `${name} ${state}`).join(', ');

const become = (control: Control, wanted: string): Promise<string> =>
  until(wanted, async () => {
    const seen = await states(control);
    return seen === wanted ? seen : undefined;
  });

test('the least recently asked sleeps for one that is asked, and gives its memory back before that is started', async () => {
  await using place = await machine();
  await using control = await place.start();
  using gateway = await connectGateway(place.controlSocket);
  await three(control, '300MiB');
  const waiting = { arrivals: 1, queueLength: 1, waitingMs: 1 };
  asks(gateway, 'a', waiting);
  await become(control, 'a serving, b asleep, c asleep');
  asks(gateway, 'a', { arrivals: 1 });
  asks(gateway, 'b', waiting);
  await become(control, 'a serving, b serving, c asleep');
  asks(gateway, 'b', { arrivals: 1 });
  asks(gateway, 'c', waiting);
  await become(control, 'a asleep, b serving, c serving');
  assert.deepEqual([...place.world.replicas.keys()].map((id) => id.slice(0, 1)).toSorted(), ['b', 'c']);
});

test('who is busy is left alone: the one that does not fit waits, and status says for what', async () => {
  await using place = await machine();
  await using control = await place.start();
  using gateway = await connectGateway(place.controlSocket);
  await three(control, '200MiB');
  asks(gateway, 'a', { arrivals: 1, queueLength: 1, waitingMs: 1 });
  await become(control, 'a serving, b asleep, c asleep');
  asks(gateway, 'a', { arrivals: 1, inFlight: 1 });
  asks(gateway, 'b', { arrivals: 1, queueLength: 1, waitingMs: 1 });
  const view = await until('it to say what it waits for', async () => {
    const seen = await control.service.deployment('b');
    return seen.reason?.includes('waits for memory') === true ? seen : undefined;
  });
  assert.equal(view.state, 'starting');
  assert.match(view.reason ?? '', /waits for memory: a replica needs about \d+ MiB, \d+ MiB of node\.memory's 200 MiB/);
  const route = gateway.table()?.deployments.find(({ name }) => name === 'b');
  assert.deepEqual([route?.callers, place.world.starts()], ['wait', 1]);
  // The moment that it is idle, it makes room.
  asks(gateway, 'a', { arrivals: 1 });
  await become(control, 'a asleep, b serving, c asleep');
});

test('one that is larger than all there is fails those that wait, with the figures', async () => {
  await using place = await machine();
  await using control = await place.start();
  using gateway = await connectGateway(place.controlSocket);
  await three(control, '100MiB');
  asks(gateway, 'a', { arrivals: 1, queueLength: 1, waitingMs: 1 });
  const route = await until('the word', () =>
    gateway.table()?.deployments.find(({ name, callers }) => name === 'a' && callers === 'fail'),
  );
  assert.match(route.notReadyReason ?? '', /a replica needs about 144 MiB, more than node\.memory, 100 MiB/);
  assert.equal(place.world.starts(), 0);
});

test('what was measured outlives control: a restart does not put anybody to sleep on a guess', async () => {
  await using place = await machine();
  // Two of 140 MiB as measured fit, two of 144 MiB as expected do not, nor one of each.
  const waiting = { arrivals: 1, queueLength: 1, waitingMs: 1 };
  {
    await using control = await place.start();
    using gateway = await connectGateway(place.controlSocket);
    const measured = (name: string): Promise<true> =>
      until(`${name} to be measured`, async () => {
        const { replicas } = await control.service.deployment(name);
        return replicas.some(({ residentBytes }) => residentBytes !== undefined) || undefined;
      });
    await three(control, '282MiB');
    asks(gateway, 'a', waiting);
    await measured('a');
    asks(gateway, 'a', { arrivals: 1 });
    asks(gateway, 'b', waiting);
    await become(control, 'a asleep, b serving, c asleep');
    await measured('b');
    asks(gateway, 'b', { arrivals: 1 });
    await until('nobody to ask b', async () => (await control.service.deployment('b')).load.queueLength === 0);
    await ended(control, await control.service.scale('b', { replicas: 0, by: 'ada' }));
    await become(control, 'a asleep, b asleep, c asleep');
  }
  await using control = await place.start();
  using gateway = await connectGateway(place.controlSocket);
  asks(gateway, 'a', waiting);
  await become(control, 'a serving, b asleep, c asleep');
  asks(gateway, 'a', { arrivals: 1 });
  asks(gateway, 'b', waiting);
  await become(control, 'a serving, b serving, c asleep');
});
