/**
 * Updates under constant load on a real Swarm: what callers notice, which version answers them, and what the Swarm is
 * made to do while a version cannot come up. Nodes 2 and 3 hold the replicas.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { onTestbed, rowsMs } from '../../support/fleet-rows.ts';
import { startFleet, type Fleet, type FleetTask } from '../../support/fleet.ts';
import type { LoadReport } from '../../support/steady-load.ts';

const tensor = (name: string) => [{ name, datatype: 'FP32', shape: [-1, 4] }];
const version = (serviceMs: number, fault?: object): string =>
  JSON.stringify({
    platform: 'simulated',
    simulated: { inputs: tensor('x'), outputs: tensor('y'), serviceMs, ...(fault === undefined ? {} : { fault }) },
  });

onTestbed(import.meta.url, 'updates on a real Swarm', (testbed) => {
  describe('an update under constant load', { timeout: rowsMs }, () => {
    let fleet: Fleet;

    before(async () => {
      fleet = await startFleet(testbed, {
        models: {
          'steady/1/model.yaml': version(5),
          'steady/2/model.yaml': version(4),
          'steady/3/model.yaml': version(5, { at: 'load', kind: 'error' }),
          'steady/4/model.yaml': version(5, { at: 'warm-up' }),
        },
        specification: {
          name: 'updates',
          models: { steady: { path: './models/steady', aliases: { champion: 1 } } },
          deployments: {
            steady: {
              model: 'steady@champion',
              replicas: { min: 2, max: 2 },
              placement: { constraints: ['node.role==worker'] },
              drainMs: 5000,
              probationMs: 1000,
            },
          },
        },
      });
      await fleet.settled('steady', 2);
    });
    after(() => fleet?.[Symbol.asyncDispose]());

    const move = (to: number) => fleet.change('PUT', '/models/steady/aliases/champion', { version: to, by: 'test' });
    const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;
    const versions = ({ answers }: LoadReport): ReadonlySet<string> =>
      new Set(
        [...answers.keys()].map((text) => (JSON.parse(text) as { readonly model_version: string }).model_version),
      );

    test('a rolling update', async (t) => {
      const { failures, ...report } = await fleet.underLoad(t, 'steady', async () => {
        const at = performance.now();
        const { state } = await move(2);
        assert.equal(state, 'succeeded');
        return `version 1 → 2 in ${seconds(at)}`;
      });
      assert.deepEqual(failures, []);
      assert.deepEqual(versions({ failures, ...report }), new Set(['1', '2']));
      await fleet.settled('steady', 2);
    });
  });
});
