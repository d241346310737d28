import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FlyballError } from '../errors.ts';
import { toBytes } from './elements.ts';
import type { InferenceResponse } from './inference.ts';
import { elementsOf, anyTensor, jsonDatatypes } from '../testing/tensor-arbitrary.ts';
import type { ModelSignature, Tensor } from './tensor.ts';
import {
  encodeInferRequest,
  encodeInferResponse,
  parseInferRequest,
  parseInferResponse,
  type EncodedMessage,
  type ParsedInfer,
} from './v2.ts';
import { rawInferRequest } from './v2-raw.ts';

const limits = { jsonDepthMax: 64, tensorElementsMax: 10_000 };
const join = (message: EncodedMessage): Buffer => Buffer.concat([Buffer.from(message.json), ...message.binary]);
const plain = (tensors: readonly Tensor[]): Tensor[] =>
  tensors.map(({ name, datatype, shape, bytes }) => ({ name, datatype, shape, bytes: new Uint8Array(bytes) }));

const parameters = fc.dictionary(
  fc.string({ minLength: 1, maxLength: 6 }).map((key) => `p_${key}`),
  fc.oneof(fc.string(), fc.boolean(), fc.integer()),
);
const jsonTensor: fc.Arbitrary<Tensor> = fc.constantFrom(...jsonDatatypes).chain((datatype) =>
  elementsOf(datatype).map((elements) => {
    const shape = [1, elements.length];
    return { name: 'x', datatype, shape, bytes: toBytes(datatype, elements, shape, 'x') };
  }),
);

test('a request with binary tensors of every datatype comes back as it was, its tensors not copied', () => {
  fc.assert(
    fc.property(fc.array(anyTensor), parameters, fc.string({ minLength: 1 }), (inputs, parameters, id) => {
      const message = encodeInferRequest({ id, parameters, inputs }, true);
      const body = join(message);
      assert.equal(body.byteLength, message.byteLength);
      const parsed = parseInferRequest(body, message.headerLength, limits);
      assert.deepEqual(plain(parsed.inputs), plain(inputs));
      assert.equal(parsed.id, id);
      assert.deepEqual({ ...parsed.parameters }, { ...parameters, binary_data_output: true });
      for (const input of parsed.inputs) assert.equal(input.bytes.buffer, body.buffer);
    }),
  );
});

test('a request in JSON comes back as it was', () => {
  fc.assert(
    fc.property(fc.array(jsonTensor), (inputs) => {
      const message = encodeInferRequest({ inputs }, false);
      assert.equal(message.headerLength, undefined);
      assert.deepEqual(plain(parseInferRequest(join(message), undefined, limits).inputs), plain(inputs));
    }),
  );
});

const answer = (outputs: readonly Tensor[]): InferenceResponse => ({
  model: 'm',
  version: '3',
  id: 'i',
  outputs,
  timing: { queueMs: 0, computeMs: 0, totalMs: 0, batchSize: 1 },
});

test('a response comes back as it was, in JSON and in binary', () => {
  fc.assert(
    fc.property(fc.array(jsonTensor), fc.boolean(), (outputs, binary) => {
      const message = encodeInferResponse(answer(outputs), { parameters: { binary_data_output: binary } });
      const parsed = parseInferResponse(join(message), message.headerLength, limits);
      assert.deepEqual(plain(parsed.outputs), plain(outputs));
      assert.deepEqual([parsed.model, parsed.version, parsed.id], ['m', '3', 'i']);
    }),
  );
});

test("an output's own binary_data wins over binary_data_output", () => {
  const tensor = (name: string): Tensor => ({ name, datatype: 'UINT8', shape: [2], bytes: Uint8Array.of(1, 2) });
  const message = encodeInferResponse(answer([tensor('a'), tensor('b')]), {
    parameters: { binary_data_output: true },
    outputs: [{ name: 'a', parameters: { binary_data: false } }, { name: 'b' }],
  });
  const outputs = (JSON.parse(message.json) as { outputs: object[] }).outputs;
  assert.deepEqual(outputs, [
    { name: 'a', datatype: 'UINT8', shape: [2], data: [1, 2] },
    { name: 'b', datatype: 'UINT8', shape: [2], parameters: { binary_data_size: 2 } },
  ]);
  assert.equal(message.headerLength, message.jsonByteLength);
});

