/**
 * What changes under constant load: versions, aliases, the number of replicas. No request that
 * was admitted fails, and what answers afterwards is what was asked for. Two gateway workers, so that every change has
 * to reach both.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import type { DeploymentView, OperationView, PlanView, Problem } from '../../src/api/schemas.ts';
import { multiplier } from '../fixtures/models.ts';
import { runCli, type CliResult } from '../support/cli.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';
import { startLoad, type SteadyLoad } from '../support/steady-load.ts';

const input = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 1, 1, 1] }] });

describe('a platform with two gateway workers under load', { timeout: 300_000 }, () => {
  let platform: Platform;

  before(async () => {
    platform = await startPlatform({
      models: { 'times/1/model.onnx': multiplier(2), 'times/2/model.onnx': multiplier(3) },
      specification: {
        gateway: { workers: 2 },
        models: { times: { path: './models/times', aliases: { champion: 1 } } },
        deployments: {
          times: { model: 'times@champion', replicas: { min: 2, max: 3 }, drainMs: 10_000, probationMs: 500 },
        },
      },
    });
    await platform.serving();
  });
  after(() => platform[Symbol.asyncDispose]());

  const load = (headers: Readonly<Record<string, string>> = {}): SteadyLoad =>
    startLoad({
      url: `${platform.http}/v2/models/times/infer`,
      method: 'POST',
      body: input,
      headers: { 'content-type': 'application/json', ...headers },
      callers: 6,
    });
  const cli = (...args: readonly string[]): Promise<CliResult> =>
    runCli(args, { FLYBALL_URL: platform.control, FLYBALL_USER: 'ada' });
  const call = async (method: string, path: string, body: unknown): Promise<Response> =>
    fetch(`${platform.control}/api/v1/${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const ended = (operation: OperationView): Promise<OperationView> =>
    until(`the end of ${operation.kind} ${operation.subject}`, async () => {
      const response = await fetch(`${platform.control}/api/v1/operations/${operation.id}`);
      const seen = (await response.json()) as OperationView;
      return seen.state === 'running' ? undefined : seen;
    });
  const deployment = async (): Promise<DeploymentView> => {
    const [found] = (await platform.status()).deployments;
    assert.ok(found !== undefined);
    return found;
  };
  const scale = async (replicas: number): Promise<OperationView> => {
    const response = await call('POST', 'deployments/times/scale', { replicas, by: 'ada' });
    assert.equal(response.status, 202, await response.clone().text());
    return ended((await response.json()) as OperationView);
  };
  /** What the model answers now, several times over, so that both workers and every replica have been asked. */
  const factors = async (): Promise<ReadonlySet<number>> => {
    const found = new Set<number>();
    for (let asked = 0; asked < 30; asked++) {
      const response = await fetch(`${platform.http}/v2/models/times/infer`, {
        method: 'POST',
        body: input,
        headers: { connection: 'close' },
      });
      const { outputs } = (await response.json()) as { outputs: [{ data: number[] }] };
      found.add(outputs[0].data[0] as number);
    }
    return found;
  };

  test('moving an alias moves every caller to the other version, and fails nobody', async () => {
    await using callers = load();
    await callers.passed(300);
    const moved = await cli('models', 'alias', 'times', 'champion', '2');
    assert.equal(moved.code, 0, moved.stderr);
    assert.deepEqual(await factors(), new Set([3]));
    await until('the old replicas to go', async () => ((await deployment()).replicas.length === 2 ? true : undefined));
    await callers.passed(300);
    assert.deepEqual((await callers.stop()).failures, []);
  });

  test('a version that is uploaded and deployed takes over without a failed request; plan and status name the override', async () => {
    const file = join(platform.folder, 'five.onnx');
    writeFileSync(file, multiplier(5));
    await using callers = load();
    await callers.passed(100);
    const deployed = await cli('deploy', file, '--name', 'times', '--min', '2', '--max', '3');
    assert.equal(deployed.code, 0, deployed.stderr);
    assert.deepEqual(await factors(), new Set([5]));
    await callers.passed(300);
    assert.deepEqual((await callers.stop()).failures, []);
    const { overrides } = await platform.status();
    const override = overrides.find(({ path }) => path === 'deployments.times');
    assert.equal(override?.owner, 'ada');
    assert.ok(Math.abs(Date.now() - (override?.at ?? 0)) < 60_000);
    const status = await cli('status');
    assert.match(status.stdout + status.stderr, /times .*by ada, \d+ s ago/);
    const plan = await cli('plan', platform.specificationPath);
    assert.equal(plan.code, 3);
    assert.match(plan.stdout, /drops the override by ada: deployments\.times/);
  });

  test('scaling out and in drops nothing, and keeps within the bounds', async () => {
    for (const [replicas, says] of [
      [4, /2 to 3 replicas, got 4/],
      [1, /2 to 3 replicas, got 1/],
    ] as const) {
      const response = await call('POST', 'deployments/times/scale', { replicas, by: 'ada' });
      const problem = (await response.json()) as Problem;
      assert.equal(response.status, 422);
      assert.equal(problem.code, 'OUT_OF_BOUNDS');
      assert.match(problem.detail, says);
    }
    await until('what served before to be given up', async () =>
      (await deployment()).replicas.length === 2 ? true : undefined,
    );
    await using callers = load();
    await callers.passed(100);
    assert.equal((await scale(3)).state, 'succeeded');
    assert.equal((await deployment()).counts.ready, 3);
    await callers.passed(200);
    assert.equal((await scale(2)).state, 'succeeded');
    assert.equal((await deployment()).replicas.length, 2);
    await callers.passed(200);
    assert.deepEqual((await callers.stop()).failures, []);
  });

  test('deploying the specification drops the overrides after saying so, and serves as it says, with nobody failed', async () => {
    await scale(3);
    await using callers = load();
    await callers.passed(100);
    const deployed = await cli('deploy', platform.specificationPath);
    assert.equal(deployed.code, 0, deployed.stderr);
    assert.match(deployed.stderr, /drops the override deployments\.times = .* by ada/);
    assert.match(deployed.stderr, /drops the override deployments\.times\.replicas = 3 by ada/);
    assert.match(deployed.stderr, /drops the override models\.times\.aliases\.champion = 2 by ada/);
    assert.deepEqual(await factors(), new Set([2]));
    await callers.passed(200);
    assert.deepEqual((await callers.stop()).failures, []);
    assert.deepEqual((await platform.status()).overrides, []);
    assert.equal((await cli('plan', platform.specificationPath)).code, 0);
  });

  test('of two that apply at once, one is done and the other done after it or refused; never half of each', async () => {
    const specification = parse(readFileSync(platform.specificationPath, 'utf8')) as object;
    const wish = (max: number) => ({
      specification: {
        ...specification,
        deployments: {
          times: { model: 'times@champion', replicas: { min: 2, max }, drainMs: 10_000, probationMs: 500 },
        },
      },
      models: {},
    });
    const plans = await Promise.all(
      [4, 5].map(async (max) => (await (await call('POST', 'plan', wish(max))).json()) as PlanView),
    );
    const answers = await Promise.all(
      [4, 5].map((max, index) =>
        call('PUT', 'specification', { resolved: wish(max), fingerprint: plans[index]?.fingerprint, by: 'ada' }),
      ),
    );
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted((left, right) => left - right),
      [202, 409],
    );
    const refused = (await answers.find(({ status }) => status === 409)?.json()) as Problem;
    assert.equal(refused.code, 'PLAN_OUTDATED');
    const done = answers.findIndex(({ status }) => status === 202);
    assert.equal((await ended((await answers[done]?.json()) as OperationView)).state, 'succeeded');
    assert.equal((await deployment()).max, done === 0 ? 4 : 5);
  });

  test('each worker serves, and the metrics are those of both', async () => {
    const { gateways } = await platform.status();
    assert.deepEqual(
      gateways.map(({ worker }) => worker),
      [0, 1],
    );
    assert.equal(new Set(gateways.map(({ revision }) => revision)).size, 1);
    const answered = async (): Promise<number> => {
      const text = await (await fetch(`${platform.metrics}/metrics`)).text();
      return [...text.matchAll(/^flyball_requests_total\{[^}]*outcome="ok"[^}]*\} (\d+)/gm)].reduce(
        (sum, [, count]) => sum + Number(count),
        0,
      );
    };
    const before = await answered();
    await using callers = load({ connection: 'close' });
    await callers.passed(200);
    const { ok } = await callers.stop();
    assert.equal((await answered()) - before, ok);
  });

  test('kill -9 of one worker costs only its own callers what was in flight', async () => {
    const { gateways } = await platform.status();
    await using callers = load();
    await callers.passed(100);
    process.kill(gateways[1]?.pid as number, 'SIGKILL');
    await callers.passed(300);
    const { failures } = await callers.stop();
    assert.ok(failures.length <= 6, failures.join('; '));
    assert.ok(!failures.includes('ECONNREFUSED'), 'the port stayed open');
    await until('both workers', async () => {
      const seen = (await platform.status()).gateways;
      return seen.length === 2 && seen[1]?.pid !== gateways[1]?.pid ? true : undefined;
    });
    assert.deepEqual(await factors(), new Set([2]));
  });
});
