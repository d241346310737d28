/**
 * What every face of the inference protocol must do alike, as node:test cases over an opened {@link ProtocolSubject}:
 * REST with JSON, REST with binary tensors, gRPC with raw and with typed contents, flyball/client over each.
 *
 * The served set: `addsub` (INPUT0, INPUT1 INT32 [1,16] → OUTPUT0 the sum, OUTPUT1 the difference) and
 * `identity_<datatype>` (INPUT0 [1,-1] → OUTPUT0), for the datatypes that the subject names. The values are written out
 * here by hand, as bytes and as JSON, so that no codec of the platform judges itself.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FlyballError } from '../../errors.ts';
import type { Datatype } from '../../protocol/tensor.ts';

export interface SubjectTensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
  /** The elements as the text of a flat JSON list; absent where there is no JSON form. */
  readonly json?: string;
}

export interface SubjectRequest {
  readonly model: string;
  readonly version?: string;
  readonly id?: string;
  readonly inputs: readonly SubjectTensor[];
  readonly outputs?: readonly string[];
}

export interface SubjectAnswer {
  readonly model: string;
  readonly version?: string | undefined;
  readonly id?: string | undefined;
  readonly outputs: readonly Omit<SubjectTensor, 'json'>[];
}

export interface SubjectMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly inputs: readonly { readonly name: string; readonly datatype: string; readonly shape: readonly number[] }[];
}

export interface ProtocolSubject extends AsyncDisposable {
  /** Datatypes that this way of sending can carry. */
  readonly datatypes: readonly Datatype[];
  /** Rejects with a {@link FlyballError} whose gRPC status is the one that was answered. */
  infer(request: SubjectRequest): Promise<SubjectAnswer>;
  metadata(model: string, version?: string): Promise<SubjectMetadata>;
}

/** Elements at the edges of their datatypes: little-endian bytes in hexadecimal, and the JSON list. */
export const edgeValues: Readonly<
  Record<Datatype, { readonly hex: string; readonly count: number; readonly json?: string }>
> = {
  BOOL: { hex: '010001', count: 3, json: '[true,false,true]' },
  UINT8: { hex: '00ff07', count: 3, json: '[0,255,7]' },
  UINT16: { hex: '0000ffff0102', count: 3, json: '[0,65535,513]' },
  UINT32: { hex: '00000000ffffffff', count: 2, json: '[0,4294967295]' },
  UINT64: {
    hex: '0000000000000000ffffffffffffffff0100000000002000',
    count: 3,
    json: '[0,18446744073709551615,9007199254740993]',
  },
  INT8: { hex: '80ff7f', count: 3, json: '[-128,-1,127]' },
  INT16: { hex: '0080ff7f', count: 2, json: '[-32768,32767]' },
  INT32: { hex: '00000080ffffff7fffffffff', count: 3, json: '[-2147483648,2147483647,-1]' },
  INT64: {
    hex: '0000000000000080ffffffffffffff7f010000000000e0ff',
    count: 3,
    json: '[-9223372036854775808,9223372036854775807,-9007199254740991]',
  },
  FP16: { hex: '003cffbb0100', count: 3, json: '[1,-0.99951171875,5.960464477539063e-8]' },
  FP32: { hex: '0000c03f000080bfffff7f7f', count: 3, json: '[1.5,-1,3.4028234663852886e38]' },
  FP64: { hex: '9a9999999999b93fffffffffffffef7f', count: 2, json: '[0.1,1.7976931348623157e308]' },
  BF16: { hex: '803fc0bf', count: 2 },
  BYTES: {
    hex: '0300000061c3a90000000004000000f09f9880',
    count: 3,
    json: '["aé","","😀"]',
  },
};

export function edgeTensor(datatype: Datatype): SubjectTensor {
  const { hex, count, json } = edgeValues[datatype];
  const tensor = { name: 'INPUT0', datatype, shape: [1, count], bytes: Buffer.from(hex, 'hex') };
  return json === undefined ? tensor : { ...tensor, json };
}

