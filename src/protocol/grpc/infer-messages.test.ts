import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FlyballError } from '../../errors.ts';
import { packBytes } from '../elements.ts';
import { datatypeWidths, elementCount, type Datatype, type Tensor } from '../tensor.ts';
import { hasTypedContents } from './contents.ts';
import { definitions } from './definitions.ts';
import { prefixBytes } from './framing.ts';
import {
  decodeInferRequest,
  decodeInferResponse,
  encodeInferRequest,
  encodeInferResponse,
  type InferRequestMessage,
} from './infer-messages.ts';

const limits = { tensorElementsMax: 100_000 };
const requestType = definitions.inference.root.lookupType('inference.ModelInferRequest');
const responseType = definitions.inference.root.lookupType('inference.ModelInferResponse');
const datatypes = Object.keys(datatypeWidths) as Datatype[];

/** The message of a frame. */
function unframe(pieces: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.concat(pieces);
  assert.equal(bytes.readUInt32BE(1), bytes.length - prefixBytes);
  return bytes.subarray(prefixBytes);
}

const encodeByOracle = (message: object): Buffer =>
  Buffer.from(requestType.encode(requestType.fromObject(message)).finish());

function bytesOf(datatype: Datatype, count: number): fc.Arbitrary<Uint8Array> {
  if (datatype === 'BYTES') {
    return fc
      .array(fc.uint8Array({ maxLength: 200 }), { minLength: count, maxLength: count })
      .map((elements) => packBytes(elements));
  }
  const length = count * datatypeWidths[datatype];
  const bytes = fc.uint8Array({ minLength: length, maxLength: length });
  return datatype === 'BOOL' ? bytes.map((each) => each.map((byte) => byte & 1)) : bytes;
}

const tensors = fc
  .tuple(fc.string({ maxLength: 60 }), fc.constantFrom(...datatypes), fc.array(fc.nat(5), { maxLength: 3 }))
  .chain(([name, datatype, shape]) =>
    bytesOf(datatype, elementCount(shape)).map((bytes): Tensor => ({ name, datatype, shape, bytes })),
  );

const values = fc.oneof(
  fc.boolean(),
  fc.string(),
  fc.maxSafeInteger(),
  fc
    .bigInt(-(1n << 63n), (1n << 64n) - 1n)
    .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value)),
  fc.double({ noNaN: true }).filter((value) => !Number.isInteger(value)),
);
const parameters = fc
  .dictionary(fc.string(), values, { maxKeys: 3, noNullPrototype: true })
  .map((each) => (Object.keys(each).length === 0 ? undefined : each));

