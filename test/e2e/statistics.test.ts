/** The statistics of a platform with two gateway workers: whichever worker is asked, they tell of both. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openClient, type ModelStatistics } from '../../src/client/client.ts';
import { doubler } from '../fixtures/models.ts';
import { ask, v2 } from '../support/ask.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { listProcesses } from '../support/processes.ts';

/** In the order in which they were started. */
function gatewaysOf({ process: supervisor }: Platform): number[] {
  const own = listProcesses().filter(({ parent }) => parent === supervisor.pid);
  return own.filter(({ command }) => command.includes('gateway/process')).map(({ pid }) => pid);
}

/** Over connections that one worker alone can accept. */
async function only<Value>(platform: Platform, worker: number, work: () => Promise<Value>): Promise<Value> {
  const stopped = gatewaysOf(platform).filter((_, index) => index !== worker);
  for (const pid of stopped) process.kill(pid, 'SIGSTOP');
  try {
    return await work();
  } finally {
    for (const pid of stopped) process.kill(pid, 'SIGCONT');
  }
}

test('statistics are those of all workers, over REST and gRPC, whichever of them is asked', async () => {
  await using platform = await startPlatform({
    models: { 'doubler/1/model.onnx': doubler() },
    specification: {
      models: { doubler: { path: './models/doubler' } },
      deployments: { doubler: { model: 'doubler' } },
      gateway: { workers: 2 },
    },
  });
  await platform.serving();
  assert.equal(gatewaysOf(platform).length, 2);
  const body = v2({ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] });
  const infer = async (times: number): Promise<void> => {
    for (let time = 0; time < times; time++)
      assert.equal((await ask(`${platform.http}/v2/models/doubler/infer`, { body })).status, 200);
  };
  const figures = async (url: string): Promise<readonly number[]> => {
    await using client = openClient({ url });
    const [counted] = (await client.statistics('doubler')) as readonly [ModelStatistics];
    return [counted.inferenceCount, counted.executionCount, counted.success.count];
  };
  const grpc = platform.grpc.replace('http:', 'grpc:');
  await only(platform, 0, () => infer(3));
  await only(platform, 1, () => infer(4));

  // A connection each: they fall to either worker.
  const asked = await Promise.all(
    [platform.http, grpc].flatMap((url) => Array.from({ length: 6 }, () => figures(url))),
  );
  assert.deepEqual(
    asked,
    Array.from({ length: 12 }, () => [7, 7, 7]),
  );
  await infer(1);
  assert.deepEqual(await figures(platform.http), [8, 8, 8], 'what was answered is counted');
  const { model_stats } = (await ask(`${platform.http}/v2/models/stats`)).json() as {
    model_stats: { inference_count: number; batch_stats: { batch_size: number; compute_infer: { count: number } }[] }[];
  };
  assert.equal(model_stats.length, 1);
  assert.equal(model_stats[0]?.inference_count, 8);
  const sizes = model_stats[0]?.batch_stats.map(({ batch_size, compute_infer }) => [batch_size, compute_infer.count]);
  assert.deepEqual(sizes, [[1, 8]]);

  const begun = performance.now();
  const [own = 0] = await only(platform, 0, () => figures(platform.http));
  assert.ok(own >= 3 && own <= 5, 'one that hangs is left out');
  assert.ok(performance.now() - begun < 5000);
  assert.deepEqual(await figures(grpc), [8, 8, 8]);
});
