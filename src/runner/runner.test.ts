import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import sharp from 'sharp';
import { systemClock } from '../clock.ts';
import { imagePipeline } from '../config/model-file.ts';
import { loadOnnx } from '../drivers/runtimes/onnx.ts';
import { loadSimulated, type SimulatedSettings } from '../drivers/runtimes/simulated.ts';
import type { InferHeader } from '../protocol/frames/messages.ts';
import type { ModelSignature } from '../protocol/tensor.ts';
import { writeIdentityModel } from '../testing/identity-model.ts';
import { connectRunner } from '../testing/runner-client.ts';
import { runnerLaunch, type RunnerLaunch } from './launch.ts';
import { startRunner, type Runner } from './runner.ts';

const folder = mkdtempSync(join(tmpdir(), 'flyball-runner-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let names = 0;
const fresh = (extension: string): string => join(folder, `${(names += 1)}.${extension}`);

const vector: ModelSignature = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 2] }],
  batchable: true,
};

function onnx(signature: ModelSignature): RunnerLaunch['runtime'] {
  const path = fresh('onnx');
  writeIdentityModel(path, signature);
  return { kind: 'onnx', path, threads: 1, spinning: false, graphOptimisation: 'all', memoryArena: true };
}

const simulated = (serviceMs: number): RunnerLaunch['runtime'] => ({
  kind: 'simulated',
  signature: vector,
  serviceMs,
  serviceMsPerRow: 0,
});

const launchOf = (runtime: RunnerLaunch['runtime'], more: Partial<RunnerLaunch> = {}): RunnerLaunch =>
  runnerLaunch.parse({
    replica: 'vector-1',
    model: 'vector',
    version: '1',
    digest: 'sha256:0',
    runtime,
    warmUp: { batchSizes: [1, 2], budgetMs: 500, samples: [] },
    listen: { kind: 'unix', path: fresh('sock') },
    ...more,
  });

const start = (launch: RunnerLaunch): Promise<Runner> =>
  startRunner(launch, {
    clock: systemClock,
    loadModel(runtime, signal) {
      assert.notEqual(runtime.kind, 'server');
      return runtime.kind === 'onnx' ? loadOnnx(runtime, signal) : loadSimulated(runtime as SimulatedSettings, signal);
    },
    limits: { failedLingerMs: 50, callsMax: 2 },
  });

const floats = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
const rows = (count: number): Omit<InferHeader, 'call'> => ({
  items: [{ rows: count, requestId: 'r' }],
  payload: {
    kind: 'tensors',
    parts: [{ name: 'x', datatype: 'FP32', shape: [count, 2], byteLength: count * 8 }],
  },
});

