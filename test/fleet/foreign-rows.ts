/**
 * Replicas in images of somebody else on a real Swarm of one node: Python with a server of a few lines that knows nothing of
 * Flyball. Runs in the network of the testbed whose name it is given; orchestrator.test.ts has made it and its images.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { testbedNames } from '../../testbed/names.ts';
import { attachTestbed } from '../../testbed/testbed.ts';
import { startFleet, type Fleet } from '../support/fleet.ts';
import { pythonPath } from '../support/foreign-image.ts';
import { cliPath, until } from '../support/platform.ts';

const testbed = attachTestbed(testbedNames(process.env['FLYBALL_TEST_TESTBED'] ?? ''));
const docker = testbed.docker(1);
const limitMs = 120_000;
const python = pythonPath();
const four = (name: string) => [{ name, datatype: 'FP32', shape: [-1, 4] }];
const served = (server: object): string => JSON.stringify({ platform: 'server', server });

const models = {
  plus: served({ image: 'foreign/plus:1', address: 'http://127.0.0.1:8080' }),
  times: served({
    image: 'foreign/plus:1',
    command: [python, 'serve.py', 'torchserve', '{port}', '{files}'],
    protocol: 'torchserve',
    files: ['factor.txt'],
    inputs: four('x'),
    outputs: four('y'),
  }),
  bare: served({ image: 'foreign/bare:1' }),
  deaf: served({ image: 'foreign/plus:1', command: [python, 'serve.py', 'deaf', '{port}'], startMs: 10_000 }),
  nowhere: served({ image: 'foreign/nowhere:1', command: ['serve'] }),
};

void describe('replicas in images of somebody else', { timeout: 5 * limitMs }, () => {
  let fleet: Fleet;

  before(async () => {
    const names = Object.keys(models);
    const deployment = (model: string) => ({ model, replicas: { min: model === 'plus' ? 2 : 1, max: 2 } });
    fleet = await startFleet(testbed, {
      models: {
        ...Object.fromEntries(Object.entries(models).map(([name, text]) => [`${name}/model.yaml`, text])),
        'times/factor.txt': '3',
      },
      specification: {
        name: 'foreign',
        models: Object.fromEntries(names.map((name) => [name, { path: `./models/${name}` }])),
        deployments: Object.fromEntries(names.map((name) => [name, deployment(name)])),
      },
    });
  });
  after(() => fleet?.[Symbol.asyncDispose]());

  const ready = (name: string, count: number): Promise<boolean> =>
    until(
      `${count} replicas of ${name}`,
      async () => {
        const { counts, state } = await fleet.deployment(name);
        if (counts.ready !== count) throw new Error(JSON.stringify(state));
        return true;
      },
      limitMs,
    );
  const infer = async (name: string, rows: readonly (readonly number[])[]): Promise<unknown> => {
    const inputs = [{ name: 'x', datatype: 'FP32', shape: [rows.length, 4], data: rows.flat() }];
    const url = `${fleet.platform.http}/v2/models/${name}/infer`;
    const response = await fetch(url, { method: 'POST', body: JSON.stringify({ inputs }) });
    const { outputs } = (await response.json()) as { outputs?: readonly { readonly data: unknown }[] };
    assert.equal(response.status, 200);
    return outputs?.[0]?.data;
  };
  const containersOf = (name: string) =>
    docker.listContainers({ filters: { label: [`io.flyball.deployment=${name}`] } });

  void test('what the image itself starts answers, behind the runner, as the image’s user', async () => {
    await ready('plus', 2);
    assert.deepEqual(await infer('plus', [[1, 2, 3, 4]]), [2, 3, 4, 5]);
    for (const { Id, Image } of await containersOf('plus')) {
      assert.equal(Image, 'foreign/plus:1');
      const { Processes } = (await docker.getContainer(Id).top({ ps_args: '-eo pid,uid,args' })) as {
        Processes: string[][];
      };
      assert.deepEqual(
        Processes.map(([, uid]) => uid),
        ['1000', '1000'],
      );
      assert.match(Processes.flat().join('\n'), /flyball runner[^]*serve\.py v2/);
    }
  });

  void test('one of two that is killed fails no request, and is replaced', async (t) => {
    const { failures } = await fleet.underLoad(t, 'plus', async ({ mark }) => {
      const [first] = await containersOf('plus');
      const at = performance.now();
      mark();
      await docker.getContainer(first?.Id ?? '').kill();
      await until('its end to be seen', async () =>
        (await fleet.deployment('plus')).replicas.every(({ state }) => state === 'ready') ? undefined : true,
      );
      await fleet.settled('plus', 2);
      return `replaced after ${((performance.now() - at) / 1000).toFixed(1)} s`;
    });
    assert.deepEqual(failures, []);
  });

  void test('one that speaks TorchServe’s REST answers with a file of its version', async () => {
    await ready('times', 1);
    assert.deepEqual(
      await infer('times', [
        [1, 2, 3, 4],
        [5, 6, 7, 8],
      ]),
      [3, 6, 9, 12, 15, 18, 21, 24],
    );
  });

  void test('flyball status says what keeps each of the others from serving', async () => {
    const status = async (): Promise<string> => {
      const args = [cliPath, 'status', '--data-dir', join(fleet.platform.folder, 'data')];
      const { stdout } = await promisify(execFile)(process.execPath, args).catch((error: { stdout: string }) => error);
      return stdout;
    };
    const reasons = [
      /bare: .*the image foreign\/bare:1 starts nothing by itself .*expected server\.command/,
      /nowhere: .*its node refused it: No such image: foreign\/nowhere:1/,
      /deaf: .*not ready within 10000 ms .*answered 503: the weights are still looked for/,
    ];
    for (const reason of reasons) {
      await until(
        String(reason),
        async () => {
          const said = await status();
          if (!reason.test(said)) throw new Error(said);
          return true;
        },
        limitMs,
      );
    }
  });

  void test('when the platform ends nothing of it is left but volumes', async () => {
    await fleet.platform.end('SIGTERM');
    const isOurs = (labels: Readonly<Record<string, string>> = {}): boolean =>
      Object.values(labels).includes('foreign');
    const services = await docker.listServices();
    assert.deepEqual(
      services.filter(({ Spec }) => isOurs(Spec?.Labels)),
      [],
    );
    await until('its tasks are gone', async () => {
      const tasks = (await docker.listTasks()) as readonly {
        readonly Spec: { readonly ContainerSpec: { readonly Labels?: Record<string, string> } };
      }[];
      return tasks.some(({ Spec }) => isOurs(Spec.ContainerSpec.Labels)) ? undefined : true;
    });
  });
});
