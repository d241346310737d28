/** What the design promises for each process that dies, with real processes killed under load. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { StatusView } from '../../src/api/schemas.ts';
import { addsub, doubler, truncated, unknownOperator } from '../fixtures/models.ts';
import { runCli } from '../support/cli.ts';
import { alive, childPid } from '../support/processes.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';
import { startLoad, type LoadTarget } from '../support/steady-load.ts';

const ones = Array.from({ length: 16 }, () => 1);
const body = JSON.stringify({
  inputs: ['INPUT0', 'INPUT1'].map((name) => ({ name, datatype: 'INT32', shape: [1, 16], data: ones })),
});

function pidsOf(status: StatusView, deployment: string): number[] {
  const found = status.deployments.find(({ name }) => name === deployment);
  return (found?.replicas ?? [])
    .filter(({ state }) => state === 'ready')
    .map(({ where }) => Number(/pid (\d+)/.exec(where)?.[1]));
}

describe('a platform under load', () => {
  let platform: Platform;
  let target: LoadTarget;

  before(async () => {
    platform = await startPlatform({
      models: { 'addsub/1/model.onnx': addsub() },
      specification: {
        models: { addsub: { path: './models/addsub' } },
        deployments: { addsub: { model: 'addsub', replicas: { min: 2, max: 4 } } },
      },
    });
    await platform.serving();
    target = {
      url: `${platform.http}/v2/models/addsub/infer`,
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
      callers: 8,
    };
  });
  after(() => platform[Symbol.asyncDispose]());

  test('a gateway that starts while control is dead serves from the table on disk', async () => {
    const controlPid = childPid(platform, 'control');
    process.kill(controlPid, 'SIGSTOP');
    try {
      process.kill(childPid(platform, 'gateway'), 'SIGKILL');
      const answer = await until('the next gateway to answer', async () => {
        const response = await fetch(target.url, {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/json' },
        });
        return response.status === 200 ? response : undefined;
      });
      assert.equal(answer.status, 200);
    } finally {
      process.kill(controlPid, 'SIGCONT');
    }
    await platform.serving();
  });

  test('a bad request is refused while the good ones around it are answered', async () => {
    await using load = startLoad(target);
    await load.passed(50);
    for (const bad of ['{', '{"inputs":[]}', body.replace('INT32', 'FP32'), body.replace('[1,16]', '[1,15]'), '']) {
      const response = await fetch(target.url, { method: 'POST', body: bad });
      assert.equal(response.status, 400, bad);
      assert.equal(typeof ((await response.json()) as { error: unknown }).error, 'string');
    }
    await load.passed(50);
    assert.deepEqual((await load.stop()).failures, []);
  });

  test("a version that cannot be loaded says why in the runtime's words and never replaces the good one", async () => {
    const file = join(platform.folder, 'broken.onnx');
    writeFileSync(file, unknownOperator());
    await using load = startLoad(target);
    await load.passed(50);
    const result = await runCli(['deploy', file, '--name', 'addsub', '--timeout', '20s'], {
      FLYBALL_URL: platform.control,
    });
    assert.equal(result.code, 1, result.stderr);
    assert.match(
      result.stderr + result.stdout,
      /NoSuchOperator|not a registered function|Unknown|unsupported|No Op registered/i,
    );
    await load.passed(200);
    assert.deepEqual((await load.stop()).failures, []);
    const garbage = join(platform.folder, 'garbage.onnx');
    writeFileSync(garbage, truncated());
    const refused = await runCli(['deploy', garbage, '--name', 'garbage'], { FLYBALL_URL: platform.control });
    assert.ok(refused.code === 1 || refused.code === 2, `exit code ${refused.code}`);
  });

  test('SIGTERM fails no request that had been admitted, and leaves no process and no socket behind', async () => {
    await using other = await startPlatform({
      models: { 'double/1/model.onnx': doubler() },
      specification: {
        models: { double: { path: './models/double' } },
        deployments: { double: { model: 'double', replicas: { min: 2, max: 2 } } },
      },
    });
    const status = await other.serving();
    const pids = [...pidsOf(status, 'double'), ...status.gateways.map(({ pid }) => pid)];
    await using load = startLoad({
      url: `${other.http}/v2/models/double/infer`,
      method: 'POST',
      body: JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }] }),
      callers: 4,
    });
    await load.passed(100);
    assert.equal(await other.end('SIGTERM'), 0);
    const { failures } = await load.stop();
    // Once the port is closed there is nobody to ask; before that, every request is answered.
    const unexpected = failures.filter((failure) => failure !== 'ECONNREFUSED');
    assert.deepEqual(unexpected, []);
    assert.deepEqual(pids.filter(alive), []);
    assert.equal(existsSync(join(other.dataDirectory, 'run', 'lifeline.sock')), false);
  });

  test('when the supervisor is killed, everything that it had started notices and stops', async () => {
    await using other = await startPlatform({
      models: { 'addsub/1/model.onnx': addsub() },
      specification: { models: { addsub: { path: './models/addsub' } }, deployments: { addsub: { model: 'addsub' } } },
    });
    const status = await other.serving();
    const pids = [...pidsOf(status, 'addsub'), ...status.gateways.map(({ pid }) => pid), childPid(other, 'control')];
    await other.end('SIGKILL');
    await until('every child to stop', () => (pids.some(alive) ? undefined : true), 15_000);
  });
});
