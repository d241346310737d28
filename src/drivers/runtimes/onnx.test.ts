import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { buildGraph } from '../../onnx/writer.ts';
import { runtimeConformance } from '../../testing/conformance/runtime.ts';
import { writeIdentityModel } from '../../testing/identity-model.ts';
import { tileRows, zeros } from '../../runner/rows.ts';
import { loadOnnx } from './onnx.ts';

const folder = mkdtempSync(join(tmpdir(), 'flyball-onnx-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const { signal } = new AbortController();
const settings = (path: string) =>
  ({ path, threads: 1, spinning: false, graphOptimisation: 'all', memoryArena: true }) as const;

let files = 0;
const fresh = (): string => join(folder, `${(files += 1)}.onnx`);

runtimeConformance({
  name: 'ONNX',
  platform: 'onnxruntime_onnx',
  load(signature, signal) {
    const path = fresh();
    writeIdentityModel(path, signature);
    return loadOnnx(settings(path), signal);
  },
  unsupported: { BF16: 'onnxruntime-node has no such tensor' },
});

/** Warmed up, so that what is as small as the suite's calls takes the short way. */
runtimeConformance({
  name: 'warmed ONNX',
  platform: 'onnxruntime_onnx',
  async load(signature, signal) {
    const path = fresh();
    writeIdentityModel(path, signature);
    const model = await loadOnnx(settings(path), signal);
    for (let calls = 0; calls < 10; calls += 1)
      await model.run(signature.inputs.map((spec) => tileRows(zeros(spec), 5)));
    await model.warmed();
    return model;
  },
  unsupported: { BF16: 'onnxruntime-node has no such tensor' },
});

describe('the ONNX runtime', () => {
  const float = { name: 'x', datatype: 'FP32', shape: [-1, 2] } as const;

  it('says in the words of the runtime why a file is no model', async () => {
    const path = fresh();
    writeFileSync(path, 'this is not a model');
    await assert.rejects(loadOnnx(settings(path), signal), {
      code: 'MODEL_LOAD_FAILED',
      message: new RegExp(`could not load ${path}: .*[Pp]rotobuf`),
    });
    await assert.rejects(loadOnnx(settings(join(folder, 'absent.onnx')), signal), { message: /doesn't exist/ });
  });

  it('names BF16 when it refuses a model for it', async () => {
    const path = fresh();
    const spec = { ...float, datatype: 'BF16' } as const;
    writeIdentityModel(path, { inputs: [spec], outputs: [{ ...spec, name: 'y' }], batchable: true });
    await assert.rejects(loadOnnx(settings(path), signal), { message: /BF16.*FP32 or FP16/ });
  });

  it('says in the words of the runtime why a call failed', async () => {
    const path = fresh();
    const graph = buildGraph('add');
    graph.input('a', 'FLOAT', ['n']);
    graph.input('b', 'FLOAT', ['n']);
    graph.node('Add', ['a', 'b'], { outputs: ['sum'] });
    graph.output('sum', 'FLOAT', ['n']);
    writeFileSync(path, graph.encode());
    await using model = await loadOnnx(settings(path), signal);
    const input = (name: string, count: number) =>
      ({ name, datatype: 'FP32', shape: [count], bytes: new Uint8Array(count * 4) }) as const;
    await assert.rejects(model.run([input('a', 2), input('b', 3)]), { code: 'INFERENCE_FAILED', message: /Add/ });
  });

  it('takes a view that is not aligned, and gives the ArrayBuffer of the inputs away', async () => {
    const path = fresh();
    writeIdentityModel(path, { inputs: [float], outputs: [{ ...float, name: 'y' }], batchable: true });
    await using model = await loadOnnx(settings(path), signal);
    const buffer = new ArrayBuffer(17);
    const bytes = new Uint8Array(buffer, 1).fill(3);
    const { outputs } = await model.run([{ name: 'x', datatype: 'FP32', shape: [2, 2], bytes }]);
    assert.deepEqual(outputs[0]?.bytes, new Uint8Array(16).fill(3));
    assert.equal(buffer.detached, true);
  });

  it('refuses BYTES that are not UTF-8, or not what their shape says', async () => {
    const path = fresh();
    const text = { name: 'x', datatype: 'BYTES', shape: [-1] } as const;
    writeIdentityModel(path, { inputs: [text], outputs: [{ ...text, name: 'y' }], batchable: true });
    await using model = await loadOnnx(settings(path), signal);
    const run = (shape: number[], ...bytes: number[]) =>
      model.run([{ name: 'x', datatype: 'BYTES', shape, bytes: Uint8Array.from(bytes) }]);
    await assert.rejects(run([1], 1, 0, 0, 0, 0xff), { code: 'INVALID_TENSOR', message: /not UTF-8/ });
    await assert.rejects(run([1], 9, 0, 0, 0, 65), { code: 'INVALID_TENSOR', message: /past the end/ });
    await assert.rejects(run([2], 1, 0, 0, 0, 65), { code: 'INVALID_TENSOR', message: /2 elements, got 1/ });
  });
});
