/**
 * Faults of a fleet on a real Swarm of three engines, under constant load: what callers notice, what the Swarm holds
 * afterwards, and how long it took. Node 1 manages and holds no replica; nodes 2 and 3 hold them. Times are printed, and
 * no more is asserted of them than a deadline. Other files of rows follow on the same testbed.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { Testbed } from '../../testbed/testbed.ts';
import { onTestbed, rowsMs } from '../support/fleet-rows.ts';
import { dockerCommand, simulatedVersion as version, startFleet, type Fleet } from '../support/fleet.ts';
import { until } from '../support/platform.ts';
import { childPid } from '../support/processes.ts';

onTestbed(import.meta.url, 'a fleet on a real Swarm stands its faults', rows, [
  new URL('rows/updates.test.ts', import.meta.url),
  new URL('rows/reasons.test.ts', import.meta.url),
  new URL('rows/stack.test.ts', import.meta.url),
]);

function rows(testbed: Testbed): void {
  const workers = { constraints: ['node.role==worker'] };
  const steady = { model: 'steady@champion', replicas: { min: 1, max: 6 }, placement: workers, drainMs: 5000 };

  describe('a fleet under constant load', { timeout: rowsMs }, () => {
    let fleet: Fleet;

    before(async () => {
      fleet = await startFleet(testbed, {
        models: {
          'steady/1/model.yaml': version(5),
          'steady/2/model.yaml': version(4),
          'steady/3/model.yaml': version(5, { at: 'load' }),
        },
        specification: {
          name: 'fleet',
          models: { steady: { path: './models/steady', aliases: { champion: 1 } } },
          deployments: { steady },
        },
      });
      await fleet.platform.serving();
      await scale(2);
    });
    after(() => fleet?.[Symbol.asyncDispose]());
    // A row that failed on its way leaves nothing to the next.
    afterEach(async () => {
      for (const number of [1, 2, 3]) {
        await testbed.start(number);
        await testbed.thaw(number);
        await testbed.heal(number);
      }
    });

    const scale = async (replicas: number): Promise<void> => {
      await fleet.change('POST', '/deployments/steady/scale', { replicas, by: 'test' });
      await fleet.settled('steady', replicas);
    };
    const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;
    /** A node that holds a replica, by number. */
    const holder = async (): Promise<number> => {
      const task = (await runningTasks()).at(0);
      const found = [2, 3].find((number) => testbed.node(number).hostname === task?.node);
      assert.ok(found !== undefined, `a worker with a replica; ${task?.node}`);
      return found;
    };

    /** One replica on each worker, so that a fault of one leaves the other. */
    const spread = async (): Promise<void> => {
      for (let tries = 0; tries < 3; tries += 1) {
        const nodes = new Set((await runningTasks()).map(({ node }) => node));
        if (nodes.size === 2) return;
        await scale(1);
        await scale(2);
      }
      assert.fail('the Swarm does not spread two replicas over two workers');
    };
    const runningTasks = async () =>
      (await fleet.tasks('steady')).filter(({ state, wanted }) => state === 'running' && wanted === 'running');
    /** Of the deployment, as the engines of both workers have them: what really runs. */
    const containers = (): number =>
      [2, 3].flatMap((number) =>
        dockerCommand(testbed, number, 'ps', '-q', '--filter', 'label=io.flyball.deployment=steady')
          .split('\n')
          .filter(Boolean),
      ).length;
    /** Two replicas are ready elsewhere. */
    const replaced = (number: number): Promise<true> =>
      until('replicas elsewhere', async () => {
        const { replicas } = await fleet.deployment('steady');
        const ready = replicas.filter(
          ({ state, where }) => state === 'ready' && !where.endsWith(testbed.node(number).hostname),
        );
        return ready.length >= 2 ? true : undefined;
      });
    const drifts = async (after: number) =>
      (await fleet.journal('subject=steady')).filter(({ action, at }) => action === 'drift' && at >= after);
    const drifted = (after: number, words: RegExp): Promise<true> =>
      until(`a drift ${words.source}`, async () =>
        (await drifts(after)).some(({ reason }) => words.test(reason)) ? true : undefined,
      );
    const serviceId = async (): Promise<string> => {
      const [service] = await fleet.services('steady');
      return service?.id ?? assert.fail('no service');
    };

    test('docker kill of a task', async (t) => {
      const number = await holder();
      const { failures } = await fleet.underLoad(t, 'steady', async ({ mark }) => {
        const ids = dockerCommand(testbed, number, 'ps', '-q', '--filter', 'label=io.flyball.deployment=steady');
        const [id = ''] = ids.trim().split('\n');
        const at = performance.now();
        mark();
        dockerCommand(testbed, number, 'kill', id);
        await until('its end to be seen', async () =>
          (await fleet.deployment('steady')).counts.ready < 2 ? true : undefined,
        );
        await fleet.settled('steady', 2);
        return `replaced after ${seconds(at)}`;
      });
      assert.deepEqual(failures, []);
    });

    test('a worker loses power', async (t) => {
      await spread();
      const number = await holder();
      const { failures } = await fleet.underLoad(t, 'steady', async ({ mark }) => {
        const at = performance.now();
        mark();
        await testbed.kill(number);
        await replaced(number);
        return `full capacity after ${seconds(at)}`;
      });
      assert.deepEqual(failures, []);
      await testbed.start(number);
      await fleet.settled('steady', 2);
    });

    test('a worker freezes with live connections', async (t) => {
      await spread();
      const number = await holder();
      const { failures } = await fleet.underLoad(t, 'steady', async ({ mark }) => {
        const at = performance.now();
        mark();
        await testbed.freeze(number);
        await replaced(number);
        const full = seconds(at);
        await testbed.thaw(number);
        await fleet.settled('steady', 2);
        return `full capacity after ${full}, and as many as there should be again after ${seconds(at)}`;
      });
      assert.deepEqual(failures, []);
      await until('as many containers', () => (containers() === 2 ? true : undefined));
    });

    test('a worker is cut off and healed: none is counted or fed twice', async (t) => {
      await spread();
      const number = await holder();
      const { failures } = await fleet.underLoad(t, 'steady', async ({ mark }) => {
        const at = performance.now();
        mark();
        await testbed.partition(number);
        await replaced(number);
        const full = seconds(at);
        const cut = containers();
        await testbed.heal(number);
        await fleet.settled('steady', 2);
        await until('as many containers', () => (containers() === 2 ? true : undefined));
        return `full capacity after ${full}; ${cut} containers while it was cut off, 2 again after ${seconds(at)}`;
      });
      assert.deepEqual(failures, []);
    });

    test('the only manager is gone and comes back: serving goes on, and nothing that runs is restarted', async (t) => {
      await spread();
      const before = await fleet.settled('steady', 2);
      const { failures } = await fleet.underLoad(t, 'steady', async ({ mark, passed }) => {
        const at = performance.now();
        mark();
        await testbed.kill(1);
        await passed(200);
        assert.equal((await fleet.deployment('steady')).counts.ready, 2);
        await testbed.start(1);
        await fleet.settled('steady', 2);
        return `reconciled ${seconds(at)} after it went`;
      });
      assert.deepEqual(failures, []);
      const { replicas } = await fleet.settled('steady', 2);
      const identity = (all: typeof replicas) => all.map(({ id, where }) => `${id} ${where}`).toSorted();
      assert.deepEqual(identity(replicas), identity(before.replicas));
    });

    test('control is killed: its successor adopts every replica', async (t) => {
      const before = await fleet.settled('steady', 2);
      const { failures } = await fleet.underLoad(t, 'steady', async ({ mark }) => {
        const at = performance.now();
        const pid = childPid(fleet.platform, 'control');
        mark();
        process.kill(pid, 'SIGKILL');
        await until('another control', () => (childPid(fleet.platform, 'control') === pid ? undefined : true));
        await fleet.settled('steady', 2);
        return `adopted after ${seconds(at)}`;
      });
      assert.deepEqual(failures, []);
      const { replicas } = await fleet.settled('steady', 2);
      const identity = (all: typeof replicas) => all.map(({ id, where }) => `${id} ${where}`).toSorted();
      assert.deepEqual(identity(replicas), identity(before.replicas));
    });

    test('scale 1 → 6 → 1', async (t) => {
      await scale(1);
      const { failures } = await fleet.underLoad(t, 'steady', async () => {
        const at = performance.now();
        await fleet.change('POST', '/deployments/steady/scale', { replicas: 6, by: 'test' });
        const [out, from] = [seconds(at), performance.now()];
        const { replicas } = await fleet.settled('steady', 6);
        const each = replicas.map(({ readyAfterMs = 0 }) => readyAfterMs).toSorted((left, right) => left - right);
        await scale(1);
        return `1 → 6 in ${out} (ready ${each.map((ms) => (ms / 1000).toFixed(1)).join(', ')} s after the decision), 6 → 1 in ${seconds(from)}`;
      });
      assert.deepEqual(failures, []);
      await scale(2);
    });

    test('docker node update --availability drain', async (t) => {
      await spread();
      const number = await holder();
      const { hostname } = testbed.node(number);
      const { failures } = await fleet.underLoad(t, 'steady', async ({ mark }) => {
        const at = performance.now();
        mark();
        dockerCommand(testbed, 1, 'node', 'update', '--availability', 'drain', hostname);
        await replaced(number);
        await fleet.settled('steady', 2);
        return `moved after ${seconds(at)}`;
      });
      dockerCommand(testbed, 1, 'node', 'update', '--availability', 'active', hostname);
      assert.deepEqual(failures, []);
    });

    test('somebody scales or removes the service by hand', async (t) => {
      const ask = (mode: string) =>
        fleet.change('PUT', '/deployments/steady/mode', { mode, reason: 'a test', by: 'test' }, false);
      await ask('advise');
      const at = Date.now();
      dockerCommand(testbed, 1, 'service', 'scale', '--detach', `${await serviceId()}=4`);
      await drifted(at, /4 replicas where 2 are held/);
      const told = Date.now() - at;
      await until('four tasks that are left alone', async () =>
        (await runningTasks()).length === 4 ? true : undefined,
      );
      assert.equal((await fleet.deployment('steady')).replicas.length, 2);
      await ask('approve');
      await fleet.settled('steady', 2);
      const next = Date.now();
      dockerCommand(testbed, 1, 'service', 'scale', '--detach', `${await serviceId()}=1`);
      await drifted(next, /1 replicas where 2 are held/);
      await fleet.settled('steady', 2);
      const last = Date.now();
      dockerCommand(testbed, 1, 'service', 'rm', await serviceId());
      await drifted(last, /the service is gone/);
      await fleet.settled('steady', 2);
      t.diagnostic(
        `drift told after ${told} ms; a service that was removed serves again after ${Date.now() - last} ms`,
      );
    });
  });
}