describe('a runner', () => {
  it('says hello, passes from loading over warming to ready, and answers', async () => {
    const launch = launchOf(onnx(vector));
    await using runner = await start(launch);
    using client = await connectRunner(launch.listen);
    assert.equal(client.hello.replica, 'vector-1');
    assert.equal(client.hello.platform, 'onnxruntime_onnx');
    const ready = await client.reached('ready');
    assert.deepEqual(
      client.states.map(({ state }) => state.kind),
      ['loading', 'warming', 'ready'],
    );
    assert.deepEqual(ready.signature, vector);
    assert.equal(ready.costCurve?.[0]?.rows, 1);
    assert.ok((ready.stages?.loadMs ?? -1) >= 0 && (ready.stages?.warmMs ?? -1) >= 0);

    const { header, body } = await client.infer(rows(2), [floats(1, 2, 3, 4)]);
    assert.deepEqual(header.outputs, [{ name: 'y', datatype: 'FP32', shape: [2, 2], byteLength: 16 }]);
    assert.deepEqual(new Uint8Array(body), floats(1, 2, 3, 4));
    assert.ok((header.computeMs ?? -1) >= 0);

    const status = await client.status();
    assert.equal(status.state.kind, 'ready');
    assert.deepEqual([status.inFlight, status.inferences], [0, 1]);
    assert.equal(runner.state.kind, 'ready');
  });

  it('makes no call of its own while somebody waits for what has been ready here before, unless it is a quick one', async () => {
    const fault = { at: 'warm-up', count: 1, kind: 'error' } as const;
    const reached = async (ms: number, awaited: boolean): Promise<string> => {
      const runtime = { ...simulated(1), fault } as const;
      const warmUp = { batchSizes: [1], budgetMs: 100, samples: [], known: [{ rows: 1, ms }], awaited };
      const launch = launchOf(runtime, { warmUp });
      await using _runner = await start(launch);
      using client = await connectRunner(launch.listen);
      const { state, costCurve } = await Promise.race([client.reached('ready'), client.reached('failed')]);
      if (state.kind === 'ready') assert.deepEqual(costCurve, [{ rows: 1, ms }]);
      return state.kind;
    };
    assert.equal(await reached(40, true), 'ready');
    assert.equal(await reached(40, false), 'failed');
    assert.equal(await reached(0.1, true), 'failed');
  });

  it('answers a batch whose frame is large as it answers a small one', async () => {
    const launch = launchOf(onnx(vector));
    await using _runner = await start(launch);
    using client = await connectRunner(launch.listen);
    await client.reached('ready');
    const count = 100_000;
    const sent = new Uint8Array(Float32Array.from({ length: count * 2 }, (_, index) => index % 1000).buffer);
    const { body } = await client.infer(rows(count), [sent.slice()]);
    assert.ok(Buffer.from(sent).equals(body));
  });

  it('says in the words of the runtime why it refused a call, and goes on', async () => {
    const launch = launchOf(onnx(vector));
    await using _runner = await start(launch);
    using client = await connectRunner(launch.listen);
    await client.reached('ready');
    const wrong = rows(1);
    const bad = { ...wrong, payload: { ...wrong.payload, parts: [{ ...wrong.payload.parts[0]!, shape: [2] }] } };
    const { header } = await client.infer(bad, [floats(1, 2)]);
    assert.equal(header.error?.code, 'INFERENCE_FAILED');
    assert.match(header.error.message, /rank/);
    assert.equal((await client.infer(rows(1), [floats(1, 2)])).header.error, undefined);
  });

  it('says that the load failed, and why, and then ends with code 1', async () => {
    const path = fresh('onnx');
    writeFileSync(path, 'no model');
    const launch = launchOf({ ...onnx(vector), path } as RunnerLaunch['runtime']);
    await using runner = await start(launch);
    using client = await connectRunner(launch.listen);
    const { state } = await client.reached('failed');
    assert.ok(state.kind === 'failed' && state.code === 'MODEL_LOAD_FAILED' && state.message.includes(path));
    assert.equal((await runner.ended).code, 1);
  });

  it('refuses calls while it is not ready', async () => {
    const launch = launchOf(simulated(20), { warmUp: { batchSizes: [1], budgetMs: 60_000, samples: [] } });
    await using _runner = await start(launch);
    using client = await connectRunner(launch.listen);
    assert.equal((await client.infer(rows(1), [floats(1, 2)])).header.error?.code, 'MODEL_NOT_READY');
  });

  it('drops a call that is cancelled before it computes, and refuses more than it may hold', async () => {
    const launch = launchOf(simulated(40), { warmUp: { batchSizes: [1], budgetMs: 1, samples: [] } });
    await using runner = await start(launch);
    using client = await connectRunner(launch.listen);
    await client.reached('ready');
    const first = client.infer(rows(1), [floats(1, 2)]);
    const dropped = client.infer(rows(1), [floats(3, 4)]);
    assert.equal((await client.infer(rows(1), [floats(5, 6)])).header.error?.code, 'OVERLOADED');
    // The client numbers its calls from one.
    client.connection.send('cancel', { call: 2 });
    assert.equal((await dropped).header.error?.code, 'CANCELLED', 'whoever cancels must learn whether it was in time');
    await first;
    assert.equal((await client.status()).inFlight, 0);
    assert.equal((await client.status()).inferences, 1);
    assert.equal(runner.state.kind, 'ready');
  });

  it('drains: finishes what it has, refuses the rest, then ends with code 0', async () => {
    const launch = launchOf(simulated(30), { warmUp: { batchSizes: [1], budgetMs: 1, samples: [] } });
    await using runner = await start(launch);
    using client = await connectRunner(launch.listen);
    await client.reached('ready');
    const last = client.infer(rows(1), [floats(1, 2)]);
    client.connection.send('drain', { deadlineMs: 5000 });
    await client.reached('draining');
    assert.equal((await client.infer(rows(1), [floats(1, 2)])).header.error?.code, 'DRAINING');
    assert.equal((await last).header.error, undefined);
    assert.equal(await client.closed, undefined);
    assert.deepEqual(await runner.ended, { code: 0, reason: 'drained' });
  });

  it('ends at the deadline of the drain although a call is left', async () => {
    const launch = launchOf(simulated(400), { warmUp: { batchSizes: [1], budgetMs: 1, samples: [] } });
    await using runner = await start(launch);
    using client = await connectRunner(launch.listen);
    await client.reached('ready');
    client.infer(rows(1), [floats(1, 2)]).catch(() => {});
    client.connection.send('drain', { deadlineMs: 10 });
    assert.match((await runner.ended).reason, /left after 10 ms/);
  });

  it('destroys a connection whose frame lies about its body, and serves the others', async () => {
    const launch = launchOf(simulated(0));
    await using _runner = await start(launch);
    using liar = await connectRunner(launch.listen);
    using client = await connectRunner(launch.listen);
    await client.reached('ready');
    liar.infer(rows(3), [floats(1, 2)]).catch(() => {});
    await liar.closed;
    assert.equal((await client.infer(rows(1), [floats(1, 2)])).header.error, undefined);
  });

  it('does not take the socket of a living runner', async () => {
    const launch = launchOf(simulated(0));
    await using _runner = await start(launch);
    await assert.rejects(start(launch), { code: 'PORT_IN_USE' });
  });
});

