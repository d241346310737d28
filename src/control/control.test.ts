import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResolvedSpecification } from '../api/schemas.ts';
import { specification } from '../config/specification.ts';
import { deploymentOf, ended, machine } from '../testing/control-machine.ts';
import { connectGateway } from '../testing/fake-gateway.ts';
import { until } from '../testing/until.ts';

const wish = (deployments: Record<string, unknown>, aliases: Record<string, number> = {}): ResolvedSpecification => ({
  specification: specification.parse({ models: { m: { path: 'm', aliases } }, deployments }),
  models: {},
});

test('a deployment comes up, is told to the gateways, and the operation says each step and its time', async () => {
  await using place = await machine();
  await using control = await place.start();
  using gateway = await connectGateway(place.controlSocket);
  const operation = await control.service.deploy('d', { deployment: deploymentOf('m:1', 2), by: 'ada' });
  const done = await ended(control, operation);
  assert.equal(done.state, 'succeeded');
  const steps = done.steps.map(({ text }) => text).toSorted();
  assert.deepEqual(steps, [
    'd: replica d-1 loaded and warmed',
    'd: replica d-2 loaded and warmed',
    'd: set to version 1, 2 to 4 replicas',
    'd: version 1 serves',
  ]);
  assert.ok(done.steps.every(({ text, durationMs }) => !text.includes('warmed') || (durationMs ?? 0) > 0));
  // The first replica that is ready serves already; the table that has both follows.
  const route = await until('the table with both', () =>
    gateway.table()?.deployments.find(({ versions }) => versions[0]?.replicas.length === 2),
  );
  assert.equal(route.serving, '1');
  assert.deepEqual(
    route.versions[0]?.replicas.map(({ id, state }) => [id, state]),
    [
      ['d-1', 'ready'],
      ['d-2', 'ready'],
    ],
  );
  const view = await control.service.deployment('d');
  assert.deepEqual(view.counts, { starting: 0, ready: 2, serving: 2, draining: 0, failed: 0 });
});

test('an update brings the new version up beside the old; the gateways never see fewer ready replicas', async () => {
  await using place = await machine();
  await using control = await place.start();
  await ended(control, await control.service.deploy('d', { deployment: deploymentOf('m:1', 2), by: 'ada' }));
  using gateway = await connectGateway(place.controlSocket);
  await until('the first table', () => gateway.table());
  const done = await ended(
    control,
    await control.service.deploy('d', { deployment: deploymentOf('m:2', 2), by: 'ada' }),
  );
  assert.equal(done.state, 'succeeded');
  await until('the old ones to go', async () => (await control.service.deployment('d')).replicas.length === 2);
  for (const table of gateway.tables) {
    const [route] = table.deployments;
    const serving = route?.versions.find(({ version }) => version === route.serving);
    assert.equal(serving?.replicas.filter(({ state }) => state === 'ready').length, 2);
  }
  assert.equal(gateway.table()?.deployments[0]?.serving, '2');
});

test('a replica with work in flight is not stopped until the gateway says that it has none', async () => {
  await using place = await machine();
  await using control = await place.start();
  using gateway = await connectGateway(place.controlSocket);
  await ended(control, await control.service.deploy('d', { deployment: deploymentOf('m:1'), by: 'ada' }));
  await ended(control, await control.service.scale('d', { replicas: 2, by: 'ada' }));
  gateway.outstanding.set('d-1', 1).set('d-2', 2);
  gateway.observe();
  const operation = await control.service.scale('d', { replicas: 1, by: 'ada' });
  const draining = await until('a draining replica in the table', () =>
    gateway
      .table()
      ?.deployments.flatMap(({ versions }) => versions.flatMap(({ replicas }) => replicas))
      .find(({ state }) => state === 'draining'),
  );
  assert.ok(place.world.replicas.has(draining.id));
  gateway.outstanding.clear();
  gateway.observe();
  assert.equal((await ended(control, operation)).state, 'succeeded');
  assert.equal(place.world.replicas.has(draining.id), false);
});

test('a version that cannot load fails the operation with the words of the runtime, and the good one keeps serving', async () => {
  await using place = await machine();
  await using control = await place.start();
  using gateway = await connectGateway(place.controlSocket);
  await ended(control, await control.service.deploy('d', { deployment: deploymentOf('m:1'), by: 'ada' }));
  place.broken.add('2');
  const done = await ended(control, await control.service.deploy('d', { deployment: deploymentOf('m:2'), by: 'ada' }));
  assert.equal(done.error?.code, 'MODEL_LOAD_FAILED');
  assert.match(done.error?.detail ?? '', /Op Foo is not registered/);
  const view = await control.service.deployment('d');
  assert.equal(view.state, 'degraded');
  assert.equal(view.serving, '1');
  assert.equal(gateway.table()?.deployments[0]?.serving, '1');
});