export function int32(name: string, values: readonly number[], shape: readonly number[]): SubjectTensor {
  const bytes = new Uint8Array(Int32Array.from(values).buffer);
  return { name, datatype: 'INT32', shape, bytes, json: JSON.stringify(values) };
}

const counting = Array.from({ length: 16 }, (_, index) => index);
const ones = Array.from({ length: 16 }, () => 1);
const addsub: SubjectRequest = {
  model: 'addsub',
  inputs: [int32('INPUT0', counting, [1, 16]), int32('INPUT1', ones, [1, 16])],
};

const plain = ({ name, datatype, shape, bytes }: Omit<SubjectTensor, 'json'>) => ({
  name,
  datatype,
  shape: [...shape],
  hex: Buffer.from(bytes).toString('hex'),
});

const [first, second] = addsub.inputs as [SubjectTensor, SubjectTensor];

const refused: readonly [string, SubjectRequest, 'NOT_FOUND' | 'INVALID_ARGUMENT'][] = [
  ['an unknown model', { ...addsub, model: 'nobody' }, 'NOT_FOUND'],
  ['an unknown version', { ...addsub, version: '987' }, 'NOT_FOUND'],
  [
    'an input of another datatype',
    { ...addsub, inputs: [first, { ...second, datatype: 'UINT32' }] },
    'INVALID_ARGUMENT',
  ],
  ['an input of another shape', { ...addsub, inputs: [first, int32('INPUT1', [1, 2], [1, 2])] }, 'INVALID_ARGUMENT'],
  ['an input of another rank', { ...addsub, inputs: [first, { ...second, shape: [16] }] }, 'INVALID_ARGUMENT'],
  ['an input of an unknown name', { ...addsub, inputs: [first, { ...second, name: 'INPUT9' }] }, 'INVALID_ARGUMENT'],
  ['an input that comes twice', { ...addsub, inputs: [first, first] }, 'INVALID_ARGUMENT'],
  ['an input beyond those of the model', { ...addsub, inputs: [first, second, first] }, 'INVALID_ARGUMENT'],
  ['a missing input', { ...addsub, inputs: [first] }, 'INVALID_ARGUMENT'],
  ['no inputs at all', { ...addsub, inputs: [] }, 'INVALID_ARGUMENT'],
  ['an output of an unknown name', { ...addsub, outputs: ['OUTPUT9'] }, 'INVALID_ARGUMENT'],
  ['an output that is asked for twice', { ...addsub, outputs: ['OUTPUT0', 'OUTPUT0'] }, 'INVALID_ARGUMENT'],
  [
    'less data than the shape says',
    { ...addsub, inputs: [first, { ...int32('INPUT1', [1, 2, 3], [1, 16]) }] },
    'INVALID_ARGUMENT',
  ],
  [
    'more data than the shape says',
    { ...addsub, inputs: [first, { ...int32('INPUT1', [...ones, 1], [1, 16]) }] },
    'INVALID_ARGUMENT',
  ],
  [
    'no data where some is expected',
    { ...addsub, inputs: [first, { ...int32('INPUT1', [], [1, 16]) }] },
    'INVALID_ARGUMENT',
  ],
];

