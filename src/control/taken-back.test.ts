/**
 * A version that takes over and ends before it has proved itself: what served before takes over again, and whatever
 * waited for the version ends too.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deploymentOf, ended, machine } from '../testing/control-machine.ts';
import { connectGateway } from '../testing/fake-gateway.ts';
import { until } from '../testing/until.ts';

test('the operation that brought it ends with why it was taken back, and scaling goes on with what serves', async () => {
  await using place = await machine();
  await using control = await place.start();
  using gateway = await connectGateway(place.controlSocket);
  const deploymentTo = (version: number) => ({
    deployment: { ...deploymentOf(`m:${version}`), probationMs: 60_000 },
    by: 'ada',
  });
  const serves = (version: string): Promise<true> =>
    until(`version ${version} in the table`, () =>
      gateway.table()?.deployments[0]?.serving === version ? true : undefined,
    );
  await ended(control, await control.service.deploy('d', deploymentTo(1)));

  // It ends while the gateway has not yet said that it has the table: the operation is not over.
  gateway.confirms = false;
  const operation = await control.service.deploy('d', deploymentTo(2));
  await serves('2');
  await place.world.kill('d-2', 'killed by SIGSEGV on the tenth request');
  await serves('1');
  gateway.confirms = true;
  gateway.observe();
  const { state, error } = await ended(control, operation);
  assert.equal(state, 'failed');
  assert.equal(error?.code, 'VERSION_REVERTED');
  assert.match(error?.detail ?? '', /^d: version 2 took over and ended: killed by SIGSEGV on the tenth request$/);

  const scaled = await ended(control, await control.service.scale('d', { replicas: 2, by: 'ada' }));
  assert.equal(scaled.state, 'succeeded');
  const { serving, counts, reason } = await control.service.deployment('d');
  assert.deepEqual([serving, counts.ready], ['1', 2]);
  assert.match(reason ?? '', /version 2 took over and ended at once/);
});
