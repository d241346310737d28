/** A model whose digest is given is loaded of the bytes that were checked, whatever becomes of the file. */
import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { buildGraph } from '../../onnx/writer.ts';
import type { LoadedModel } from '../../runner/runtime.ts';
import { digestOfBytes } from '../../registry/digest.ts';
import { createInlineLane } from './onnx-inline.ts';
import { loadOnnx } from './onnx.ts';

const { signal } = new AbortController();

function times(factor: number): Uint8Array {
  const graph = buildGraph('times');
  const constant = graph.constant('FLOAT', [1], Float32Array.of(factor));
  graph.node('Mul', [graph.input('x', 'FLOAT', ['batch']), constant], { outputs: ['y'] });
  graph.output('y', 'FLOAT', ['batch']);
  return graph.encode();
}

function file(context: TestContext, bytes: Uint8Array) {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-verified-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'model.onnx');
  writeFileSync(path, bytes);
  const settings = {
    path,
    digest: digestOfBytes(bytes),
    threads: 1,
    spinning: false,
    graphOptimisation: 'all',
    memoryArena: true,
  } as const;
  return { folder, path, settings };
}

async function answerOf(model: LoadedModel): Promise<number> {
  const bytes = new Uint8Array(Float32Array.of(1).buffer);
  const { outputs } = await model.run([{ name: 'x', datatype: 'FP32', shape: [1], bytes }]);
  return new DataView((outputs[0]?.bytes ?? new Uint8Array(4)).slice().buffer).getFloat32(0, true);
}

test('bytes that are not those of the digest are never loaded, not even a single one that is another', async (context) => {
  const { path, settings } = file(context, times(2));
  const altered = times(2.5);
  assert.equal(times(2).filter((byte, index) => byte !== altered[index]).length, 1);
  writeFileSync(path, altered);
  await assert.rejects(loadOnnx(settings, signal), {
    code: 'MODEL_LOAD_FAILED',
    message: /was altered: expected the bytes of sha256:/,
  });
  await using model = await loadOnnx({ ...settings, digest: digestOfBytes(altered) }, signal);
  assert.equal(await answerOf(model), 2.5);
});

test('a file that is replaced or written over after the load changes no answer, also of what is opened later', async (context) => {
  for (const replace of ['another file', 'the same file'] as const) {
    const { folder, path, settings } = file(context, times(2));
    await using model = await loadOnnx(settings, signal);
    assert.equal(await answerOf(model), 2);
    if (replace === 'the same file') writeFileSync(path, times(3));
    else {
      writeFileSync(join(folder, 'other'), times(3));
      renameSync(join(folder, 'other'), path);
    }
    // The end of the warm-up is when a small model is opened a second time.
    await model.warmed();
    assert.equal(await answerOf(model), 2, replace);
  }
});

test('the second session of a small model stays closed when its file has been altered meanwhile', async (context) => {
  const { path, settings } = file(context, times(2));
  await using model = await loadOnnx(settings, signal);
  const lane = createInlineLane(settings, model.signature);
  lane.watch(4, 0.01);
  writeFileSync(path, times(3));
  await lane.open();
  assert.equal(lane.fits(4), false);
  await lane.close();
});
