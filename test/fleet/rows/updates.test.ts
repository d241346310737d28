/**
 * Updates under constant load on a real Swarm: what callers notice, which version answers them, and what the Swarm is
 * made to do while a version cannot come up. Nodes 2 and 3 hold the replicas.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { onTestbed, rowsMs } from '../../support/fleet-rows.ts';
import { simulatedVersion as version, startFleet, type Fleet } from '../../support/fleet.ts';
import { until } from '../../support/platform.ts';
import type { LoadReport } from '../../support/steady-load.ts';

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

    const running = async (version: string): Promise<number> =>
      (await fleet.deployment('steady')).replicas.filter((each) => each.version === version && each.state === 'ready')
        .length;

    test('a rolling update, start-first: no request fails, and none of those that serve goes before another is ready', async (t) => {
      let least = Number.POSITIVE_INFINITY;
      const report = await fleet.underLoad(t, 'steady', async () => {
        const at = performance.now();
        const moved = move(2);
        let over = false;
        void moved.finally(() => (over = true)).catch(() => {});
        while (!over) least = Math.min(least, (await running('1')) + (await running('2')));
        assert.equal((await moved).state, 'succeeded');
        return `version 1 → 2 in ${seconds(at)}, never fewer than ${least} ready`;
      });
      assert.deepEqual(report.failures, []);
      assert.deepEqual(versions(report), new Set(['1', '2']));
      assert.ok(least >= 2, `${least} were ready`);
      await fleet.settled('steady', 2);
    });

    for (const [broken, how, words] of [
      [
        3,
        'refuses to load',
        /version 3 failed to load: on node[23]: the simulated error at the load.*; version 2 keeps serving/,
      ],
      [4, 'ends while it warms up', /version 4 failed to load: .*on node[23].*; version 2 keeps serving/],
    ] as const) {
      test(`an update to a version that ${how}: no request fails or meets it, and what served serves on`, async (t) => {
        const report = await fleet.underLoad(t, 'steady', async ({ passed }) => {
          const at = performance.now();
          const { state, error } = await move(broken);
          assert.equal(state, 'failed');
          const refused = seconds(at);
          await passed(100);
          const { serving, state: now, reason = '' } = await fleet.deployment('steady');
          assert.equal(serving, '2');
          assert.equal(now, 'degraded');
          assert.match(reason, words);
          await until('one of it at most to prove itself', async () => {
            const { replicas } = await fleet.deployment('steady');
            return replicas.filter((each) => each.version === String(broken)).length <= 1 ? true : undefined;
          });
          assert.equal(await running('2'), 2);
          return `version 2 → ${broken} refused after ${refused}: ${error?.detail}`;
        });
        assert.deepEqual(report.failures, []);
        assert.deepEqual(versions(report), new Set(['2']));
        assert.equal((await move(2)).state, 'succeeded');
        await fleet.settled('steady', 2);
        await until('its service to be gone', async () =>
          (await fleet.services('steady')).length === 1 ? true : undefined,
        );
      });
    }
  });
});
