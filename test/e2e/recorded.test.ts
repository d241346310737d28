/** The platform's own traffic with real processes: recorded as it comes, over the death of control, and rehearsed. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { SeriesView } from '../../src/api/series-schemas.ts';
import { v2 } from '../support/ask.ts';
import { runCli } from '../support/cli.ts';
import { childPid } from '../support/processes.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';
import { startLoad } from '../support/steady-load.ts';

const model = `
platform: simulated
simulated:
  inputs: [{ name: x, datatype: FP32, shape: [-1, 1] }]
  outputs: [{ name: y, datatype: FP32, shape: [-1, 1] }]
  serviceMs: 20
`;
const body = v2({ name: 'x', datatype: 'FP32', shape: [1, 1], data: [1] });
const sum = (values: readonly (number | null)[]): number =>
  values.reduce<number>((total, value) => total + (value ?? 0), 0);

describe('a platform that records its own traffic', () => {
  let platform: Platform;
  before(async () => {
    const deployment = { model: 'slow', replicas: { min: 1, max: 4 }, batching: { sizeMax: 1 } };
    platform = await startPlatform({
      models: { 'slow/1/model.yaml': model, 'slow/model.yaml': model },
      specification: {
        models: { slow: { path: './models/slow' } },
        deployments: {
          asked: deployment,
          idle: deployment,
          shaped: {
            ...deployment,
            slo: { p99Ms: 5000 },
            scaling: { policy: 'thresholds', parameters: { step: 2 }, reversalsPerHour: 50 },
          },
        },
      },
    });
    await platform.serving();
  });
  after(() => platform[Symbol.asyncDispose]());

  const series = async (name: string, query: string): Promise<SeriesView> => {
    const response = await fetch(`${platform.control}/api/v1/deployments/${name}/series?${query}`);
    assert.equal(response.status, 200, await response.clone().text());
    return (await response.json()) as SeriesView;
  };

  test('each request is counted in a second, what is idle is zero, and a gap in control is a gap', async () => {
    const from = Date.now();
    // The first look at a gateway counts nothing.
    await until('something to be recorded', async () =>
      sum((await series('idle', `from=${from}&stepMs=1000`)).recordedMs) > 0 ? true : undefined,
    );
    const load = () => startLoad({ url: `${platform.http}/v2/models/asked/infer`, method: 'POST', body, callers: 2 });
    let sent = 0;
    {
      await using traffic = load();
      await traffic.passed(100);
      const { ok, failures } = await traffic.stop();
      assert.deepEqual(failures, []);
      sent = ok;
    }
    const seen = await until('all of it to be recorded', async () => {
      const found = await series('asked', `from=${from}&stepMs=1000`);
      return sum(found.columns['arrivals'] ?? []) === sent ? found : undefined;
    });
    assert.equal(sum(seen.columns['completed'] ?? []), sent);
    const serviceMs = (seen.columns['serviceMs'] ?? []).filter((value) => value !== null);
    assert.ok(
      serviceMs.every((ms) => ms >= 19 && ms < 2000),
      JSON.stringify(serviceMs),
    );
    const idle = await series('idle', `from=${from}&stepMs=1000`);
    assert.ok(idle.columns['arrivals']?.some((value) => value === 0));
    assert.equal(sum(idle.columns['arrivals'] ?? []), 0);

    const pid = childPid(platform, 'control');
    await series('asked', `from=${from}&stepMs=1000`);
    const killedAt = Date.now();
    process.kill(pid, 'SIGKILL');
    await until('another control', async () => {
      await platform.status();
      return childPid(platform, 'control') === pid ? undefined : true;
    });
    const back = Date.now();
    const after = await until('it to record again', async () => {
      const found = await series('asked', `from=${killedAt - 20_000}&stepMs=1000`);
      return found.recordedMs.some((ms, index) => ms > 0 && found.from + index * 1000 > back) ? found : undefined;
    });
    // At least a second in between was nobody's.
    assert.ok(after.recordedMs.some((ms, index) => ms === 0 && Math.abs(found(after, index) - killedAt) < 15_000));
    after.recordedMs.forEach((ms, index) => {
      assert.equal(ms === 0, after.columns['arrivals']?.[index] === null);
    });
  });

  test('what it has recorded is rehearsed, gap and all, and a deployment is armed by what came of it', async () => {
    const cli = (...args: string[]) => runCli(args, { FLYBALL_URL: platform.control });
    const nothing = await cli('rehearse', 'idle', '--trace', 'last:10s');
    assert.equal(nothing.code, 2);
    assert.match(nothing.stderr, /nobody comes in it|nothing is recorded of idle/);

    const shape = ['--shape', 'ramp', '--rate', '5/s', '--peak', '25/s', '--duration', '4s'];
    const first = await cli('load', 'shaped', ...shape, '--json');
    assert.equal(first.code, 0, first.stderr);
    const pid = childPid(platform, 'control');
    // What waits for a write goes with it.
    await until('something of it to be written', () => {
      const files = globSync('series/fine/*/shaped.ndjson', { cwd: platform.dataDirectory });
      return files.some((file) => readFileSync(join(platform.dataDirectory, file), 'utf8').includes('"arrivals":'))
        ? true
        : undefined;
    });
    process.kill(pid, 'SIGKILL');
    await until('another control', async () => {
      await platform.status();
      return childPid(platform, 'control') === pid ? undefined : true;
    });
    const second = await until('a load that is recorded', async () => {
      const { code, stderr } = await cli('load', 'shaped', '--rate', '20/s', '--duration', '3s', '--json');
      assert.equal(code, 0, stderr);
      const from = Date.now() - 8000;
      const { columns } = await series('shaped', `from=${from}&stepMs=1000&columns=arrivals`);
      return sum(columns['arrivals'] ?? []) > 0 ? columns : undefined;
    });
    assert.ok(second);

    const { code, stdout, stderr } = await cli(
      'rehearse',
      'shaped',
      '--trace',
      'last:2m',
      '--policies',
      'thresholds,hpa,fixed',
    );
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^POLICY +MISSED +SHED/m);
    assert.match(stdout, /^thresholds step=2 +0 %/m);
    const said = stderr.replaceAll(/\s+/g, ' ');
    assert.match(said, /last:2m of shaped at [\d.]+ requests\/s/);
    assert.match(said, /gaps? of \d+ s altogether in which nothing was recorded/);
    assert.match(said, /what calls take is as \d+ of them have shown/);
    const id = /kept as rehearsal (\w+)/.exec(said)?.[1] ?? '';
    assert.match(
      (await cli('rehearsals')).stdout,
      new RegExp(`^${id} +shaped .*last:2m of shaped +thresholds step=2`, 'm'),
    );
    assert.match((await cli('rehearsals', 'show', id)).stdout, /^hpa /m);

    const other = await cli('mode', 'asked', 'auto', '--rehearsal', id);
    assert.match(other.stderr, /it is of shaped, and not of asked/);
    assert.equal((await cli('mode', 'shaped', 'auto', '--rehearsal', '00000000')).code, 1);
    const armed = await cli('mode', 'shaped', 'auto', '--rehearsal', id);
    assert.equal(armed.code, 0, armed.stderr);
    assert.match(
      armed.stdout,
      new RegExp(`rehearsal ${id}: thresholds missed 0 % of \\d+ requests of last:2m of shaped`),
    );
    const journal = await cli('journal', '--kind', 'mode', '--deployment', 'shaped', '-o', 'ndjson');
    const entry = JSON.parse(journal.stdout) as { details?: { rehearsal?: string; passed?: boolean } };
    assert.deepEqual([entry.details?.rehearsal, entry.details?.passed], [id, true]);
  });

  test('bad questions are answered with what was expected', async () => {
    for (const [query, words] of [
      ['stepMs=1500', /whole seconds below a minute, or whole minutes/],
      ['columns=arrivals,latency', /columns/],
      ['from=5&to=4', /expected from before to/],
      [`from=0&stepMs=1000`, /at most 100000 seconds/],
    ] as const) {
      const response = await fetch(`${platform.control}/api/v1/deployments/asked/series?${query}`);
      assert.equal(response.status, 400);
      assert.match(await response.text(), words);
    }
    assert.equal((await fetch(`${platform.control}/api/v1/deployments/other/series`)).status, 404);
  });
});

const found = ({ from }: SeriesView, index: number): number => from + index * 1000;