export function protocolConformance(name: string, open: () => Promise<ProtocolSubject>): void {
  describe(`${name} keeps to the protocol`, () => {
    let subject: ProtocolSubject;
    before(async () => {
      subject = await open();
    });
    after(() => subject[Symbol.asyncDispose]());

    test('computes, and names model, version and outputs', async () => {
      const answer = await subject.infer(addsub);
      assert.equal(answer.model, 'addsub');
      assert.equal(typeof answer.version, 'string');
      assert.deepEqual(answer.outputs.map(plain), [
        plain(
          int32(
            'OUTPUT0',
            counting.map((value) => value + 1),
            [1, 16],
          ),
        ),
        plain(
          int32(
            'OUTPUT1',
            counting.map((value) => value - 1),
            [1, 16],
          ),
        ),
      ]);
    });

    test('gives every datatype back bit for bit', async () => {
      for (const datatype of subject.datatypes) {
        const input = edgeTensor(datatype);
        const { outputs } = await subject.infer({ model: `identity_${datatype.toLowerCase()}`, inputs: [input] });
        assert.deepEqual(outputs.map(plain), [plain({ ...input, name: 'OUTPUT0' })], datatype);
      }
    });

    test('takes a tensor without elements', async () => {
      const empty = { name: 'INPUT0', datatype: 'FP32', shape: [1, 0], bytes: new Uint8Array(0), json: '[]' } as const;
      const { outputs } = await subject.infer({ model: 'identity_fp32', inputs: [empty] });
      assert.deepEqual(outputs.map(plain), [plain({ ...empty, name: 'OUTPUT0' })]);
    });

    test('takes a tensor larger than any buffer on its way', async () => {
      const values = Array.from({ length: 50_000 }, (_, index) => index * 7 - 175_000);
      const input = int32('INPUT0', values, [1, values.length]);
      const { outputs } = await subject.infer({ model: 'identity_int32', inputs: [input] });
      assert.deepEqual(outputs.map(plain), [plain({ ...input, name: 'OUTPUT0' })]);
    });

    test('takes the inputs in any order', async () => {
      const { outputs } = await subject.infer({ ...addsub, inputs: [second, first] });
      const sum = outputs.find((output) => output.name === 'OUTPUT1')!;
      assert.equal(
        plain(sum).hex,
        plain(
          int32(
            '',
            counting.map((value) => value - 1),
            [],
          ),
        ).hex,
      );
    });

    test('echoes an id, whatever its letters, and makes none up', async () => {
      assert.equal((await subject.infer({ ...addsub, id: 'Anfrage "7" – 😀' })).id, 'Anfrage "7" – 😀');
      assert.equal((await subject.infer(addsub)).id, undefined);
    });

    test('gives only the outputs that were asked for', async () => {
      const { outputs } = await subject.infer({ ...addsub, outputs: ['OUTPUT1'] });
      assert.deepEqual(
        outputs.map((output) => output.name),
        ['OUTPUT1'],
      );
    });

    test('serves a version by its name', async () => {
      const { name, versions, inputs } = await subject.metadata('addsub');
      assert.equal(name, 'addsub');
      assert.deepEqual(
        inputs.map((input) => [input.name, input.datatype, input.shape.length, input.shape[1]]),
        [
          ['INPUT0', 'INT32', 2, 16],
          ['INPUT1', 'INT32', 2, 16],
        ],
      );
      const [version] = versions as [string];
      assert.equal((await subject.infer({ ...addsub, version })).version, version);
      assert.equal((await subject.metadata('addsub', version)).name, 'addsub');
      await assert.rejects(subject.metadata('nobody'), failsWith('NOT_FOUND'));
      await assert.rejects(subject.metadata('addsub', '987'), failsWith('NOT_FOUND'));
    });

    for (const [title, request, status] of refused) {
      test(`refuses ${title} and goes on`, async () => {
        await assert.rejects(subject.infer(request), failsWith(status));
        assert.equal((await subject.infer(addsub)).outputs.length, 2);
      });
    }

    test('keeps concurrent calls apart', async () => {
      const answers = await Promise.all(
        Array.from({ length: 64 }, (_, index) =>
          subject.infer({
            ...addsub,
            id: String(index),
            inputs: [
              int32(
                'INPUT0',
                counting.map(() => index),
                [1, 16],
              ),
              second,
            ],
          }),
        ),
      );
      for (const [index, answer] of answers.entries()) {
        assert.equal(answer.id, String(index));
        assert.equal(Buffer.from(answer.outputs[0]!.bytes).readInt32LE(0), index + 1);
      }
    });
  });
}

function failsWith(status: 'NOT_FOUND' | 'INVALID_ARGUMENT') {
  const expected = status === 'NOT_FOUND' ? 5 : 3;
  return (error: unknown): true => {
    assert.ok(error instanceof FlyballError, String(error));
    assert.equal(error.grpc, expected, `expected ${status}, got ${error.code}: ${error.message}`);
    assert.notEqual(error.message, '');
    return true;
  };
}
