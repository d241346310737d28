/**
 * One HTTP reply as the golden table describes it, and whether it is what the case expects.
 * Outputs are compared by value whatever the encoding, unless the case names one.
 */
import assert from 'node:assert/strict';
import { parseJson } from '../../src/protocol/json.ts';
import { toBytes, toElements } from '../../src/protocol/elements.ts';
import { isDatatype, type Tensor } from '../../src/protocol/tensor.ts';

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

interface ExpectedOutput {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data?: unknown[];
  readonly encoding?: 'binary' | 'json';
  readonly binary_data_size?: number;
  readonly bytesBase64?: string;
}

export interface Expected {
  readonly status?: number;
  readonly statusClass?: string;
  readonly contentType?: string;
  readonly bodyHas?: readonly string[];
  readonly bodyLacks?: readonly string[];
  readonly body?: unknown;
  readonly bodyTypes?: Readonly<Record<string, string>>;
  readonly bodyIs?: string;
  readonly elementTypes?: Readonly<Record<string, string>>;
  readonly elementFields?: readonly string[];
  readonly inferenceStats?: readonly string[];
  readonly durationFields?: readonly string[];
  readonly outputs?: readonly ExpectedOutput[];
  readonly id?: string | null;
  readonly model_name?: string;
  readonly model_version?: string;
  readonly binaryHeader?: boolean;
  readonly binaryTailBase64?: string;
  readonly events?: readonly unknown[];
  readonly serverStaysHealthy?: boolean;
  readonly touchesNoFileOutside?: boolean;
  readonly upstreamStatus?: number;
}

/** Fields that `checkReply` understands; a case with another one is not claimed to pass. */
export const knownFields: ReadonlySet<string> = new Set<keyof Expected>([
  'status',
  'statusClass',
  'contentType',
  'bodyHas',
  'bodyLacks',
  'body',
  'bodyTypes',
  'bodyIs',
  'elementTypes',
  'elementFields',
  'inferenceStats',
  'durationFields',
  'outputs',
  'id',
  'model_name',
  'model_version',
  'binaryHeader',
  'binaryTailBase64',
  'events',
  'serverStaysHealthy',
  'touchesNoFileOutside',
  'upstreamStatus',
]);

type Json = Record<string, unknown>;

function hasType(value: unknown, type: string): boolean {
  if (type === 'array of string') return Array.isArray(value) && value.every((element) => typeof element === 'string');
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}

/** `"*"` stands for any text; keys that the expectation doesn't name are free. */
function matches(actual: unknown, expected: unknown): boolean {
  if (expected === '*') return typeof actual === 'string';
  if (typeof expected !== 'object' || expected === null) return actual === expected;
  return Object.entries(expected).every(([key, value]) => matches((actual as Json | undefined)?.[key], value));
}

/** Throws an assertion error that says what differs. */
export function checkReply(expected: Expected, reply: Reply): void {
  if (expected.status !== undefined)
    assert.equal(
      reply.status,
      expected.status,
      `status ${reply.status}, expected ${expected.status}: ${reply.body.toString('utf8', 0, 200)}`,
    );
  if (expected.statusClass !== undefined)
    assert.equal(
      `${Math.floor(reply.status / 100)}xx`,
      expected.statusClass,
      `status ${reply.status}, expected ${expected.statusClass}`,
    );
  if (expected.contentType !== undefined) checkContentType(reply.headers['content-type'], expected.contentType);
  if (expected.events !== undefined) {
    const events = reply.body
      .toString('utf8')
      .split('\n')
      .filter((line) => line.startsWith('data:'))
      .map((line) => JSON.parse(line.slice(5)) as unknown);
    assert.equal(events.length, expected.events.length, `${events.length} events, expected ${expected.events.length}`);
    for (const [index, event] of expected.events.entries())
      assert.ok(matches(events[index], event), `event ${index}: ${JSON.stringify(events[index])}`);
    return;
  }
  const headerLength = reply.headers['inference-header-content-length'];
  if (expected.binaryHeader === true)
    assert.ok(headerLength !== undefined, 'the reply has no Inference-Header-Content-Length');
  const jsonLength = headerLength === undefined ? reply.body.length : Number(headerLength);
  const text = reply.body.toString('utf8', 0, jsonLength);
  const body = text === '' ? undefined : parseJson(text, { depthMax: 1000 });
  const tail = reply.body.subarray(jsonLength);
  if (expected.bodyIs !== undefined)
    assert.ok(hasType(body, expected.bodyIs), `the body is not an ${expected.bodyIs}: ${text}`);
  if (expected.elementTypes !== undefined)
    for (const element of body as Json[])
      for (const [key, type] of Object.entries(expected.elementTypes))
        assert.ok(hasType(element[key], type), `${key} is not a ${type}: ${text}`);
  for (const key of expected.bodyHas ?? [])
    assert.ok(Object.hasOwn(body as Json, key), `the body has no ${key}: ${text}`);
  for (const key of expected.bodyLacks ?? [])
    assert.ok(!Object.hasOwn(body as Json, key), `the body has ${key}: ${text}`);
  if (expected.body !== undefined) assert.ok(matches(body, expected.body), `body ${text}`);
  for (const [key, type] of Object.entries(expected.bodyTypes ?? {}))
    assert.ok(hasType((body as Json)[key], type), `${key} is not ${type}: ${text}`);
  checkIdentity(expected, body as Json);
  if (expected.outputs !== undefined) checkOutputs(expected.outputs, body as Json, tail);
  if (expected.binaryTailBase64 !== undefined) assert.equal(tail.toString('base64'), expected.binaryTailBase64);
  if (expected.elementFields !== undefined) checkStatistics(expected, body as Json);
}

