import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { buildGraph } from '../../onnx/writer.ts';
import type { Datatype, ModelSignature, Tensor } from '../../protocol/tensor.ts';
import { writeIdentityModel } from '../../testing/identity-model.ts';
import { createInlineLane, type InlineLane } from './onnx-inline.ts';
import { loadOnnx } from './onnx.ts';

const folder = mkdtempSync(join(tmpdir(), 'flyball-inline-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const settings = (path: string) =>
  ({ path, threads: 1, spinning: false, graphOptimisation: 'all', memoryArena: true }) as const;
let files = 0;

function identity(datatype: Datatype = 'FP32'): { path: string; signature: ModelSignature } {
  const path = join(folder, `${(files += 1)}.onnx`);
  const spec = { datatype, shape: [-1, 4] };
  const signature = { inputs: [{ ...spec, name: 'x' }], outputs: [{ ...spec, name: 'y' }], batchable: true };
  writeIdentityModel(path, signature);
  return { path, signature };
}

const rows = (count: number): Tensor => ({
  name: 'x',
  datatype: 'FP32',
  shape: [count, 4],
  bytes: new Uint8Array(count * 16),
});

/** A lane after a warm-up that measured these input sizes. */
async function opened(
  { path, signature }: { path: string; signature: ModelSignature },
  measured: Readonly<Record<number, number>>,
): Promise<InlineLane> {
  const lane = createInlineLane(settings(path), signature);
  for (const [bytes, ms] of Object.entries(measured)) lane.watch(Number(bytes), ms);
  await lane.open();
  return lane;
}

describe('the short way to a small model', () => {
  it('is closed until warm-up is over, then takes calls about as large as the cheap ones', async () => {
    const model = identity();
    const lane = createInlineLane(settings(model.path), model.signature);
    lane.watch(64, 0.5);
    lane.watch(1000, 5);
    assert.equal(lane.fits(16), false);
    await lane.open();
    // Twice the size would cost a millisecond, which is as long as the main thread may be blocked.
    assert.deepEqual(
      [16, 128, 129, 1000].map((bytes) => lane.fits(bytes)),
      [true, true, false, false],
    );
    await lane.close();
    assert.equal(lane.fits(16), false);
  });

  it('goes by the best time of a size, since the first calls pay for memory', async () => {
    const model = identity();
    const lane = createInlineLane(settings(model.path), model.signature);
    for (const ms of [30, 1, 2]) lane.watch(64, ms);
    await lane.open();
    assert.equal(lane.fits(64), true);
    await lane.close();
  });

  it('stays closed for dear calls, FP16, large files, files that are gone, loops, and without a warm-up', async () => {
    assert.equal((await opened(identity(), { 64: 1.5 })).fits(64), false);
    assert.equal((await opened(identity('FP16'), { 64: 0.1 })).fits(64), false);
    const large = identity();
    truncateSync(large.path, 33 * 1_048_576);
    assert.equal((await opened(large, { 64: 0.1 })).fits(64), false);
    const gone = identity();
    rmSync(gone.path);
    assert.equal((await opened(gone, { 64: 0.1 })).fits(64), false);
    assert.equal((await opened(identity(), {})).fits(0), false);
    // What costs as its data says is not what it cost at warm-up: op_type "Loop", as it stands in a graph's file.
    const repeating = identity();
    appendFileSync(repeating.path, Buffer.from('\u0022\u0004Loop', 'latin1'));
    assert.equal((await opened(repeating, { 64: 0.1 })).fits(64), false);
  });

  it('closes for good when calls turn out to be slow', async () => {
    const path = join(folder, 'product.onnx');
    const graph = buildGraph('product');
    const size = 1024;
    graph.input('x', 'FLOAT', [size, size]);
    graph.node('MatMul', ['x', 'x'], { outputs: ['y'] });
    graph.output('y', 'FLOAT', [size, size]);
    writeFileSync(path, graph.encode());
    const spec = { datatype: 'FP32', shape: [size, size] } as const;
    const bytes = new Uint8Array(size * size * 4);
    const signature = { inputs: [{ ...spec, name: 'x' }], outputs: [{ ...spec, name: 'y' }], batchable: false };
    const lane = await opened({ path, signature }, { [bytes.length]: 0.5 });
    let calls = 0;
    for (; lane.fits(bytes.length) && calls < 100; calls += 1) {
      const { outputs } = await lane.run([{ ...spec, name: 'x', bytes }], undefined);
      assert.equal(outputs[0]?.bytes.length, bytes.length);
    }
    assert.ok(calls > 0 && calls < 100, `closed after ${calls} calls`);
    await assert.rejects(lane.run([{ ...spec, name: 'x', bytes }], undefined), { code: 'INFERENCE_FAILED' });
  });

  it('shares the order of calls with the thread: neither overtakes the other', async () => {
    const { path } = identity();
    await using model = await loadOnnx(settings(path), new AbortController().signal);
    // The first calls pay for memory, and a busy machine interrupts some: warm-up goes on until one was undisturbed.
    for (let calls = 0, ms = Infinity; ms > 0.5 && calls < 1000; calls += 1)
      ms = (await model.run([rows(4)])).computeMs;
    await model.warmed();
    const order: string[] = [];
    const call = async (count: number): Promise<void> => {
      const input = rows(count);
      await model.run([input]);
      order.push(`${count} ${(input.bytes.buffer as ArrayBuffer).detached ? 'by the thread' : 'the short way'}`);
    };
    await Promise.all([call(1), call(100_000), call(2)]);
    await call(3);
    assert.deepEqual(order, ['1 the short way', '100000 by the thread', '2 by the thread', '3 the short way']);
  });
});