const requests = fc.record<InferRequestMessage>(
  {
    model: fc.string(),
    version: fc.string({ minLength: 1 }),
    id: fc.string({ minLength: 1 }),
    parameters: parameters.filter((each) => each !== undefined),
    inputs: fc.array(tensors, { maxLength: 3 }),
    outputs: fc.array(fc.record({ name: fc.string() }, { noNullPrototype: true }), { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: ['model', 'inputs'], noNullPrototype: true },
);

const plainTensor = ({ name, datatype, shape, bytes }: Tensor) => ({
  name,
  datatype,
  shape,
  bytes: Buffer.from(bytes),
});

test('what is encoded as a request is decoded to the same', () => {
  fc.assert(
    fc.property(requests, (request) => {
      const decoded = decodeInferRequest(unframe(encodeInferRequest(request)), limits);
      assert.deepEqual(decoded.inputs.map(plainTensor), request.inputs.map(plainTensor));
      assert.deepEqual({ ...decoded, inputs: [] }, { ...request, inputs: [] });
    }),
  );
});

test('a response survives the way out and back, raw and typed, large tensors included', () => {
  const big = fc.constant<Tensor>({
    name: 'big',
    datatype: 'UINT8',
    shape: [70_000],
    bytes: new Uint8Array(70_000).fill(200),
  });
  fc.assert(
    fc.property(
      fc.array(fc.oneof(tensors, big), { maxLength: 4 }),
      parameters,
      fc.boolean(),
      (outputs, given, typed) => {
        const response = {
          model: 'm',
          version: '3',
          outputs,
          ...(given === undefined ? undefined : { parameters: given }),
        };
        const decoded = decodeInferResponse(unframe(encodeInferResponse(response, typed)), limits);
        assert.deepEqual(decoded.outputs.map(plainTensor), outputs.map(plainTensor));
        assert.deepEqual(decoded.parameters, given);
      },
    ),
    { numRuns: 60 },
  );
});

test('another implementation reads what we write, and raw and typed contents are never mixed', () => {
  fc.assert(
    fc.property(fc.array(tensors, { maxLength: 4 }), fc.boolean(), (outputs, typed) => {
      const message = unframe(encodeInferResponse({ model: 'm', version: '1', id: 'x', outputs }, typed));
      const read = responseType.toObject(responseType.decode(message), { arrays: true, longs: String }) as {
        model_name: string;
        outputs: { name: string; shape: string[]; contents?: object }[];
        raw_output_contents: Uint8Array[];
      };
      assert.equal(read.model_name, 'm');
      assert.deepEqual(
        read.outputs.map((output) => output.shape),
        outputs.map((output) => output.shape.map(String)),
      );
      const raw = !typed || !outputs.every((output) => hasTypedContents(output.datatype));
      assert.equal(read.raw_output_contents.length, raw ? outputs.length : 0);
      assert.ok(!raw || read.outputs.every((output) => output.contents === undefined));
    }),
  );
});

const typedCases: readonly [Datatype, string, readonly unknown[], Buffer][] = [
  ['BOOL', 'bool_contents', [true, false, true], Buffer.from([1, 0, 1])],
  ['INT8', 'int_contents', [-128, -1, 127], Buffer.from(Int8Array.of(-128, -1, 127).buffer)],
  ['INT16', 'int_contents', [-32_768, 32_767], Buffer.from(Int16Array.of(-32_768, 32_767).buffer)],
  ['INT32', 'int_contents', [-(2 ** 31), 2 ** 31 - 1], Buffer.from(Int32Array.of(-(2 ** 31), 2 ** 31 - 1).buffer)],
  [
    'INT64',
    'int64_contents',
    ['-9223372036854775808', '9223372036854775807', '-1', '9007199254740993'],
    Buffer.from(BigInt64Array.of(-(1n << 63n), (1n << 63n) - 1n, -1n, 9007199254740993n).buffer),
  ],
  ['UINT8', 'uint_contents', [0, 255], Buffer.from([0, 255])],
  ['UINT16', 'uint_contents', [0, 65_535], Buffer.from([0, 0, 255, 255])],
  ['UINT32', 'uint_contents', [0, 2 ** 32 - 1], Buffer.from(Uint32Array.of(0, 2 ** 32 - 1).buffer)],
  [
    'UINT64',
    'uint64_contents',
    ['0', '18446744073709551615'],
    Buffer.from(BigUint64Array.of(0n, (1n << 64n) - 1n).buffer),
  ],
  ['FP32', 'fp32_contents', [1.5, -0.25], Buffer.from(Float32Array.of(1.5, -0.25).buffer)],
  ['FP64', 'fp64_contents', [0.1, Number.MAX_VALUE], Buffer.from(Float64Array.of(0.1, Number.MAX_VALUE).buffer)],
  ['BYTES', 'bytes_contents', [Buffer.from('ab'), Buffer.alloc(0)], Buffer.from([2, 0, 0, 0, 97, 98, 0, 0, 0, 0])],
];

for (const [datatype, field, elements, bytes] of typedCases) {
  test(`typed ${datatype} in ${field} is exact`, () => {
    const message = encodeByOracle({
      model_name: 'm',
      inputs: [{ name: 'x', datatype, shape: [elements.length], contents: { [field]: elements } }],
    });
    assert.deepEqual(Buffer.from(decodeInferRequest(message, limits).inputs[0]!.bytes), bytes);
  });
}

test('typed contents that are not packed, or come in two parts, are read as well', () => {
  // x, INT32, [3]; contents { int_contents: 1 (unpacked) } then contents { int_contents: [2, 3] (packed) }.
  const tensor = Buffer.from([
    0x0a,
    1,
    120,
    0x12,
    5,
    ...Buffer.from('INT32'),
    0x18,
    3,
    0x2a,
    2,
    0x10,
    1,
    0x2a,
    4,
    0x12,
    2,
    2,
    3,
  ]);
  const message = Buffer.concat([Buffer.from([0x0a, 1, 109, 0x2a, tensor.length]), tensor]);
  assert.deepEqual(
    Buffer.from(decodeInferRequest(message, limits).inputs[0]!.bytes),
    Buffer.from(Int32Array.of(1, 2, 3).buffer),
  );
});

const input = (fields: object) => ({ name: 'x', datatype: 'INT32', shape: [2], ...fields });
const refused: readonly [string, object, RegExp][] = [
  ['too few typed elements', { inputs: [input({ contents: { int_contents: [1] } })] }, /expected 2 elements/],
  ['too many typed elements', { inputs: [input({ contents: { int_contents: [1, 2, 3] } })] }, /expected 2 elements/],
  ['elements in the wrong list', { inputs: [input({ contents: { fp32_contents: [1, 2] } })] }, /expected int_contents/],
  ['elements out of range', { inputs: [input({ datatype: 'UINT8', contents: { uint_contents: [1, 256] } })] }, /UINT8/],
  ['typed FP16', { inputs: [input({ datatype: 'FP16', contents: { fp32_contents: [1, 2] } })] }, /send it raw/],
  ['an unknown datatype', { inputs: [input({ datatype: 'INT128' })] }, /INT128/],
  ['a negative dimension', { inputs: [input({ shape: [-1] })] }, /dimension/],
  ['a shape over the limit', { inputs: [input({ shape: [1000, 1000] })] }, /tensorElementsMax/],
  [
    'a shape that overflows',
    { inputs: [input({ shape: Array(40).fill('9007199254740991'), contents: {} })] },
    /at most/,
  ],
  ['raw contents of the wrong size', { inputs: [input({})], raw_input_contents: [Buffer.alloc(7)] }, /x/],
  [
    'more raw contents than inputs',
    { inputs: [input({})], raw_input_contents: [Buffer.alloc(8), Buffer.alloc(0)] },
    /got 2/,
  ],
  [
    'raw beside typed contents',
    { inputs: [input({ contents: { int_contents: [1, 2] } })], raw_input_contents: [Buffer.alloc(8)] },
    /no contents beside/,
  ],
  [
    'a BYTES element past the end',
    { inputs: [input({ datatype: 'BYTES', shape: [1] })], raw_input_contents: [Buffer.from([9, 0, 0, 0, 1])] },
    /x/,
  ],
  ['no data at all', { inputs: [input({})] }, /expected 2 elements/],
];

for (const [title, message, expected] of refused) {
  test(`refused as the caller's mistake: ${title}`, () => {
    assert.throws(
      () => decodeInferRequest(encodeByOracle({ model_name: 'm', ...message }), limits),
      (error) =>
        error instanceof FlyballError && error.status >= 400 && error.status < 500 && expected.test(error.message),
    );
  });
}

test('fields of a newer protocol are skipped, whatever their wire type', () => {
  const known = unframe(encodeInferRequest({ model: 'm', id: 'i', inputs: [] }));
  // Fields 90 to 93: a varint, eight bytes, a string, four bytes.
  const unknown = [0xd0, 5, 0x96, 1, 0xd9, 5, 1, 2, 3, 4, 5, 6, 7, 8, 0xe2, 5, 2, 104, 105, 0xed, 5, 1, 2, 3, 4];
  const message = Buffer.concat([Buffer.from(unknown), known, Buffer.from(unknown)]);
  assert.deepEqual(decodeInferRequest(message, limits), { model: 'm', id: 'i', inputs: [] });
});

test('a message of a million empty parts is refused before it becomes a million objects', () => {
  for (const part of [
    [0x2a, 0],
    [0x32, 0],
    [0x3a, 0],
    [0x22, 0],
  ]) {
    const message = Buffer.alloc(2_000_000, Buffer.from(part));
    assert.throws(() => decodeInferRequest(message, limits), FlyballError);
  }
});

test('whatever bytes come, the decoder answers or throws an error of the catalogue', () => {
  const valid = requests.map((request) => unframe(encodeInferRequest(request)));
  const damaged = fc
    .tuple(valid, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 8 }), fc.nat())
    .map(([message, changes, cut]) => {
      const bytes = Buffer.from(message);
      for (const [at, value] of changes) if (bytes.length > 0) bytes[at % bytes.length] = value;
      return bytes.subarray(0, bytes.length - (cut % (bytes.length + 1)));
    });
  const anything = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.oneof(damaged, anything), (message) => {
      for (const decode of [decodeInferRequest, decodeInferResponse]) {
        try {
          const decoded = decode(message, limits);
          for (const tensor of 'inputs' in decoded ? decoded.inputs : decoded.outputs) {
            if (tensor.datatype !== 'BYTES') {
              assert.equal(tensor.bytes.length, elementCount(tensor.shape) * datatypeWidths[tensor.datatype]);
            }
          }
        } catch (error) {
          if (!(error instanceof FlyballError) || error.code === 'INTERNAL') throw error;
        }
      }
    }),
    { numRuns: 3000 },
  );
});