function checkContentType(actual: string | undefined, expected: string): void {
  const essence = (text: string): string => text.replaceAll(' ', '').toLowerCase();
  assert.ok(
    actual !== undefined && essence(actual).startsWith(essence(expected)),
    `content type ${actual}, expected ${expected}`,
  );
}

function checkIdentity(expected: Expected, body: Json): void {
  if (expected.id === null)
    assert.ok(body['id'] === undefined || body['id'] === '', `id ${String(body['id'])}, expected none`);
  else if (expected.id !== undefined) assert.equal(body['id'], expected.id);
  if (expected.model_name !== undefined) assert.equal(body['model_name'], expected.model_name);
  if (expected.model_version !== undefined) assert.equal(body['model_version'], expected.model_version);
}

function checkOutputs(expected: readonly ExpectedOutput[], body: Json, tail: Buffer): void {
  const outputs = body['outputs'] as {
    name: string;
    datatype: string;
    shape: number[];
    data?: unknown[];
    parameters?: Json;
  }[];
  assert.deepEqual(outputs.map((output) => output.name).sort(), expected.map((output) => output.name).sort());
  let offset = 0;
  for (const output of outputs) {
    const size = output.parameters?.['binary_data_size'] as number | undefined;
    const wish = expected.find(({ name }) => name === output.name) as ExpectedOutput;
    assert.equal(output.datatype, wish.datatype);
    assert.deepEqual(output.shape, wish.shape);
    assert.ok(isDatatype(output.datatype));
    const bytes =
      size === undefined
        ? toBytes(output.datatype, output.data, output.shape, output.name)
        : tail.subarray(offset, (offset += size));
    if (wish.encoding === 'binary')
      assert.equal(size, wish.binary_data_size, `${output.name} is not binary of that size`);
    if (wish.encoding === 'json') assert.equal(size, undefined, `${output.name} is binary`);
    if (wish.bytesBase64 !== undefined) assert.equal(Buffer.from(bytes).toString('base64'), wish.bytesBase64);
    if (wish.data !== undefined) {
      const value = (data: unknown): Tensor => ({
        name: output.name,
        datatype: output.datatype as Tensor['datatype'],
        shape: output.shape,
        bytes:
          data instanceof Uint8Array
            ? data
            : toBytes(output.datatype as Tensor['datatype'], data, output.shape, output.name),
      });
      assert.deepEqual(toElements(value(bytes)), toElements(value(wish.data)));
    }
  }
}

function checkStatistics(expected: Expected, body: Json): void {
  const [first] = body['model_stats'] as Json[];
  assert.ok(first !== undefined, 'model_stats is empty');
  for (const field of expected.elementFields ?? [])
    assert.ok(Object.hasOwn(first, field), `model_stats has no ${field}`);
  const stats = first['inference_stats'] as Json;
  for (const field of expected.inferenceStats ?? [])
    for (const part of expected.durationFields ?? [])
      assert.ok(Object.hasOwn(stats[field] as Json, part), `inference_stats.${field} has no ${part}`);
}
