import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Datatype, ModelSignature, Tensor } from './tensor.ts';
import { validateInputs } from './validate.ts';

const signature: ModelSignature = {
  inputs: [
    { name: 'a', datatype: 'FP32', shape: [-1, 4] },
    { name: 'b', datatype: 'INT64', shape: [-1] },
  ],
  outputs: [
    { name: 'y', datatype: 'FP32', shape: [-1] },
    { name: 'z', datatype: 'FP32', shape: [-1] },
  ],
  batchable: true,
};
const tensor = (name: string, datatype: Datatype, shape: readonly number[]): Tensor => ({
  name,
  datatype,
  shape,
  bytes: new Uint8Array(0),
});
const a = tensor('a', 'FP32', [2, 4]);
const b = tensor('b', 'INT64', [2]);

function validate(inputs: readonly Tensor[], outputs: readonly string[] = []): void {
  validateInputs(
    { model: 'm', payload: { kind: 'tensors', inputs }, outputs: outputs.map((name) => ({ name })) },
    signature,
    { tensorElementsMax: 100 },
  );
}

test('inputs in any order and any choice of outputs are accepted', () => {
  validate([a, b]);
  validate([b, a], ['z', 'y']);
});

test('a file has no inputs to check', () => {
  const payload = { kind: 'file', bytes: new Uint8Array(1) } as const;
  validateInputs({ model: 'm', payload, outputs: [{ name: 'y' }] }, signature, { tensorElementsMax: 1 });
});

test('each refusal says what was expected and what came', () => {
  const cases: readonly (readonly [readonly Tensor[], readonly string[], RegExp])[] = [
    [[a], [], /expected inputs a, b, got none for b/],
    [[a, b, tensor('c', 'FP32', [2])], [], /expected inputs a, b, got unexpected c/],
    [[a, a], [], /expected input a once, got it twice/],
    [[tensor('a', 'FP64', [2, 4]), b], [], /input a of model m: expected datatype FP32, got FP64/],
    [[tensor('a', 'FP32', [8]), b], [], /expected shape \[-1,4\] \(-1 is any size\), got \[8\]/],
    [[tensor('a', 'FP32', [2, 5]), b], [], /expected shape \[-1,4\] \(-1 is any size\), got \[2,5\]/],
    [[tensor('a', 'FP32', [0, 4]), b], [], /expected at least one row, got shape \[0,4\]/],
    [[a, tensor('b', 'INT64', [3])], [], /expected 2 rows in every input, got 3 in b/],
    [
      [tensor('a', 'FP32', [1000, 4]), b],
      [],
      /at most 100 elements \(limits.tensorElementsMax\), got shape \[1000,4\]/,
    ],
    [[tensor('a', 'FP32', [2 ** 40, 2 ** 40]), b], [], /at most 100 elements/],
    [[a, b], ['w'], /expected outputs among y, z, got w/],
    [[a, b], ['y', 'y'], /expected output y once, got it twice/],
  ];
  for (const [inputs, outputs, words] of cases) assert.throws(() => validate(inputs, outputs), words);
});
