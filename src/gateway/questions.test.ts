import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlyballError } from '../errors.ts';
import type { InferenceRequest, InferenceService } from '../protocol/inference.ts';
import type { TensorSpec } from '../protocol/tensor.ts';
import { answerTo } from './questions.ts';
import type { Question } from './routing-table.ts';

const fp32 = (name: string, ...shape: number[]): TensorSpec => ({ name, datatype: 'FP32', shape });

/** A model that answers with twice what it was asked, and remembers the request. */
function doubling(inputs: readonly TensorSpec[], outputs: readonly TensorSpec[] = [fp32('y', -1, 3)]) {
  const requests: InferenceRequest[] = [];
  const service = {
    metadata: () => ({ signature: { inputs, outputs, batchable: true } }),
    async infer(request: InferenceRequest) {
      requests.push(request);
      assert.ok(request.payload.kind === 'tensors');
      const [input] = request.payload.inputs;
      assert.ok(input !== undefined);
      const values = new Float32Array(input.bytes.slice().buffer).map((value) => 2 * value);
      return {
        outputs: [{ name: 'y', datatype: 'FP32', shape: [1, values.length], bytes: new Uint8Array(values.buffer) }],
      };
    },
  } as unknown as InferenceService;
  return { service, requests };
}
const question = (...values: (number | null)[]): Question => ({
  kind: 'question',
  id: 7,
  model: 'm',
  values,
  deadlineMs: 500,
});

test('a model of fixed length gets the newest numbers as one row, within the deadline', async () => {
  const { service, requests } = doubling([fp32('x', -1, 3)]);
  assert.deepEqual(await answerTo(service, question(null, 1, 2, 3, 4)), { kind: 'answer', id: 7, values: [4, 6, 8] });
  const [request] = requests;
  assert.equal(request?.deadlineMs, 500);
  assert.ok(request.payload.kind === 'tensors');
  assert.deepEqual(request.payload.inputs[0]?.shape, [1, 3]);
});

test('a model of any length gets all there is, a vector where it takes one', async () => {
  const { service, requests } = doubling([fp32('x', -1)], [fp32('y', -1)]);
  assert.deepEqual(await answerTo(service, question(1, 2)), { kind: 'answer', id: 7, values: [2, 4] });
  assert.ok(requests[0]?.payload.kind === 'tensors');
  assert.deepEqual(requests[0].payload.inputs[0]?.shape, [2]);
});

for (const [what, inputs, asked, problem] of [
  ['too few numbers', [fp32('x', 1, 4)], [1, 2], 'it takes 4 numbers, and there are 2 so far'],
  ['a gap', [fp32('x', 1, 2)], [1, null], '1 of the last 2 numbers are not known'],
  [
    'two inputs',
    [fp32('a', 1, 2), fp32('b', 1, 2)],
    [1, 2],
    /^expected one input FP32 .*, got a FP32 \[1, 2\], b FP32/,
  ],
  ['an image', [fp32('x', 1, 3, 8, 8)], [1, 2], /^expected one input FP32/],
] as const) {
  test(`${what}: the answer is why there is none`, async () => {
    const { service, requests } = doubling(inputs);
    const { values, problem: why } = await answerTo(service, question(...asked));
    assert.equal(values, undefined);
    if (typeof problem === 'string') assert.equal(why, problem);
    else assert.match(why ?? '', problem);
    assert.equal(requests.length, 0);
  });
}

test('what the platform refuses comes back as its own words', async () => {
  const { service } = doubling([fp32('x', -1, 1)]);
  const busy = { ...service, infer: async () => Promise.reject(new FlyballError('QUEUE_FULL', 'the queue is full')) };
  assert.deepEqual(await answerTo(busy as InferenceService, question(1)), {
    kind: 'answer',
    id: 7,
    problem: 'the queue is full',
  });
});
