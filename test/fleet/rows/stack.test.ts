/**
 * A whole platform on a real Swarm of three engines, as its operator puts it there: `flyball up --orchestrator swarm`. Node 1
 * manages and has control; a gateway is on each, replicas on nodes 2 and 3. Callers know the gateways of two nodes.
 * A file of rows: it shares the testbed of `faults.test.ts`, or has its own.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import { stringify } from 'yaml';
import type { NodeView } from '../../../src/api/node-schemas.ts';
import type { StatusView } from '../../../src/api/schemas.ts';
import type { Testbed } from '../../../testbed/testbed.ts';
import { runCli, type CliResult } from '../../support/cli.ts';
import { onTestbed, rowsMs } from '../../support/fleet-rows.ts';
import { dockerCommand } from '../../support/fleet.ts';
import { until as untilWithin } from '../../support/platform.ts';
import { startTwoAddressLoad, type TwoAddressReport } from '../../support/two-addresses.ts';

/** A crowded machine makes this longer, and nothing else. */
const until = <T>(what: string, check: () => T | undefined | Promise<T | undefined>): Promise<T> =>
  untilWithin(what, check, 150_000);

onTestbed(import.meta.url, 'a platform is wholly on a Swarm', rows);

function rows(testbed: Testbed): void {
  const tensor = (of: string) => [{ name: of, datatype: 'FP32', shape: [-1, 4] }];
  const model = JSON.stringify({
    platform: 'simulated',
    simulated: { inputs: tensor('x'), outputs: tensor('y'), serviceMs: 5 },
  });
  const input = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }] });
  const callers = 4;

  describe('a platform on a Swarm', { timeout: rowsMs }, () => {
    let folder: string;
    let specification: string;
    let data: string;

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'fb-stack-'));
      await mkdir(join(folder, 'models/steady/1'), { recursive: true });
      await writeFile(join(folder, 'models/steady/1/model.yaml'), model);
      specification = join(folder, 'flyball.yaml');
      data = join(folder, 'data');
      await write({});
    });
    after(() => rm(folder, { recursive: true, force: true }));

    const write = (more: object): Promise<void> =>
      writeFile(
        specification,
        stringify({
          name: 'whole',
          auth: { keys: 'required' },
          orchestrator: { socket: testbed.node(1).socketPath },
          models: { steady: { path: './models/steady', aliases: { champion: 1 } } },
          deployments: {
            steady: {
              model: 'steady@champion',
              replicas: { min: 2, max: 4 },
              placement: { constraints: ['node.role==worker'] },
            },
          },
          ...more,
        }),
      );
    const flyball = (...args: readonly string[]): Promise<CliResult> =>
      runCli([...args, '--data-dir', data], { FLYBALL_API_KEY: '' }, undefined, 300_000);
    const up = (): Promise<CliResult> => flyball('up', specification, '--orchestrator', 'swarm');
    const status = async (): Promise<StatusView> => {
      const { code, stdout, stderr } = await flyball('status', '-o', 'json');
      if (stdout === '') throw new Error(`status ended with ${code}: ${stderr}`);
      return JSON.parse(stdout) as StatusView;
    };
    const address = (node: number): string => `http://${testbed.node(node).address}:8000`;
    const key = (): string => readFileSync(join(data, 'admin.key'), 'utf8').trim();
    const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;
    /** Containers of a label, as a node's engine has them. */
    const containers = (node: number, label: string): string[] =>
      dockerCommand(testbed, node, 'ps', '-q', '--no-trunc', '--filter', `label=${label}`).split('\n').filter(Boolean);
    const replicas = (): string[] =>
      [2, 3].flatMap((node) => containers(node, 'io.flyball.deployment=steady')).toSorted();
    const answers = async (node: number): Promise<number> => {
      const response = await fetch(`${address(node)}/v2/models/steady/infer`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${key()}` },
        body: input,
        signal: AbortSignal.timeout(5000),
      });
      await response.text();
      return response.status;
    };
    const servedAt = (node: number): Promise<true> =>
      until(`an answer of node ${node}`, async () => ((await answers(node)) === 200 ? true : undefined));

    /** Requests all the while, from before `act` until a hundred more have been answered after it. */
    async function underLoad(t: TestContext, act: () => Promise<string>): Promise<TwoAddressReport> {
      await using load = startTwoAddressLoad(
        [address(2), address(3)],
        '/v2/models/steady/infer',
        input,
        callers,
        key(),
      );
      await load.passed(50);
      const said = await act();
      await load.passed(100);
      const report = await load.stop();
      t.diagnostic(
        `${said}; ${report.ok} answered, ${report.failures.length} by neither address, ${report.turned.length} went to the other ` +
          `(${[...new Set(report.turned.map(({ why }) => why))].join(', ') || '-'}), slowest ${report.slowestMs.toFixed(0)} ms`,
      );
      return report;
    }

    test('it is put there by one command, which ends when every gateway serves', async (t) => {
      const at = performance.now();
      const { code, stdout, stderr } = await up();
      assert.equal(code, 0, stdout + stderr);
      t.diagnostic(`serves after ${seconds(at)}`);
      for (const node of [1, 2, 3]) {
        assert.equal(await answers(node), 200);
        assert.match(stdout, new RegExp(`${testbed.node(node).hostname} +${address(node)}`));
      }
    });

    test('other verbs find it without flags', async () => {
      const { stdout } = await flyball('nodes', '-o', 'json');
      const nodes = JSON.parse(stdout) as readonly NodeView[];
      assert.equal(nodes.length, 3);
      assert.match(
        await status().then(({ store }) => store?.loss ?? ''),
        /bound to .*: gateways and replicas on other nodes serve on/,
      );
      const load = await flyball('load', 'steady', '--rate', '20/s', '--duration', '1s');
      assert.equal(load.code, 0, load.stderr);
      const plan = await flyball('plan', specification);
      assert.equal(plan.code, 0, plan.stdout);
    });

    test('again it changes what is different, in place', async () => {
      const own = (node: number) => containers(node, 'io.flyball.stack=whole');
      const [before, tasks] = [[1, 2, 3].map(own), replicas()];
      assert.equal((await up()).code, 0);
      assert.deepEqual([1, 2, 3].map(own), before);
      assert.deepEqual(replicas(), tasks);
    });

    test('control’s task is killed: gateways serve on, the next control adopts what runs', async (t) => {
      const before = replicas();
      const [control = ''] = containers(1, 'io.flyball.role=control');
      const { failures, turned } = await underLoad(t, async () => {
        const at = performance.now();
        dockerCommand(testbed, 1, 'kill', control);
        const again = await until('another control', async () => {
          const { deployments } = await status();
          return deployments[0]?.counts.ready === 2 ? deployments[0] : undefined;
        });
        assert.equal(again.replicas.length, 2);
        return `adopted after ${seconds(at)}`;
      });
      assert.deepEqual([failures, turned], [[], []]);
      assert.deepEqual(replicas(), before);
    });

    test('a gateway’s node loses power: callers that know two addresses go on through the other', async (t) => {
      let lostAt = 0;
      const { failures, turned } = await underLoad(t, async () => {
        lostAt = performance.now();
        await testbed.kill(2);
        await until('both replicas elsewhere', async () => {
          const [deployment] = (await status()).deployments;
          const ready = deployment?.replicas.filter(
            ({ state, where }) => state === 'ready' && where.endsWith(testbed.node(3).hostname),
          );
          return ready?.length === 2 ? true : undefined;
        });
        return `full capacity after ${seconds(lostAt)}`;
      });
      assert.deepEqual(failures, [], 'nobody is without an answer who asks the other');
      // At most one for each caller was in flight at the moment, and each turns once.
      assert.ok(turned.length <= callers, JSON.stringify(turned));
      const back = performance.now();
      await testbed.start(2);
      await servedAt(2);
      t.diagnostic(`the gateway serves again ${seconds(back)} after its node was switched on`);
    });

    test('the only manager is gone, with control: gateways serve on', async (t) => {
      const { failures } = await underLoad(t, async () => {
        const at = performance.now();
        await testbed.kill(1);
        assert.deepEqual([await answers(2), await answers(3)], [200, 200]);
        const alone = await flyball('status');
        assert.equal(alone.code, 5, alone.stdout + alone.stderr);
        await testbed.start(1);
        await until('control', async () => ((await status()).deployments[0]?.counts.ready === 2 ? true : undefined));
        return `control is back after ${seconds(at)}`;
      });
      assert.deepEqual(failures, []);
      await servedAt(1);
    });

    test('down leaves nothing but volumes', async () => {
      const { code, stderr } = await flyball('down');
      assert.equal(code, 0, stderr);
      const left = (label: string) =>
        ['service', 'secret', 'config'].map((kind) =>
          dockerCommand(testbed, 1, kind, 'ls', '-q', '--filter', `label=${label}=whole`),
        );
      for (const label of ['io.flyball.stack', 'io.flyball.platform']) {
        assert.deepEqual(left(label), ['', '', '']);
        for (const node of [1, 2, 3]) assert.deepEqual(containers(node, `${label}=whole`), []);
      }
      const again = await flyball('down');
      assert.equal(again.code, 0, again.stderr);
    });
  });
}
