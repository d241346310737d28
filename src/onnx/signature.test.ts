import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FlyballError } from '../errors.ts';
import type { ElementType } from './proto.ts';
import { elementTypes, encodeModel } from './proto.ts';
import { readSignature } from './signature.ts';
import { buildGraph } from './writer.ts';

function doubler(type: ElementType = 'FLOAT', batch: number | string = 'batch', metadata = {}): Uint8Array {
  const graph = buildGraph('doubler');
  const factor = graph.constant('FLOAT', [1], Float32Array.of(2));
  graph.node('Mul', [graph.input('x', type, [batch, 4]), factor], { outputs: ['y'] });
  graph.output('y', type, [batch, 4]);
  return graph.encode({ metadata });
}

const refusal = (file: Uint8Array): string => {
  try {
    readSignature(file);
  } catch (error) {
    assert.ok(error instanceof FlyballError, String(error));
    assert.equal(error.code, 'INVALID_MODEL');
    return error.message;
  }
  throw new Error('expected the file to be refused');
};

test('names, types, shapes, versions and metadata come from the file', () => {
  assert.deepEqual(readSignature(doubler('FLOAT', 'batch', { task: 'doubling' })), {
    signature: {
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 4] }],
      batchable: true,
    },
    irVersion: 8,
    opsets: { 'ai.onnx': 17 },
    producer: 'flyball',
    metadata: { task: 'doubling' },
  });
});

test('every tensor type is one of the inference protocol or refused by its name', () => {
  const seen = Object.keys(elementTypes).map((name) => {
    const file = doubler(name as ElementType);
    try {
      return readSignature(file).signature.inputs[0]?.datatype;
    } catch {
      assert.match(refusal(file), new RegExp(`input x .* got ${name}$`));
      return undefined;
    }
  });
  assert.deepEqual(
    seen.filter((datatype) => datatype !== undefined),
    [
      'FP32',
      'UINT8',
      'INT8',
      'UINT16',
      'INT16',
      'INT32',
      'INT64',
      'BYTES',
      'BOOL',
      'FP16',
      'FP64',
      'UINT32',
      'UINT64',
      'BF16',
    ],
  );
});

test('a weight that is listed among the inputs is not an input', () => {
  const tensorType = (size: number) => ({ tensorType: { elemType: 1, shape: { dim: [{ dimValue: size }] } } });
  const { signature } = readSignature(
    encodeModel({
      irVersion: 3,
      opsetImport: [{ version: 9 }],
      graph: {
        input: [
          { name: 'x', type: tensorType(2) },
          { name: 'w', type: tensorType(3) },
        ],
        initializer: [{ name: 'w', dims: [3], dataType: 1, rawData: new Uint8Array(12) }],
        output: [{ name: 'y', type: { tensorType: { elemType: 1 } } }],
      },
    }),
  );
  assert.deepEqual(signature.inputs, [{ name: 'x', datatype: 'FP32', shape: [2] }]);
  assert.deepEqual(signature.outputs, [{ name: 'y', datatype: 'FP32', shape: [-1] }], 'an output without a rank');
  assert.equal(signature.batchable, false);
});

test('requests may share a call only when the first dimension is free and means the same in every input', () => {
  const twoInputs = (first: number | string, second: number | string) => {
    const graph = buildGraph('concat');
    graph.input('a', 'FLOAT', [first, 2]);
    graph.input('b', 'FLOAT', [second, 2]);
    graph.node('Identity', ['a'], { outputs: ['y'] });
    graph.output('y', 'FLOAT', ['renamed_by_exporter', 2]);
    return readSignature(graph.encode()).signature.batchable;
  };
  assert.equal(twoInputs('batch', 'batch'), true);
  assert.equal(twoInputs('batch', 'sequence'), false);
  assert.equal(twoInputs('batch', 1), false);
  assert.equal(readSignature(doubler('FLOAT', 1)).signature.batchable, false);
});

test('a refusal says what came in place of a model', () => {
  assert.match(refusal(new Uint8Array()), /got an empty file/);
  assert.match(refusal(Buffer.from('version https://git-lfs.github.com/spec/v1\noid …')), /Git LFS pointer/);
  assert.match(refusal(Buffer.from('PK\u0003\u0004…')), /ZIP archive/);
  assert.match(refusal(Buffer.from('hello world')), /11 bytes that begin with 0x68656c6c/);
  assert.match(refusal(doubler().subarray(0, 60)), /60 bytes that begin like one and then break off/);
});

test('inputs that are no tensors, and weights in other files, are refused by name', () => {
  const graph = { output: [{ name: 'y', type: { sequenceType: {} } }] };
  const model = { irVersion: 8, opsetImport: [{ version: 17 }] };
  assert.match(refusal(encodeModel({ ...model, graph })), /output y to be a tensor, got a sequence/);
  const initializer = [{ name: 'w', dataLocation: 1, externalData: [{ key: 'location', value: 'w.bin' }] }];
  assert.match(refusal(encodeModel({ ...model, graph: { initializer } })), /keeps weight w in w\.bin/);
});

test('no cut of a model and no change of its bytes throws anything but INVALID_MODEL', () => {
  const file = doubler();
  for (let length = 0; length < file.length; length++) refusal(file.subarray(0, length));
  const readable = (bytes: Uint8Array) => {
    try {
      readSignature(bytes);
    } catch (error) {
      assert.ok(error instanceof FlyballError && error.code === 'INVALID_MODEL', String(error));
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), readable));
  fc.assert(
    fc.property(fc.nat(file.length - 1), fc.nat(255), (place, value) => {
      const changed = file.slice();
      changed[place] = value;
      readable(changed);
    }),
  );
});

test('reading the signature copies no weights', () => {
  const graph = buildGraph('large');
  const weight = graph.constant('FLOAT', [16_000_000], new Float32Array(16_000_000));
  graph.node('Add', [graph.input('x', 'FLOAT', [1]), weight], { outputs: ['y'] });
  graph.output('y', 'FLOAT', [16_000_000]);
  const file = graph.encode();
  assert.ok(file.byteLength > 64_000_000);
  readSignature(doubler());
  const before = process.memoryUsage();
  readSignature(file);
  const after = process.memoryUsage();
  const grownBytes = after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed;
  assert.ok(grownBytes < 4_000_000, `expected less than 4 MB more, got ${grownBytes} bytes`);
});
