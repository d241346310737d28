/**
 * Requests that are nearly right, from a seed: right messages whose structure, bytes and headers have been changed, for
 * all three doors.
 */
import fc from 'fast-check';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export const names = ['addsub', 'identity_fp32', 'identity_int64', 'identity_bytes', 'identity_bool', 'identity_fp16'];
export const count = (length: number): number[] => Array.from({ length }, (_, index) => index);
const message = (inputs: Json): Json => ({
  id: 'f',
  inputs,
  outputs: [{ name: 'OUTPUT0' }],
  parameters: { priority: 1 },
});
const one = (datatype: string, data: Json[]): Json =>
  message([{ name: 'INPUT0', datatype, shape: [1, data.length], data }]);

/** A right message for each model. */
export const right: Readonly<Record<string, Json>> = {
  addsub: message(['INPUT0', 'INPUT1'].map((name) => ({ name, datatype: 'INT32', shape: [1, 16], data: count(16) }))),
  identity_fp32: one('FP32', [1.5, -2, 3e38]),
  identity_int64: one('INT64', [1, -2]),
  identity_bytes: one('BYTES', ['a', 'é', '']),
  identity_bool: one('BOOL', [true, false]),
  identity_fp16: one('FP16', [1, 0.5]),
};

const junk: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(null, true, '', 'INPUT0', 'FP32', 'BYTES', 'BF16', 0, -1, 1.5, 2 ** 31, 2 ** 53, 1e308, [], {}),
  fc.constantFrom<Json>([[[[[]]]]], [1, [2, 3]], { binary_data_size: -1 }, { binary_data_size: 1e15 }, '\u0000\ud800'),
  fc.string({ maxLength: 20 }),
  fc.integer().map((length) => count(Math.abs(length) % 50)),
);
interface Change {
  readonly kind: 'replace' | 'remove' | 'double' | 'rename' | 'wrap';
  /** Which of the places in the value, taken modulo their number. */
  readonly at: number;
  readonly by: Json;
}
export const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom('replace', 'replace', 'remove', 'double', 'rename', 'wrap'),
  at: fc.nat(1000),
  by: junk,
});

type Place = readonly [holder: Record<string, Json>, key: string];

/** Every list and object of a value with the keys in it. */
function places(value: Json, found: Place[] = []): readonly Place[] {
  if (typeof value !== 'object' || value === null) return found;
  const holder = value as Record<string, Json>;
  for (const key of Object.keys(holder)) {
    found.push([holder, key]);
    places(holder[key] as Json, found);
  }
  return found;
}

/** Values are JSON, and small: several times as fast as `structuredClone`. */
const copyOf = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value;

export function changed(value: Json, changes: readonly Change[]): Json {
  const copy = copyOf(value);
  for (const { kind, at, by } of changes) {
    const all = places(copy);
    const place = all[at % Math.max(all.length, 1)];
    if (place === undefined) return copyOf(by);
    const [holder, key] = place;
    if (kind === 'replace') holder[key] = copyOf(by);
    else if (kind === 'wrap') holder[key] = [holder[key] as Json];
    else if (kind === 'double' && Array.isArray(holder)) holder.push(copyOf(holder[Number(key)] as Json));
    else if (kind === 'rename' && !Array.isArray(holder)) holder[`${key}x`] = holder[key] as Json;
    else delete holder[key];
  }
  return copy;
}

export interface Cut {
  readonly kind: 'flip' | 'remove' | 'insert' | 'end';
  readonly at: number;
  readonly byte: number;
}
export const cut: fc.Arbitrary<Cut> = fc.record({
  kind: fc.constantFrom('flip', 'flip', 'remove', 'insert', 'end'),
  at: fc.nat(100_000),
  byte: fc.constantFrom(0, 1, 0x7f, 0x80, 0xff, 0x22, 0x7b, 0x5d, 0x0a),
});

export function damaged(bytes: Buffer, cuts: readonly Cut[]): Buffer {
  let result = Buffer.from(bytes);
  for (const { kind, at, byte } of cuts) {
    const index = at % Math.max(result.length, 1);
    if (kind === 'flip' && result.length > 0) result[index] = byte;
    else if (kind === 'end') result = result.subarray(0, index);
    else {
      const middle = kind === 'insert' ? Buffer.from([byte]) : Buffer.alloc(0);
      result = Buffer.concat([result.subarray(0, index), middle, result.subarray(index + (kind === 'remove' ? 1 : 0))]);
    }
  }
  return result;
}

export const header = fc.oneof(
  { weight: 6, arbitrary: fc.constant({}) },
  fc.constantFrom<Record<string, string>>(
    { 'content-encoding': 'gzip' },
    { 'content-encoding': 'deflate' },
    { 'content-encoding': 'br, gzip' },
    { 'flyball-deadline-ms': '-5' },
    { 'flyball-deadline-ms': 'soon' },
    { 'inference-header-content-length': '0' },
    { 'inference-header-content-length': '7' },
    { 'inference-header-content-length': '99999999999' },
    { 'inference-header-content-length': '1e2' },
    { traceparent: 'not one', 'x-request-id': 'y'.repeat(3000) },
    { 'accept-encoding': 'gzip;q=nonsense, ,;' },
    { 'content-type': 'multipart/form-data; boundary=' },
    { expect: '100-continue' },
  ),
);
export const path = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...names).map((name) => `/v2/models/${name}/infer`) },
  fc.constantFrom(
    '/v2/models/addsub/versions/9/infer',
    '/v2/models/addsub/versions/1/infer?x=%',
    '/v2/models/nobody/infer',
    '/v2/models/%E0%A4%A/infer',
    '/v2/models/addsub/generate',
    '/v2/models/addsub/generate_stream',
    '/v2/repository/index',
    '/v2/repository/models/addsub/load',
    '/predictions/addsub',
    '/predictions/identity_bytes/1',
    '/v2/models/stats/infer',
  ),
);

/** The JSON part with its tensors' data after it, as FP32 or INT32 numbers: lengths fit until something is changed. */
export function toBinary(value: Json): { json: Json; blobs: Buffer } {
  const json = copyOf(value) as { inputs: { data?: number[]; datatype: string; parameters?: Json }[] };
  const blobs = json.inputs.map((input) => {
    const data = input.data ?? [];
    delete input.data;
    const array = input.datatype === 'INT32' ? Int32Array.from(data) : Float32Array.from(data);
    input.parameters = { binary_data_size: array.byteLength };
    return Buffer.from(array.buffer);
  });
  return { json, blobs: Buffer.concat(blobs) };
}

export const typedAddsub = {
  model: 'addsub',
  id: 'f',
  parameters: { priority: 1, note: 'x', fraction: 0.5, flag: true },
  outputs: [{ name: 'OUTPUT0', parameters: { binary_data: true } }],
  inputs: ['INPUT0', 'INPUT1'].map((name) => ({
    name,
    datatype: 'INT32' as const,
    shape: [1, 16],
    bytes: new Uint8Array(Int32Array.from(count(16)).buffer),
  })),
};
