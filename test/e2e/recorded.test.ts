/** The platform's own traffic with real processes: recorded as it comes, over the death of control, and rehearsed. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { SeriesView } from '../../src/api/series-schemas.ts';
import { v2 } from '../support/ask.ts';
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
        deployments: { asked: deployment, idle: deployment },
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
