/**
 * The command line against real platforms, as somebody types it in the first hour: deploy a file and another version of
 * it, move an alias, plan and deploy a plan, break something, back up, start from what `init` wrote, stop twice.
 */
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { truncated, multiplier } from '../fixtures/models.ts';
import { runCli, type CliResult } from '../support/cli.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';
import { listProcesses } from '../support/processes.ts';

const input = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 1, 1, 1] }] });
const anyPorts = 'listeners: { http: { port: 0 }, grpc: { port: 0 }, metrics: { port: 0 }, control: { port: 0 } }\n';

describe('the command line on a platform that runs', { timeout: 600_000 }, () => {
  let platform: Platform;
  const flyball = (...args: string[]): Promise<CliResult> => runCli(args, { FLYBALL_URL: platform.control });
  const file = (name: string, content: Uint8Array | string): string => {
    const path = join(platform.folder, name);
    writeFileSync(path, content);
    return path;
  };
  /** The factor that a deployment multiplies with tells which version answered. */
  const factorOf = async (deployment: string): Promise<number> => {
    const { code, stdout, stderr } = await flyball('infer', deployment, file('in.json', input), '-o', 'json');
    assert.equal(code, 0, stderr);
    const { outputs } = JSON.parse(stdout) as { outputs: { data: number[] }[] };
    return outputs[0]?.data[0] ?? Number.NaN;
  };

  before(async () => {
    platform = await startPlatform({
      models: { 'times/1/model.onnx': multiplier(2), 'times/2/model.onnx': multiplier(3) },
      specification: {
        models: { times: { path: './models/times', aliases: { champion: 1 } } },
        deployments: { times: { model: 'times@champion', slo: { p99Ms: 50 } } },
      },
    });
    await platform.serving();
  });
  after(() => platform[Symbol.asyncDispose]());

  test('deploy of a file says each step, and its last line is the address with the first answer', async () => {
    const first = await flyball('deploy', file('scale.onnx', multiplier(5)), '--max', '2');
    assert.equal(first.code, 0, first.stderr);
    assert.match(
      first.stderr,
      /^ ok {2}scale:1 {2}digest sha256:[0-9a-f]{8} {2}in FP32\[-1,4\] {2}out FP32\[-1,4\] +\d/m,
    );
    assert.match(first.stderr, /^ ok {2}scale: replica \S+ loaded and warmed +\d+\.\d s$/m);
    assert.match(first.stdout, /^ ok {2}http:\/\/127\.0\.0\.1:\d+\/v2\/models\/scale {3}first answer [\d.]+ ms\n$/);
    assert.equal(await factorOf('scale'), 5);

    const again = await flyball('deploy', file('scale.onnx', multiplier(5)), '--max', '2');
    assert.equal(again.code, 0, again.stderr);
    assert.equal((await flyball('models', 'show', 'scale', '-o', 'name')).stdout, 'scale:1\n');
  });

  test('deploy of other bytes under the same name is the next version, and takes over', async () => {
    const { code, stderr } = await flyball('deploy', file('other.onnx', multiplier(7)), '--name', 'scale');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /^ ok {2}scale:2 /m);
    assert.match(stderr, /^ ok {2}scale: version 2 serves/m);
    assert.equal(await factorOf('scale'), 7);
  });

  test('a file that is no model is refused by its name, and the version before it goes on serving', async () => {
    const path = file('broken.onnx', truncated());
    const { code, stdout, stderr } = await flyball('deploy', path, '--name', 'scale');
    assert.deepEqual([code, stdout], [1, '']);
    assert.ok(stderr.startsWith(`flyball deploy: ${path}: `), stderr);
    assert.equal(await factorOf('scale'), 7);
    const missing = await flyball('deploy', join(platform.folder, 'none.onnx'));
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /^flyball deploy: there is no .*none\.onnx$/m);
  });

  test('moving an alias moves what follows it; plan tells, and deploying the specification takes it back', async () => {
    const moved = await flyball('models', 'alias', 'times', 'champion', '2');
    assert.deepEqual([moved.code, moved.stdout], [0, 'times@champion is version 2\n'], moved.stderr);
    assert.equal(await factorOf('times'), 3);

    const specification = platform.specificationPath;
    const plan = await flyball('plan', specification);
    assert.equal(plan.code, 3, plan.stderr);
    assert.match(plan.stdout, /points times@champion from version 2 to version 1/);
    assert.match(plan.stdout, /drops the override by \S+: models\.times\.aliases\.champion = 2, \d+ s ago/);
    assert.match(plan.stdout, /stays: scale was deployed by/);
    const [, fingerprint = ''] = /--plan (\w+)$/m.exec(plan.stdout) ?? [];

    await flyball('models', 'alias', 'scale', 'champion', '2');
    const stale = await flyball('deploy', specification, '--plan', fingerprint);
    assert.equal(stale.code, 1);
    assert.match(stale.stderr, /PLAN_OUTDATED/);
    assert.equal(await factorOf('times'), 3);

    const now = (await flyball('plan', specification, '-o', 'name')).stdout.trim();
    const deployed = await flyball('deploy', specification, '--plan', now);
    assert.equal(deployed.code, 0, deployed.stderr);
    assert.equal(deployed.stdout.split('\n').length, 2, 'only what the specification names');
    assert.equal(await factorOf('times'), 2);
    assert.equal((await flyball('plan', specification)).code, 0);
  });

  test('a specification that names a model that is not there stops nothing', async () => {
    const path = file('wrong.yaml', 'deployments: { times: { model: tims } }\n');
    for (const verb of ['plan', 'deploy']) {
      const { code, stdout, stderr } = await flyball(verb, path);
      assert.deepEqual([code, stdout], [2, ''], stderr);
      assert.match(stderr, /deployments\.times\.model: no model has the name tims; did you mean times\?/);
    }
    assert.equal(await factorOf('times'), 2);
  });

  test('every verb that finds something prints JSON on stdout alone, and nothing piped holds an escape', async () => {
    const verbs = [
      ['status'],
      ['status', 'times'],
      ['models'],
      ['models', 'show', 'times'],
      ['plan', platform.specificationPath],
      ['explain', 'deployments.times.queue'],
      ['infer', 'times', file('in.json', input)],
      ['load', 'times', '--callers', '2', '--duration', '200ms'],
      ['deploy', platform.specificationPath],
    ];
    const results = await Promise.all(verbs.map((verb) => flyball(...verb, '-o', 'json')));
    for (const [index, { code, stdout, stderr }] of results.entries()) {
      const verb = (verbs[index] ?? []).join(' ');
      assert.equal(code, 0, `${verb}: ${stderr}`);
      JSON.parse(stdout);
      assert.ok(!`${stdout}${stderr}`.includes('\u001B'), verb);
    }
  });

  test('down with a name ends that deployment alone', async () => {
    const { code, stderr } = await flyball('down', 'scale');
    assert.equal(code, 0, stderr);
    assert.match(stderr, /scale is stopped and removed; its model stays/);
    assert.equal((await flyball('status', '-o', 'name')).stdout, 'times\n');
    assert.match((await flyball('models', '-o', 'name')).stdout, /^scale$/m);
  });

  test('a backup made while it runs, restored, serves beside it; down ends the one that is named and no other', async () => {
    const backup = join(platform.folder, 'backup');
    const restored = join(platform.folder, 'restored');
    const made = await runCli(['backup', backup, '--data-dir', platform.dataDirectory]);
    assert.deepEqual([made.code, made.stdout], [0, `${backup}\n`], made.stderr);
    const brought = await runCli(['restore', backup, '--data-dir', restored]);
    assert.equal(brought.code, 0, brought.stderr);

    const up = await runCli(['up', platform.specificationPath, '--detach', '--data-dir', restored]);
    try {
      assert.equal(up.code, 0, up.stderr);
      assert.match(up.stderr, /detached: pid \d+/);
      assert.ok(!/times:1/.test(up.stderr), 'its versions are there: nothing is uploaded again');
      const status = await runCli(['status', '-o', 'name', '--data-dir', restored]);
      assert.equal(status.stdout, 'times\n');
    } finally {
      const down = await runCli(['down', '--data-dir', restored]);
      assert.equal(down.code, 0, down.stderr);
      assert.match(down.stderr, /stopped/);
    }
    const again = await runCli(['down', '--data-dir', restored]);
    assert.deepEqual([again.code, again.stderr], [0, `  nothing is running on ${restored}\n`]);
    assert.equal(await factorOf('times'), 2);
  });
});