test('a replica that dies is replaced at once', async () => {
  await using place = await machine();
  await using control = await place.start();
  await ended(control, await control.service.deploy('d', { deployment: deploymentOf('m:1'), by: 'ada' }));
  await place.world.kill('d-1', 'killed by SIGKILL');
  await until('the next one', () => place.world.replicas.has('d-2'));
  await until('it to serve', async () => (await control.service.deployment('d')).state === 'serving');
});

test('replicas that end one after another are replaced more and more slowly, and status says why and when', async () => {
  await using place = await machine();
  await using control = await place.start();
  await ended(control, await control.service.deploy('d', { deployment: deploymentOf('m:1'), by: 'ada' }));
  const serving = () =>
    until('it to serve', async () => {
      const { state, replicas } = await control.service.deployment('d');
      return state === 'serving' ? replicas[0]?.id : undefined;
    });
  await place.world.kill(await serving(), 'killed by SIGSEGV on the tenth request');
  await place.world.kill(await serving(), 'killed by SIGSEGV on the tenth request');
  const { state, reason } = await until('the wait', async () => {
    const view = await control.service.deployment('d');
    return view.state === 'failed' ? view : undefined;
  });
  assert.equal(state, 'failed');
  assert.match(
    reason ?? '',
    /a replica of version 1 ended: killed by SIGSEGV on the tenth request \(trying again in 1 s\)/,
  );
  const { warnings } = await control.service.status();
  assert.ok(warnings.some((warning) => warning.includes('SIGSEGV')));
  await serving();
  assert.equal(place.world.starts(), 3);
});

test('when the disk is full, what runs goes on, status says what cannot be done, and it is done once there is room', async () => {
  await using place = await machine();
  await using control = await place.start();
  await ended(control, await control.service.deploy('d', { deployment: deploymentOf('m:1'), by: 'ada' }));
  place.disk.full = true;
  await place.world.kill('d-1', 'killed by SIGKILL');
  await until('the warning', async () => {
    const { warnings } = await control.service.status();
    return warnings.includes('replicas cannot be looked after: the disk is full') || undefined;
  });
  place.disk.full = false;
  await until('it to serve', async () => (await control.service.deployment('d')).state === 'serving' || undefined);
  const { warnings } = await control.service.status();
  assert.ok(!warnings.some((warning) => warning.includes('the disk')));
});

test('after a restart control adopts what runs, starts nothing, and never publishes a table without it', async () => {
  await using place = await machine();
  const first = await place.start();
  await ended(first, await first.service.deploy('d', { deployment: deploymentOf('m:1', 2), by: 'ada' }));
  const before = (await first.service.deployment('d')).replicas.map(({ id }) => id);
  await first[Symbol.asyncDispose]();
  await using second = await place.start();
  using gateway = await connectGateway(place.controlSocket);
  await until('the table', () => gateway.table());
  await until('the deployment', async () => (await second.service.deployment('d')).state === 'serving');
  assert.equal(place.world.starts(), 2);
  assert.deepEqual((await second.service.deployment('d')).replicas.map(({ id }) => id).toSorted(), before.toSorted());
  for (const table of gateway.tables) assert.equal(table.deployments[0]?.versions[0]?.replicas.length, 2);
  // Revisions go on where the last control stopped.
  assert.ok((gateway.tables[0]?.revision ?? 0) > 1);
});

test('an operation that control did not finish is finished by the next', async () => {
  await using place = await machine();
  const first = await place.start();
  const operation = await first.service.deploy('d', { deployment: deploymentOf('m:1', 2), by: 'ada' });
  await first[Symbol.asyncDispose]();
  await using second = await place.start();
  const done = await ended(second, operation);
  assert.equal(done.state, 'succeeded');
  assert.equal(place.world.replicas.size, 2);
});

test('moving an alias updates the deployments that follow it', async () => {
  await using place = await machine();
  await using control = await place.start();
  await ended(control, await control.service.setAlias('m', 'champion', 1, 'ada'));
  await ended(control, await control.service.deploy('d', { deployment: deploymentOf('m@champion'), by: 'ada' }));
  const done = await ended(control, await control.service.setAlias('m', 'champion', 3, 'ada'));
  assert.equal(done.state, 'succeeded');
  assert.equal((await control.service.deployment('d')).serving, '3');
});

