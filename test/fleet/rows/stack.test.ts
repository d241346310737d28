/**
 * A whole platform on a real Swarm of three engines, as its operator puts it there: `flyball up --orchestrator swarm`. Node 1
 * manages and has control; a gateway is on each, replicas on nodes 2 and 3. Callers know the gateways of two nodes.
 * A file of rows: it shares the testbed of `faults.test.ts`, or has its own.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { NodeView } from '../../../src/api/node-schemas.ts';
import type { Testbed } from '../../../testbed/testbed.ts';
import { onTestbed, rowsMs } from '../../support/fleet-rows.ts';
import { dockerCommand } from '../../support/fleet.ts';
import { callers, openStack, secondsSince, until, type Stack } from '../../support/stack.ts';

onTestbed(import.meta.url, 'a platform is wholly on a Swarm', rows);

function rows(testbed: Testbed): void {
  const workers: readonly [number, number] = [2, 3];

  describe('a platform on a Swarm', { timeout: rowsMs }, () => {
    let stack: Stack;

    before(async () => {
      stack = await openStack(testbed, 'whole');
      const placement = { constraints: ['node.role==worker'] };
      await stack.write({
        deployments: { steady: { model: 'steady@champion', replicas: { min: 2, max: 4 }, placement } },
      });
    });
    after(() => stack[Symbol.asyncDispose]());

    const up = () => stack.flyball('up', stack.specification, '--orchestrator', 'swarm');
    const replicas = () => workers.flatMap((node) => stack.containers(node, 'io.flyball.deployment=steady')).toSorted();

    test('it is put there by one command, which ends when every gateway serves', async (t) => {
      const at = performance.now();
      const { code, stdout, stderr } = await up();
      assert.equal(code, 0, stdout + stderr);
      t.diagnostic(`serves after ${secondsSince(at)}`);
      for (const node of [1, 2, 3]) {
        assert.equal(await stack.answers(node), 200);
        assert.match(stdout, new RegExp(`${testbed.node(node).hostname} +http://${testbed.node(node).address}:8000`));
      }
    });

    test('other verbs find it without flags', async () => {
      const { stdout } = await stack.flyball('nodes', '-o', 'json');
      const nodes = JSON.parse(stdout) as readonly NodeView[];
      assert.equal(nodes.length, 3);
      assert.match(
        await stack.status().then(({ store }) => store?.loss ?? ''),
        /bound to .*: gateways and replicas on other nodes serve on/,
      );
      const load = await stack.flyball('load', 'steady', '--rate', '20/s', '--duration', '1s');
      assert.equal(load.code, 0, load.stderr);
      const plan = await stack.flyball('plan', stack.specification);
      assert.equal(plan.code, 0, plan.stdout);
    });

    test('again it changes what is different, in place', async () => {
      const own = (node: number) => stack.containers(node, 'io.flyball.stack=whole');
      const [before, tasks] = [[1, 2, 3].map(own), replicas()];
      assert.equal((await up()).code, 0);
      assert.deepEqual([1, 2, 3].map(own), before);
      assert.deepEqual(replicas(), tasks);
    });

    test('control’s task is killed: gateways serve on, the next control adopts what runs', async (t) => {
      const before = replicas();
      const [control = ''] = stack.containers(1, 'io.flyball.role=control');
      const { failures, turned } = await stack.underLoad(t, workers, async () => {
        const at = performance.now();
        dockerCommand(testbed, 1, 'kill', control);
        const again = await until('another control', async () => {
          const { deployments } = await stack.status();
          return deployments[0]?.counts.ready === 2 ? deployments[0] : undefined;
        });
        assert.equal(again.replicas.length, 2);
        return `adopted after ${secondsSince(at)}`;
      });
      assert.deepEqual([failures, turned], [[], []]);
      assert.deepEqual(replicas(), before);
    });

    test('a gateway’s node loses power: callers that know two addresses go on through the other', async (t) => {
      let lostAt = 0;
      const { failures, turned } = await stack.underLoad(t, workers, async () => {
        lostAt = performance.now();
        await testbed.kill(2);
        await until('both replicas elsewhere', async () => {
          const [deployment] = (await stack.status()).deployments;
          const ready = deployment?.replicas.filter(
            ({ state, where }) => state === 'ready' && where.endsWith(testbed.node(3).hostname),
          );
          return ready?.length === 2 ? true : undefined;
        });
        return `full capacity after ${secondsSince(lostAt)}`;
      });
      assert.deepEqual(failures, [], 'nobody is without an answer who asks the other');
      // At most one for each caller was in flight at the moment, and each turns once.
      assert.ok(turned.length <= callers, JSON.stringify(turned));
      const back = performance.now();
      await testbed.start(2);
      await stack.servedAt(2);
      t.diagnostic(`the gateway serves again ${secondsSince(back)} after its node was switched on`);
    });

    test('the only manager is gone, with control: gateways serve on', async (t) => {
      const { failures } = await stack.underLoad(t, workers, async () => {
        const at = performance.now();
        await testbed.kill(1);
        assert.deepEqual([await stack.answers(2), await stack.answers(3)], [200, 200]);
        const alone = await stack.flyball('status');
        assert.equal(alone.code, 5, alone.stdout + alone.stderr);
        await testbed.start(1);
        await until('control', async () =>
          (await stack.status()).deployments[0]?.counts.ready === 2 ? true : undefined,
        );
        return `control is back after ${secondsSince(at)}`;
      });
      assert.deepEqual(failures, []);
      await stack.servedAt(1);
    });

    test('down leaves nothing but volumes', async () => {
      const { code, stderr } = await stack.flyball('down');
      assert.equal(code, 0, stderr);
      const left = (label: string) =>
        ['service', 'secret', 'config'].map((kind) =>
          dockerCommand(testbed, 1, kind, 'ls', '-q', '--filter', `label=${label}=whole`),
        );
      for (const label of ['io.flyball.stack', 'io.flyball.platform']) {
        assert.deepEqual(left(label), ['', '', '']);
        for (const node of [1, 2, 3]) assert.deepEqual(stack.containers(node, `${label}=whole`), []);
      }
      const again = await stack.flyball('down');
      assert.equal(again.code, 0, again.stderr);
    });
  });
}