test('what init writes for a model file, up serves', { timeout: 300_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-test-'));
  const [model, specification, data] = ['scale.onnx', 'flyball.yaml', 'data'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  try {
    writeFileSync(model, multiplier(5));
    const init = await runCli(['init', model, '--file', specification]);
    assert.deepEqual([init.code, init.stdout], [0, `${specification}\n`]);
    assert.equal((await runCli(['init', model, '--file', specification])).code, 2, 'it does not overwrite');
    appendFileSync(specification, anyPorts);
    const up = await runCli(['up', specification, '-d', '--data-dir', data]);
    assert.equal(up.code, 0, up.stderr);
    const infer = await runCli(['infer', 'scale', '-', '--type', 'json', '--data-dir', data], {}, Buffer.from(input));
    assert.match(infer.stdout, /^y {2}FP32\[1,4\] {2}5 5 5 5$/m, infer.stderr);
  } finally {
    const down = await runCli(['down', '--data-dir', data]);
    assert.equal(down.code, 0, down.stderr);
    assert.equal(existsSync(join(data, 'supervisor.json')), false);
    rmSync(folder, { recursive: true, force: true });
  }
});

test(
  'Ctrl-C waits for what is in flight; again, it ends at once with 130 and leaves nothing behind',
  { timeout: 300_000 },
  async () => {
    const tensors = [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }];
    await using platform = await startPlatform({
      models: {
        'slow/model.yaml': JSON.stringify({
          platform: 'simulated',
          warmUp: { batchSizes: [1], budgetMs: 1 },
          simulated: { inputs: tensors, outputs: [{ ...tensors[0], name: 'y' }], serviceMs: 20_000 },
        }),
      },
      specification: { models: { slow: { path: './models/slow' } }, deployments: { slow: { model: 'slow' } } },
    });
    await platform.serving();
    const request = fetch(`${platform.http}/v2/models/slow/infer`, { method: 'POST', body: input }).then(
      ({ status }) => status,
      () => 0,
    );
    await until('the request to be in flight', async () => {
      const { deployments } = await platform.status();
      return (deployments[0]?.load.inFlight ?? 0) > 0 ? true : undefined;
    });
    platform.process.kill('SIGINT');
    await until('the drain to be told', () =>
      /draining, 1 request in flight/.test(platform.output().stderr) ? true : undefined,
    );
    const began = performance.now();
    assert.equal(await platform.end('SIGINT'), 130, 'the process itself must still run to get the second one');
    assert.ok(performance.now() - began < 10_000, 'it did not wait for the twenty seconds of the request');
    assert.notEqual(await request, 200);
    assert.match(platform.output().stderr, /stopping at once/);
    assert.deepEqual(
      listProcesses().filter(({ command }) => command.includes(platform.folder)),
      [],
    );
  },
);
