import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { checkBody, templateOf } from './tensor-json.ts';

const names = ['BOOL', 'UINT8', 'INT32', 'INT64', 'FP16', 'FP32', 'FP64', 'BYTES'];
const spec = fc.record({
  name: fc.string({ minLength: 1, maxLength: 8 }),
  datatype: fc.constantFrom(...names),
  shape: fc.array(fc.constantFrom(-1, 1, 2, 3, 40), { minLength: 1, maxLength: 4 }),
});
const specs = fc.uniqueArray(spec, { minLength: 1, maxLength: 3, selector: ({ name }) => name });

test('what is made from a signature fits it, each tensor with as many values as its shape says', () => {
  fc.assert(
    fc.property(specs, (inputs) => {
      const checked = checkBody(templateOf(inputs), inputs);
      assert.equal(checked.kind, 'ready');
      if (checked.kind !== 'ready') return;
      for (const { shape, data } of checked.tensors)
        assert.equal(
          data.length,
          shape.reduce((product, size) => product * size, 1),
        );
    }),
  );
});

test('whatever is typed gets an answer, and never throws', () => {
  const inputs = [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }];
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      checkBody(text, inputs);
      checkBody(JSON.stringify({ inputs: [JSON.stringify(text)] }), inputs);
    }),
  );
});

test('each mistake is named by its place, with what was expected and what came', () => {
  const inputs = [{ name: 'x', datatype: 'UINT8', shape: [-1, 2] }];
  const said = (tensor: object | undefined): string[] => {
    const checked = checkBody(JSON.stringify({ inputs: tensor === undefined ? [] : [tensor] }), inputs);
    return checked.kind === 'ready'
      ? []
      : checked.problems.map(({ where, expected, came }) => `${where}: ${expected}, ${came}`);
  };
  const right = { name: 'x', datatype: 'UINT8', shape: [1, 2], data: [1, 2] };
  assert.deepEqual(said(right), []);
  assert.deepEqual(said({ ...right, data: [[1, 2]] }), []);
  assert.deepEqual(said({ ...right, data: 7 }), []);
  assert.deepEqual(said(undefined), ['inputs: a tensor "x", none']);
  assert.deepEqual(said({ ...right, name: 'y' }), ['inputs[0].name: "x", "y"']);
  assert.deepEqual(said({ ...right, datatype: 'FP32' }), ['inputs[0].datatype: "UINT8", "FP32"']);
  assert.deepEqual(said({ ...right, shape: [2] }), ['inputs[0].shape: [any, 2], [2]']);
  assert.deepEqual(said({ ...right, data: [1] }), ['inputs[0].data: 2 values for shape [1, 2], 1 values']);
  assert.deepEqual(said({ ...right, data: [1, 256] }), ['inputs[0].data: a whole number of UINT8, 256 (value 2)']);
  const broken = checkBody('{"inputs": [}', inputs);
  assert.ok(broken.kind === 'wrong' && broken.problems[0]?.expected === 'JSON');
});

test('numbers beyond 2^53 are sent as they were typed', () => {
  const text = '{"inputs":[{"name":"id","datatype":"INT64","shape":[1],"data":[9007199254740993]}]}';
  const checked = checkBody(text, [{ name: 'id', datatype: 'INT64', shape: [1] }]);
  assert.ok(checked.kind === 'ready');
  assert.equal(checked.body, text);
});

test('more than a thousand values are one that fills the tensor, and are sent written out', () => {
  const inputs = [{ name: 'image', datatype: 'FP32', shape: [-1, 3, 224, 224] }];
  const text = templateOf(inputs);
  assert.ok(text.length < 200);
  const checked = checkBody(text, inputs);
  assert.ok(checked.kind === 'ready');
  const sent = JSON.parse(checked.body) as { inputs: [{ data: number[] }] };
  assert.equal(sent.inputs[0].data.length, 150_528);
});
