/**
 * Changes under constant load: scaling 5 → 1, an update, an alias that moves, the end by SIGTERM. No request fails,
 * and once a change is said to be done every answer comes from what was asked for. Two gateway workers, so that each
 * change has to reach both.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import type { OperationView, StatusView } from '../../src/api/schemas.ts';
import { multiplier } from '../fixtures/models.ts';
import { v2 } from '../support/ask.ts';
import { runCli } from '../support/cli.ts';
import { alive } from '../support/processes.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';
import { startLoad, type LoadReport, type SteadyLoad } from '../support/steady-load.ts';

const row = v2({ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 1, 1, 1] });

/** By what each version multiplies, from answers of the whole load. */
function factorsOf({ answers }: LoadReport): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  for (const [text, count] of answers) {
    const { outputs } = JSON.parse(text) as { outputs: [{ data: number[] }] };
    const factor = outputs[0].data[0] as number;
    found.set(factor, (found.get(factor) ?? 0) + count);
  }
  return found;
}

describe('changes under constant load', { timeout: 240_000 }, () => {
  let platform: Platform;
  const load = (): SteadyLoad =>
    startLoad({
      url: `${platform.http}/v2/models/times/infer`,
      method: 'POST',
      body: row,
      headers: { 'content-type': 'application/json' },
      callers: 6,
      thinkMs: 0,
    });
  const cli = async (...args: readonly string[]): Promise<void> => {
    const { code, stderr } = await runCli(args, { FLYBALL_URL: platform.control });
    assert.equal(code, 0, stderr);
  };
  const replicas = async (): Promise<StatusView['deployments'][number]['replicas']> =>
    (await platform.status()).deployments[0]?.replicas ?? [];

  /** Load before, during and after; what answers after is what was asked for, and nobody failed. */
  async function underLoad(t: TestContext, what: string, after_: number, change: () => Promise<void>): Promise<void> {
    await using callers = load();
    await callers.passed(200);
    const startedAt = performance.now();
    await change();
    const ms = Math.round(performance.now() - startedAt);
    // A request that was under way when the change was said to be done may have been answered by what was there before.
    await callers.passed(6);
    const then = factorsOf(callers.seen());
    await callers.passed(300);
    const report = await callers.stop();
    const since = [...factorsOf(report)].filter(([factor, count]) => count > (then.get(factor) ?? 0));
    t.diagnostic(
      `${what} in ${ms} ms: ${report.ok} answered, ${report.failures.length} failed, slowest ${report.slowestMs.toFixed(0)} ms; answers after it × ${since.map(([factor]) => factor).join(', ')}`,
    );
    assert.deepEqual(report.failures, []);
    assert.deepEqual(
      since.map(([factor]) => factor),
      [after_],
    );
  }

  before(async () => {
    platform = await startPlatform({
      models: { 'times/1/model.onnx': multiplier(2), 'times/2/model.onnx': multiplier(3) },
      specification: {
        gateway: { workers: 2 },
        models: { times: { path: './models/times', aliases: { champion: 1, next: 1 } } },
        deployments: { times: { model: 'times@champion', replicas: { min: 1, max: 5 }, drainMs: 20_000 } },
      },
    });
    await platform.serving();
  });
  after(() => platform[Symbol.asyncDispose]());

  test('scaling 1 → 5 → 1 fails nobody', async (t) => {
    const scale = async (count: number): Promise<void> => {
      const response = await fetch(`${platform.control}/api/v1/deployments/times/scale`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ replicas: count, by: 'test' }),
      });
      const operation = (await response.json()) as OperationView;
      await until(`${count} replicas`, async () => {
        const seen = (await (
          await fetch(`${platform.control}/api/v1/operations/${operation.id}`)
        ).json()) as OperationView;
        if (seen.state === 'running') return undefined;
        assert.equal(seen.state, 'succeeded');
        return true;
      });
    };
    await underLoad(t, 'scale to 5', 2, () => scale(5));
    const five = await replicas();
    assert.equal(five.length, 5);
    await underLoad(t, 'scale to 1', 2, () => scale(1));
    const left = (await replicas()).map(({ id }) => id);
    assert.equal(left.length, 1);
    // A process each: what is unloaded gives its memory back.
    const gone = five.filter(({ id }) => !left.includes(id)).map(({ where }) => Number(/pid (\d+)/.exec(where)?.[1]));
    assert.deepEqual(gone.filter(alive), []);
  });

  test('an alias that moves takes every caller along', async (t) => {
    await underLoad(t, 'alias champion 1 → 2', 3, () => cli('models', 'alias', 'times', 'champion', '2'));
    await underLoad(t, 'alias champion 2 → 1', 2, () => cli('models', 'alias', 'times', 'champion', '1'));
  });

  test('an update to a version that is uploaded fails nobody, and afterwards that version answers alone', async (t) => {
    const file = join(platform.folder, 'seven.onnx');
    writeFileSync(file, multiplier(7));
    await underLoad(t, 'update 1 → 3', 7, () => cli('deploy', file, '--name', 'times', '--min', '1', '--max', '5'));
    await until('what served before to be gone', async () => ((await replicas()).length === 1 ? true : undefined));
  });

  test('SIGTERM under load answers everything that was admitted, and leaves no process', async (t) => {
    const status = await platform.status();
    const pids = [
      ...status.gateways.map(({ pid }) => pid),
      ...(await replicas()).map(({ where }) => Number(/pid (\d+)/.exec(where)?.[1])),
    ];
    await using callers = load();
    await callers.passed(200);
    const startedAt = performance.now();
    assert.equal(await platform.end('SIGTERM'), 0);
    const ms = Math.round(performance.now() - startedAt);
    const { ok, failures } = await callers.stop();
    const cut = failures.filter((failure) => failure !== 'ECONNREFUSED');
    t.diagnostic(`SIGTERM: ended in ${ms} ms, ${ok} answered, ${cut.length} failed before the port was closed`);
    assert.deepEqual(cut, []);
    assert.deepEqual(pids.filter(alive), []);
  });
});
