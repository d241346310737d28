/**
 * The machine's wall clock jumps by an hour, ahead and back, under a running platform: no caller notices, nothing is
 * restarted, swept or forgotten, and what is recorded stays in order. A real jump for real processes, by libfaketime;
 * monotonic time goes on, as it does on a machine whose clock is set.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { ModelView, OperationView, StatusView } from '../../src/api/schemas.ts';
import { multiplier } from '../fixtures/models.ts';
import { runCli } from '../support/cli.ts';
import { childPid } from '../support/processes.ts';
import { startPlatform, until } from '../support/platform.ts';
import { startLoad } from '../support/steady-load.ts';

const libraries = ['x86_64', 'aarch64'].map((arch) => `/usr/lib/${arch}-linux-gnu/faketime/libfaketime.so.1`);
const library = process.env['FLYBALL_FAKETIME'] ?? libraries.find((path) => existsSync(path));
if (library === undefined && process.env['CI'] === 'true') throw new Error('CI needs libfaketime (apt: libfaketime)');
const skip = library === undefined ? { skip: 'libfaketime is not installed (apt: libfaketime)' } : {};

const hourMs = 3_600_000;
const input = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 1, 1, 1] }] });

test(
  'the wall clock jumps by an hour, ahead and back: no effect on anybody',
  { ...skip, timeout: 300_000 },
  async (context: TestContext) => {
    const folder = mkdtempSync(join(tmpdir(), 'flyball-clock-'));
    context.after(() => rmSync(folder, { recursive: true, force: true }));
    const clockFile = join(folder, 'clock');
    const jumpTo = (seconds: number): void => {
      writeFileSync(`${clockFile}.new`, `${seconds < 0 ? '' : '+'}${seconds}s\n`);
      renameSync(`${clockFile}.new`, clockFile);
    };
    jumpTo(0);
    await using platform = await startPlatform({
      models: { 'times/1/model.onnx': multiplier(2), 'times/2/model.onnx': multiplier(3) },
      specification: {
        models: { times: { path: './models/times', aliases: { champion: 1 } } },
        deployments: {
          times: { model: 'times@champion', replicas: { min: 2, max: 2 }, probationMs: 500 },
          // Idle, and for a quarter of an hour no reason to give anything back, whatever the clock says.
          wave: {
            model: 'times:1',
            replicas: { min: 1, max: 4 },
            scaling: {
              mode: 'auto',
              modeReason: 'a test',
              policy: 'thresholds',
              parameters: { sustainedSeconds: 900 },
              budget: { amount: 100, periodMs: 3_600_000, pricePerHour: 1 },
            },
          },
        },
      },
      env: {
        LD_PRELOAD: library ?? '',
        FAKETIME_TIMESTAMP_FILE: clockFile,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      },
    });
    const get = async <T>(path: string): Promise<T> =>
      (await (await fetch(`${platform.control}/api/v1/${path}`)).json()) as T;
    const idsOf = ({ deployments }: StatusView): readonly string[] =>
      deployments
        .flatMap(({ replicas }) => replicas.filter(({ state }) => state === 'ready').map(({ id }) => id))
        .toSorted();
    const pids = (): readonly number[] => [childPid(platform, 'control'), childPid(platform, 'gateway')];

    await platform.serving();
    const scaled = await runCli(['scale', 'wave', '2'], { FLYBALL_URL: platform.control });
    assert.equal(scaled.code, 0, scaled.stderr);
    const governed = ({ deployments }: StatusView) => deployments.find(({ name }) => name === 'wave');
    let before = await until('two of the governed one', async () => {
      const status = await platform.status();
      const { counts, governor } = governed(status) ?? {};
      return counts?.ready === 2 && governor?.at !== undefined ? status : undefined;
    });
    const processes = pids();
    await using callers = startLoad({
      url: `${platform.http}/v2/models/times/infer`,
      method: 'POST',
      body: input,
      headers: { 'content-type': 'application/json', 'flyball-deadline-ms': '5000' },
      callers: 4,
    });
    await callers.passed(100);

    const told: string[] = [];
    let alias = 1;
    for (const seconds of [3600, 0, -3600, 0]) {
      jumpTo(seconds);
      const seen = await until('control to live in the new time', async () => {
        const status = await platform.status();
        return Math.abs(status.at - Date.now() - seconds * 1000) < hourMs / 10 ? status : undefined;
      });
      await callers.passed(300);
      assert.deepEqual(idsOf(seen), idsOf(before), 'no replica was replaced');
      // A change in the new time is done as ever, and takes effect.
      alias = alias === 1 ? 2 : 1;
      const moved = await runCli(['models', 'alias', 'times', 'champion', String(alias)], {
        FLYBALL_URL: platform.control,
      });
      assert.equal(moved.code, 0, moved.stderr);
      before = await until('the version that was asked for, and only that', async () => {
        const status = await platform.status();
        const [deployment] = status.deployments;
        const only = deployment?.replicas.length === 2 && deployment.serving === String(alias);
        return only && deployment.state === 'serving' ? status : undefined;
      });
      told.push(`${seconds >= 0 ? '+' : ''}${seconds} s`);
    }
    const { ok, failures } = await callers.stop();
    assert.deepEqual(failures, []);
    assert.deepEqual(pids(), processes, 'no process was restarted');
    const operations = await get<OperationView[]>('operations');
    assert.ok(
      operations.every(({ state }) => state === 'succeeded'),
      JSON.stringify(operations),
    );
    assert.equal(governed(await platform.status())?.desired, 2);
    const decisions = await get<{ action: string }[]>('journal?kind=decision&subject=wave&limit=1000');
    assert.deepEqual(
      decisions.filter(({ action }) => action.includes('→')),
      [],
      'no target moved',
    );
    const { aliases, versions } = await get<ModelView>('models/times');
    assert.deepEqual([aliases, versions.length], [{ champion: 1 }, 2]);
    context.diagnostic(
      `clock at ${told.join(', ')}: ${ok} requests answered, 0 failed, no process or replica restarted`,
    );
  },
);