test('a specification with a deployment of nothing is refused before anything is touched', async () => {
  await using place = await machine();
  await using control = await place.start();
  const { service } = control;
  await ended(control, await service.apply({ resolved: wish({ d: { model: 'm:1' } }), by: 'ada' }));
  const cases: readonly [string, RegExp][] = [
    ['n', /^deployments\.e\.model: no model has the name n; did you mean m\?$/],
    ['m:9', /^deployments\.e\.model: m has no version 9/],
    ['m@best', /^deployments\.e\.model: m has no alias best/],
  ];
  for (const [model, message] of cases) {
    const resolved = wish({ e: { model } });
    await assert.rejects(service.plan(resolved), { code: 'INVALID_SPECIFICATION', message });
    await assert.rejects(service.apply({ resolved, by: 'ada' }), { code: 'INVALID_SPECIFICATION', message });
  }
  assert.equal((await service.deployment('d')).state, 'serving');
});

test('scaling outside the bounds is refused, inside it is an override that applying the specification drops', async () => {
  await using place = await machine();
  await using control = await place.start();
  const { service } = control;
  const specified = wish({ d: { model: 'm:1', replicas: { min: 1, max: 3 } } });
  await ended(control, await service.apply({ resolved: specified, by: 'ada' }));
  await assert.rejects(service.scale('d', { replicas: 4, by: 'bob' }), { code: 'OUT_OF_BOUNDS' });
  await ended(control, await service.scale('d', { replicas: 3, by: 'bob' }));
  const plan = await service.plan(specified);
  assert.deepEqual(
    plan.overridesDropped.map(({ path, value, owner }) => ({ path, value, owner })),
    [{ path: 'deployments.d.replicas', value: 3, owner: 'bob' }],
  );
  await ended(control, await service.apply({ resolved: specified, fingerprint: plan.fingerprint, by: 'ada' }));
  await until('one replica', async () => (await service.deployment('d')).replicas.length === 1);
  assert.deepEqual((await service.specification()).overrides, []);
});

test('an alias is an override only where the specification says where it points', async () => {
  await using place = await machine();
  await using control = await place.start();
  const { service } = control;
  await ended(control, await service.apply({ resolved: wish({}, { champion: 1 }), by: 'ada' }));
  await service.setAlias('m', 'challenger', 2, 'bob');
  assert.deepEqual((await service.specification()).overrides, []);
  await service.setAlias('m', 'champion', 2, 'bob');
  const { overrides } = await service.specification();
  assert.deepEqual(
    overrides.map(({ path, value, owner }) => ({ path, value, owner })),
    [{ path: 'models.m.aliases.champion', value: 2, owner: 'bob' }],
  );
  await service.apply({ resolved: wish({}, { champion: 1 }), by: 'ada' });
  assert.deepEqual((await service.model('m')).aliases, { champion: 1, challenger: 2 });
});

test('what is being removed is not scaled', async () => {
  await using place = await machine();
  await using control = await place.start();
  const { service } = control;
  await ended(control, await service.deploy('d', { deployment: deploymentOf('m:1'), by: 'ada' }));
  const removal = await service.removeDeployment('d', 'ada');
  await assert.rejects(service.scale('d', { replicas: 2, by: 'bob' }), { code: 'CONFLICT' });
  assert.equal((await ended(control, removal)).state, 'succeeded');
  await assert.rejects(service.scale('d', { replicas: 2, by: 'bob' }), { code: 'DEPLOYMENT_NOT_FOUND' });
});

test('a plan that was made for another state is refused', async () => {
  await using place = await machine();
  await using control = await place.start();
  const specified = wish({ d: { model: 'm:1' } });
  const { fingerprint } = await control.service.plan(specified);
  await ended(control, await control.service.setAlias('m', 'champion', 1, 'ada'));
  await assert.rejects(control.service.apply({ resolved: specified, fingerprint, by: 'ada' }), {
    code: 'PLAN_OUTDATED',
  });
});

test('what the specification no longer names is drained and removed', async () => {
  await using place = await machine();
  await using control = await place.start();
  const { service } = control;
  const both = wish({ d: { model: 'm:1' }, e: { model: 'm:2' } });
  await ended(control, await service.apply({ resolved: both, by: 'ada' }));
  await service.deploy('beside', { deployment: deploymentOf('m:3'), by: 'bob' });
  const done = await ended(control, await service.apply({ resolved: wish({ d: { model: 'm:1' } }), by: 'ada' }));
  assert.equal(done.state, 'succeeded');
  const names = (await service.deployments()).map(({ name }) => name);
  assert.deepEqual(names, ['beside', 'd']);
});

test('at the end of the platform every replica is ended and the wish stays for the next start', async () => {
  await using place = await machine();
  const first = await place.start();
  await ended(first, await first.service.deploy('d', { deployment: deploymentOf('m:1'), by: 'ada' }));
  await first.drain(1000);
  assert.equal(place.world.replicas.size, 0);
  await first[Symbol.asyncDispose]();
  await using second = await place.start();
  await until('it to serve', async () => (await second.service.deployment('d')).state === 'serving');
});
