/**
 * Clients as they are on PyPI, against deployments that sleep: they ask whether the model is ready before they call, and
 * take any error for the end. Each sequence has a deployment of its own, so that it finds one that nobody has woken.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { DeploymentView } from '../../src/api/schemas.ts';
import { simple } from '../fixtures/models.ts';
import { ask } from '../support/ask.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';
import { findPython, runExamples } from '../support/python.ts';

const woken = {
  tritonclient: ['http', 'http-many', 'http-aio', 'grpc', 'grpc-aio', 'grpc-stream'],
  kserve: ['kserve-rest', 'kserve-grpc'],
} as const;
const scripts = { tritonclient: 'sleeping_triton.py', kserve: 'sleeping_kserve.py' } as const;

describe('real clients of models that sleep', { timeout: 300_000 }, () => {
  let platform: Platform;

  before(async () => {
    const names = ['asked', ...woken.tritonclient, ...woken.kserve];
    const sleeps = { model: 'simple', replicas: { min: 0, idleMs: 600_000 } };
    platform = await startPlatform({
      models: { 'simple/1/model.onnx': simple() },
      specification: {
        models: { simple: { path: './models/simple' } },
        deployments: Object.fromEntries(names.map((name) => [name, sleeps])),
      },
    });
    await until('the gateway to know them', async () => {
      const { status } = await ask(`${platform.http}/v2/health/ready`);
      return status === 200 ? true : undefined;
    });
  });
  after(() => platform[Symbol.asyncDispose]());

  const views = async (names: readonly string[]): Promise<readonly DeploymentView[]> =>
    (await platform.status()).deployments.filter(({ name }) => names.includes(name));

  for (const set of ['tritonclient', 'kserve'] as const) {
    const { path, skip } = findPython(set);
    test(`every call of ${set} is answered, and only inference wakes`, { skip }, async (t) => {
      for (const { name, state, replicas } of await views([...woken[set], 'asked'])) {
        assert.deepEqual([name, state, replicas.length], [name, 'asleep', 0]);
      }
      const addresses = [platform.http, platform.grpc].map((url) => new URL(url).host);
      const results = await runExamples(path, scripts[set], addresses);
      for (const { name, error } of results) await t.test(name, () => assert.equal(error, undefined, error));
      const found = await until('each cold start to be told', async () => {
        const now = await views(woken[set]);
        return now.every(({ coldStart }) => coldStart !== undefined && coldStart !== null) ? now : undefined;
      });
      t.diagnostic(found.map(({ name, coldStart }) => `${name} ${Math.round(coldStart?.totalMs ?? 0)} ms`).join(', '));
      const [asked] = await views(['asked']);
      assert.deepEqual([asked?.state, asked?.replicas.length], ['asleep', 0], 'whoever only asks wakes nobody');
    });
  }
});