test('mutated bytes are parsed or refused with an error of the catalogue, both ways', () => {
  const parseAny = (body: Uint8Array, headerLength: number | undefined): void => {
    for (const parse of [parseInferRequest, parseInferResponse]) {
      try {
        parse(body, headerLength, limits);
      } catch (error) {
        assert.ok(error instanceof FlyballError, String(error));
        assert.notEqual(error.code, 'INTERNAL');
      }
    }
  };
  const mutation = fc.record({ at: fc.nat(), to: fc.integer({ min: 0, max: 255 }), cut: fc.nat({ max: 5 }) });
  fc.assert(
    fc.property(
      fc.array(anyTensor, { maxLength: 3 }),
      fc.boolean(),
      fc.array(mutation),
      (inputs, request, mutations) => {
        const wish = { parameters: { binary_data_output: true } };
        const message = request ? encodeInferRequest({ inputs }, true) : encodeInferResponse(answer(inputs), wish);
        let body = join(message);
        for (const { at, to, cut } of mutations) {
          if (body.byteLength > 0) body[at % body.byteLength] = to;
          body = body.subarray(0, Math.max(0, body.byteLength - cut));
        }
        parseAny(body, message.headerLength);
        parseAny(body, undefined);
      },
    ),
    { numRuns: 300 },
  );
});

test('a value of any other kind in the place of any field is refused by name', () => {
  const good = (): Record<string, unknown> => ({
    inputs: [{ name: 'x', datatype: 'INT32', shape: [1], data: [1] }],
    outputs: [{ name: 'y' }],
  });
  const parse = (message: object): ParsedInfer =>
    parseInferRequest(Buffer.from(JSON.stringify(message)), undefined, limits);
  parse(good());
  for (const [change, words] of [
    [{ inputs: {} }, /inputs: expected a list, got object/],
    [{ inputs: undefined }, /inputs: expected a list, got nothing/],
    [{ outputs: 'y' }, /outputs: expected a list, got string/],
    [{ outputs: [{ name: 1 }] }, /outputs\[0\]\.name: expected a name, got number/],
    [{ id: {} }, /id: expected a string, got object/],
    [{ parameters: [] }, /parameters: expected an object, got a list/],
    [{ parameters: { x: null } }, /parameters\.x: expected a string, number or boolean, got null/],
    [{ parameters: { binary_data_output: 1 } }, /binary_data_output: expected true or false, got number/],
    [{ inputs: [{ name: 'x', datatype: 'INT33', shape: [1], data: [1] }] }, /expected a datatype of .*got "INT33"/],
    [{ inputs: [{ name: 'x', datatype: 'INT32', shape: [-1], data: [1] }] }, /whole numbers of at least 0, got \[-1\]/],
    [{ inputs: [{ name: 'x', datatype: 'INT32', shape: [1] }] }, /expected data or .*, got neither/],
    [{ inputs: [{ name: 'x', datatype: 'FP32', shape: [1e5, 1e5], data: [] }] }, /at most 10000 elements/],
  ] as const) {
    assert.throws(() => parse({ ...good(), ...change }), words);
  }
});

const signatureOf = (...inputs: ModelSignature['inputs']): ModelSignature => ({
  inputs,
  outputs: [],
  batchable: false,
});

test('a raw request takes its open dimension from its length', () => {
  const signature = signatureOf({ name: 'x', datatype: 'FP32', shape: [1, -1] });
  const [input] = rawInferRequest(new Uint8Array(32), signature, limits).inputs;
  assert.deepEqual(input?.shape, [1, 8]);
  assert.throws(() => rawInferRequest(new Uint8Array(10), signature, limits), /expected a multiple of 4 bytes, got 10/);
});

test('the batch dimension of a raw request is one', () => {
  const signature = { ...signatureOf({ name: 'x', datatype: 'UINT8', shape: [-1, -1] }), batchable: true };
  assert.deepEqual(rawInferRequest(new Uint8Array(5), signature, limits).inputs[0]?.shape, [1, 5]);
});

test('a raw request of bytes is one element, its length put before it', () => {
  const signature = signatureOf({ name: 'x', datatype: 'BYTES', shape: [1] });
  const [input] = rawInferRequest(Buffer.from('abc'), signature, limits).inputs;
  assert.deepEqual([...(input?.bytes ?? [])], [3, 0, 0, 0, 97, 98, 99]);
});

test('a raw request needs one input with at most one open dimension', () => {
  const x = { name: 'x', datatype: 'UINT8', shape: [-1, -1] } as const;
  assert.throws(() => rawInferRequest(new Uint8Array(4), signatureOf(x, x), limits), /one input, got one with 2/);
  assert.throws(() => rawInferRequest(new Uint8Array(4), signatureOf(x), limits), /at most one dimension/);
});

test('a response that other servers decorate is still read', () => {
  const body = Buffer.from(
    JSON.stringify({
      model_name: 'm',
      model_version: '',
      parameters: { content_type: 'np', headers: { a: 1 } },
      outputs: [{ name: 'y', datatype: 'FP32', shape: [1], parameters: { content: null }, data: [[1]] }],
    }),
  );
  const parsed = parseInferResponse(body, undefined, limits);
  assert.deepEqual(parsed.parameters, { content_type: 'np' });
  assert.equal(parsed.version, undefined);
  assert.equal(parsed.outputs[0]?.bytes.byteLength, 4);
});
