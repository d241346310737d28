/**
 * What is there again after a kill at any moment and after a new start: the registry whole, every operation finished or
 * failed and none done twice, overrides with their owner, and nothing of the dead left over.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import type { ModelView, OperationView, StatusView } from '../../src/api/schemas.ts';
import { multiplier } from '../fixtures/models.ts';
import { runCli } from '../support/cli.ts';
import { alive, childPid, runnersOf } from '../support/processes.ts';
import { cliPath, startPlatform, until, type Platform } from '../support/platform.ts';
import { startLoad } from '../support/steady-load.ts';

const input = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 1, 1, 1] }] });

const start = (): Promise<Platform> =>
  startPlatform({
    models: { 'times/1/model.onnx': multiplier(2), 'times/2/model.onnx': multiplier(3) },
    specification: {
      models: { times: { path: './models/times', aliases: { champion: 1 } } },
      deployments: {
        times: { model: 'times@champion', replicas: { min: 1, max: 3 }, drainMs: 5000, probationMs: 500 },
      },
    },
  });

async function get<T>(platform: Platform, path: string): Promise<T> {
  const response = await fetch(`${platform.control}/api/v1/${path}`);
  assert.equal(response.status, 200, path);
  return (await response.json()) as T;
}

test('control killed at random moments of changes: each is done or not, none twice, and no caller notices', async () => {
  await using platform = await start();
  await platform.serving();
  await using load = startLoad({
    url: `${platform.http}/v2/models/times/infer`,
    method: 'POST',
    body: input,
    callers: 2,
  });
  const call = async (method: string, path: string, body?: Uint8Array | object): Promise<Response | undefined> => {
    const bytes = body instanceof Uint8Array;
    try {
      return await fetch(`${platform.control}/api/v1/${path}`, {
        method,
        headers: { 'content-type': bytes ? 'application/octet-stream' : 'application/json' },
        ...(body === undefined ? {} : { body: bytes ? new Uint8Array(body) : JSON.stringify(body) }),
      });
    } catch {
      return undefined; // control died with it in hand: whether it was done is seen in the store
    }
  };
  for (let round = 1; round <= 5; round++) {
    const factor = 10 + round;
    const changes = (async () => {
      await call('POST', 'models/times/versions', multiplier(factor));
      await call('PUT', 'models/times/aliases/champion', { version: (round % 2) + 1, by: 'ada' });
      await call('POST', 'deployments/times/scale', { replicas: (round % 3) + 1, by: 'ada' });
      await call('PUT', 'deployments/beside', { deployment: { model: 'times', drainMs: 1000 }, by: 'ada' });
    })();
    const killAfterMs = Math.random() * 300;
    await new Promise((resolve) => {
      setTimeout(resolve, killAfterMs);
    });
    const before = childPid(platform, 'control');
    process.kill(before, 'SIGKILL');
    await changes;
    const where = `round ${round}, killed after ${Math.round(killAfterMs)} ms`;
    await until(`every operation to end (${where})`, async () => {
      if (childPid(platform, 'control') === before) return undefined;
      const operations = await get<OperationView[]>(platform, 'operations');
      return operations.every(({ state }) => state !== 'running') ? true : undefined;
    });
    const times = (await get<ModelView[]>(platform, 'models')).find(({ name }) => name === 'times');
    const versions = times?.versions ?? [];
    assert.equal(new Set(versions.map(({ digest }) => digest)).size, versions.length, where);
    assert.ok(versions.length >= 2 && versions.length <= 2 + round, where);
    for (const hash of [2, 3].map((each) => createHash('sha256').update(multiplier(each)).digest('hex')))
      assert.ok(existsSync(join(platform.dataDirectory, 'artefacts', 'sha256', hash.slice(0, 2), hash)), where);
    const settled = await until(`as many replicas as are wanted (${where})`, async () => {
      const { deployments } = await platform.status();
      return deployments.every(({ state, counts, desired, replicas }) => {
        return state === 'serving' && counts.ready === desired && replicas.length === desired;
      })
        ? deployments
        : undefined;
    });
    const wanted = settled.reduce((sum, { desired }) => sum + desired, 0);
    await until(`no runner more than wanted (${where})`, () => runnersOf(platform).length === wanted || undefined);
  }
  assert.deepEqual((await load.stop()).failures, []);
});

async function upAgain(
  platform: Platform,
  args: readonly string[],
): Promise<AsyncDisposable & { readonly status: StatusView; readonly said: string }> {
  const child: ChildProcess = spawn(process.execPath, [cliPath, 'up', ...args, '--data-dir', platform.dataDirectory], {
    cwd: platform.dataDirectory,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const closed = new Promise<void>((resolve) => {
    child.on('close', () => resolve());
  });
  const dispose = async (): Promise<void> => {
    child.kill('SIGTERM');
    await closed;
  };
  try {
    const status = await until('it to serve again', async () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${said}`);
      if (!said.includes('Try:')) return undefined;
      const { listeners } = JSON.parse(readFileSync(join(platform.dataDirectory, 'supervisor.json'), 'utf8')) as {
        listeners: { control: { url: string } };
      };
      const seen = (await (await fetch(`${listeners.control.url}/api/v1/status`)).json()) as StatusView;
      return seen.deployments.length > 0 && seen.deployments.every(({ state }) => state === 'serving')
        ? seen
        : undefined;
    });
    return { status, said, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

test('a start on the same data directory keeps overrides without a specification, and drops them with one, saying so', async () => {
  await using platform = await start();
  await platform.serving();
  const scaled = await fetch(`${platform.control}/api/v1/deployments/times/scale`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ replicas: 2, by: 'ada' }),
  });
  assert.equal(scaled.status, 202);
  const file = join(platform.folder, 'beside.onnx');
  writeFileSync(file, multiplier(7));
  const deployed = await runCli(['deploy', file], { FLYBALL_URL: platform.control, FLYBALL_USER: 'bob' });
  assert.equal(deployed.code, 0, deployed.stderr);
  assert.equal(await platform.end('SIGTERM'), 0);
  const owners = ({ overrides }: StatusView) => overrides.map(({ path, owner }) => `${path} ${owner}`).toSorted();
  const desired = ({ deployments }: StatusView) => deployments.map((each) => `${each.name} ${each.desired}`).toSorted();
  {
    // Its listeners too are those of the specification that was applied last: free ports, not the usual ones.
    await using again = await upAgain(platform, []);
    assert.deepEqual(owners(again.status), ['deployments.beside bob', 'deployments.times.replicas ada']);
    assert.deepEqual(desired(again.status), ['beside 1', 'times 2']);
    assert.ok(!again.status.listeners['http']?.url.endsWith(':8000'), again.said);
  }
  {
    await using again = await upAgain(platform, [platform.specificationPath]);
    assert.match(again.said, /drops the override deployments\.times\.replicas = 2 by ada/);
    assert.deepEqual(owners(again.status), ['deployments.beside bob']);
    assert.deepEqual(desired(again.status), ['beside 1', 'times 1']);
  }
  const changed = parse(readFileSync(platform.specificationPath, 'utf8')) as { models: { times: { aliases: object } } };
  changed.models.times.aliases = { champion: 2 };
  writeFileSync(platform.specificationPath, stringify(changed));
  await using again = await upAgain(platform, [platform.specificationPath]);
  assert.equal(again.status.deployments.find(({ name }) => name === 'times')?.serving, '2');
});

test('after kill -9 of the supervisor a start at once works, and nothing is there twice', async () => {
  await using platform = await start();
  await platform.serving();
  const before = runnersOf(platform);
  assert.equal(before.length, 1);
  await platform.end('SIGKILL');
  await using again = await upAgain(platform, [platform.specificationPath]);
  const [deployment] = again.status.deployments;
  assert.equal(deployment?.counts.ready, 1);
  await until('the old runner to go', () => !before.some(alive) || undefined);
  await until('one runner', () => runnersOf(platform).length === 1 || undefined);
});
