/** A deployment that is deployed by itself, and a specification that comes later: no figure hides an alert of its name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deploymentSpecification, specification } from '../config/specification.ts';
import { ended, machine } from '../testing/control-machine.ts';

const signals = { slow: { match: { alertname: 'Slow' } } };
const withAlerts = {
  specification: specification.parse({
    alerts: { webhooks: { alertmanager: { bearer: { env: 'TOKEN' } } }, signals },
  }),
  models: {},
};
const withMetric = (name: string) =>
  deploymentSpecification.parse({
    model: 'm:1',
    replicas: { min: 1, max: 4 },
    scaling: { metrics: { [name]: { url: 'http://127.0.0.1:9', query: 'x', multiplier: {} } } },
  });
const refused = {
  code: 'INVALID_SPECIFICATION',
  message: /deployments\.d\.scaling\.metrics\.slow is the name of a signal/,
};

test('whichever of them comes second is refused by name', async () => {
  await using place = await machine();
  await using control = await place.start();
  const { service } = control;
  await ended(control, await service.apply({ resolved: withAlerts, by: 'ada' }));
  await assert.rejects(service.deploy('d', { deployment: withMetric('slow'), by: 'ada' }), refused);
  await ended(control, await service.deploy('d', { deployment: withMetric('campaign'), by: 'ada' }));
  const without = { ...withAlerts, specification: specification.parse({}) };
  await ended(control, await service.apply({ resolved: without, by: 'ada' }));
  await ended(control, await service.deploy('d', { deployment: withMetric('slow'), by: 'ada' }));
  await assert.rejects(service.apply({ resolved: withAlerts, by: 'ada' }), refused);
});