describe('a runner with a pipeline', () => {
  const image: ModelSignature = {
    inputs: [{ name: 'image', datatype: 'FP32', shape: [-1, 3, -1, -1] }],
    outputs: [{ name: 'pixels', datatype: 'FP32', shape: [-1, 3, -1, -1] }],
    batchable: true,
  };
  const png = (width: number, height: number, background: string): Promise<Buffer> =>
    sharp({ create: { width, height, channels: 3, background } })
      .png()
      .toBuffer();
  const files = (...list: Buffer[]): [Omit<InferHeader, 'call'>, Buffer[]] => [
    {
      items: list.map((_, index) => ({ rows: 1, requestId: `r${index}` })),
      payload: {
        kind: 'files',
        parts: list.map((file) => ({ name: 'file', datatype: 'BYTES', shape: [1], byteLength: file.length })),
      },
    },
    list,
  ];

  it('decodes each file of a batch, fails only the one that is no image, and reads the answers', async () => {
    const sample = fresh('png');
    writeFileSync(sample, await png(5, 5, '#102030'));
    const launch = launchOf(onnx(image), {
      pipeline: imagePipeline.parse({ resize: { width: 2, height: 1 } }),
      output: { kind: 'classification', topK: 1, softmax: false, labels: ['r', 'r', 'g', 'g', 'b', 'b'] },
      warmUp: { batchSizes: [1, 2], budgetMs: 500, samples: [sample] },
    });
    await using _runner = await start(launch);
    using client = await connectRunner(launch.listen);
    await client.reached('ready');
    assert.equal(client.hello.takesFiles, true);
    const { header, body } = await client.infer(
      ...files(await png(4, 4, '#ff0000'), Buffer.from('not an image'), await png(9, 3, '#0000ff')),
    );
    assert.equal(header.error, undefined);
    assert.deepEqual(
      header.failed?.map(({ index, code }) => [index, code]),
      [[1, 'INVALID_IMAGE']],
    );
    assert.deepEqual(
      header.outputs?.map(({ shape }) => shape),
      [[2, 3, 1, 2]],
    );
    assert.deepEqual(new Uint8Array(body), floats(1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1));
    assert.deepEqual(
      header.readable?.map((answer) => (answer as { label: string }[])[0]?.label),
      ['r', 'b'],
    );
  });

  it('sends no tensors to who wants only readable answers, unless it has none', async () => {
    const output = { kind: 'classification', topK: 1, softmax: false, labels: undefined } as const;
    for (const stage of [output, undefined]) {
      const launch = launchOf(onnx(image), {
        pipeline: imagePipeline.parse({ resize: { width: 2, height: 1 } }),
        ...(stage === undefined ? {} : { output: stage }),
      });
      await using _runner = await start(launch);
      using client = await connectRunner(launch.listen);
      await client.reached('ready');
      const [call, parts] = files(await png(4, 4, '#ff0000'));
      const { header } = await client.infer({ ...call, outputs: [] }, parts);
      assert.equal(header.readable?.length, stage === undefined ? undefined : 1);
      assert.equal(header.outputs?.length, stage === undefined ? 1 : 0);
    }
  });

  it('computes images of different size one after another and joins their rows, padded', async () => {
    const launch = launchOf(onnx(image), { pipeline: imagePipeline.parse({ resize: { height: 1 } }) });
    await using _runner = await start(launch);
    using client = await connectRunner(launch.listen);
    await client.reached('ready');
    const { header, body } = await client.infer(
      ...files(await png(1, 1, '#ff0000'), await png(2, 1, '#00ff00'), await png(1, 1, '#0000ff')),
    );
    assert.deepEqual(header.outputs?.[0]?.shape, [3, 3, 1, 2]);
    assert.deepEqual(
      new Uint8Array(body),
      floats(1, 0, 0, 0, 0, 0, /* green */ 0, 0, 1, 1, 0, 0, /* blue */ 0, 0, 0, 0, 1, 0),
    );
  });

  it('refuses to start when the pipeline fills no input of the model, naming what it has', async () => {
    const launch = launchOf(onnx(image), { pipeline: imagePipeline.parse({ input: 'picture' }) });
    await using _runner = await start(launch);
    using client = await connectRunner(launch.listen);
    const { state } = await client.reached('failed');
    assert.match(state.kind === 'failed' ? state.message : '', /fills picture, but the model has image/);
  });
});
