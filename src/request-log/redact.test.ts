import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { joinBytesElements, splitBytesElements } from './bytes-elements.ts';
import type { Redaction, RequestRecord } from './record.ts';
import { toLine } from './redact.ts';

const key = Buffer.alloc(32, 7);
const nothing: Redaction = { inputs: [], outputs: [], parameters: [], json: [], with: 'remove' };
const bytesOf = (...texts: readonly string[]): Uint8Array => joinBytesElements(texts.map((text) => Buffer.from(text)));
const record = (more: Partial<RequestRecord> = {}): RequestRecord => ({
  at: 0,
  requestId: 'r1',
  deployment: 'digits',
  timing: { totalMs: 1 },
  ...more,
});
const read = (line: string): Record<string, never> => JSON.parse(line) as Record<string, never>;
const tensor = (name: string, bytes: Uint8Array, datatype: 'BYTES' | 'UINT8' = 'UINT8') => ({
  name,
  datatype,
  shape: [1],
  bytes,
});

test('whatever bytes a tensor has come back from its line bit for bit, and a record is one line', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const line = toLine(record({ inputs: [tensor('x', bytes)] }), nothing, key);
      assert.equal(line.indexOf('\n'), line.length - 1);
      const { inputs } = read(line) as unknown as { inputs: [{ data: string }] };
      assert.deepEqual(Buffer.from(inputs[0].data, 'base64'), Buffer.from(bytes));
    }),
  );
});

test('names are redacted, removed or as a hash that equal values share and nobody can guess without the key', () => {
  const secret = Buffer.from('4711');
  const given = record({
    inputs: [tensor('patient', secret), tensor('x', Buffer.from('open'))],
    parameters: { user: 'ada', n: 3n },
  });
  const removing = toLine(given, { ...nothing, inputs: ['patient'], parameters: ['user'] }, key);
  assert.ok(!removing.includes(secret.toString('base64')) && !removing.includes('ada'));
  assert.match(removing, /"data":"b3Blbg=="/);
  const hashing: Redaction = { ...nothing, inputs: ['patient'], parameters: ['*'], with: 'hash' };
  const line = toLine(given, hashing, key);
  assert.ok(!line.includes('ada') && !line.includes(secret.toString('base64')));
  assert.match(line, /"redacted":"hmac-sha256:[0-9a-f]{64}"/);
  assert.equal(line, toLine(given, hashing, key));
  assert.notEqual(line, toLine(given, hashing, Buffer.alloc(32, 8)));
});

test('places in JSON are redacted wherever JSON is: elements of BYTES, files, the readable answer', () => {
  const text = JSON.stringify({ patient: { name: 'Ada', age: 36 }, entries: [{ id: 'A1' }, { id: 'A2', kept: true }] });
  const redact: Redaction = { ...nothing, json: ['patient.name', '$.entries.*.id'] };
  const line = toLine(
    record({
      inputs: [tensor('text', bytesOf(text, 'no json but secret'), 'BYTES')],
      file: { byteLength: 1, bytes: Buffer.from(text) },
      readable: JSON.parse(text) as unknown,
    }),
    redact,
    key,
  );
  const { inputs, file, readable } = read(line) as unknown as {
    inputs: [{ data: string }];
    file: { data: string };
    readable: unknown;
  };
  const expected = {
    patient: { name: '[redacted]', age: 36 },
    entries: [{ id: '[redacted]' }, { id: '[redacted]', kept: true }],
  };
  const elements = splitBytesElements(Buffer.from(inputs[0].data, 'base64')) ?? [];
  assert.deepEqual(JSON.parse(Buffer.from(elements[0] ?? []).toString()), expected);
  // What cannot be looked into is redacted whole.
  assert.equal(Buffer.from(elements[1] ?? []).toString(), '[redacted]');
  assert.deepEqual(JSON.parse(Buffer.from(file.data, 'base64').toString()), expected);
  assert.deepEqual(readable, expected);
});

test('a BYTES tensor whose lengths run past its end is redacted whole', () => {
  const line = toLine(
    record({ inputs: [tensor('text', Buffer.from([9, 0, 0, 0, 1]), 'BYTES')] }),
    { ...nothing, json: ['a'] },
    key,
  );
  const { inputs } = read(line) as unknown as { inputs: [{ data: string }] };
  assert.match(Buffer.from(inputs[0].data, 'base64').toString('latin1'), /\[redacted\]$/);
});

test('no value at a redacted place of whatever JSON is in the line', () => {
  fc.assert(
    fc.property(fc.json(), fc.string({ minLength: 8 }), (text, name) => {
      const secret = `secret-${Buffer.from(name).toString('hex')}`;
      const readable = { outer: JSON.parse(text) as unknown, hidden: { [name]: secret } };
      const line = toLine(record({ readable }), { ...nothing, json: ['hidden'] }, key);
      assert.ok(!line.includes(secret));
    }),
  );
});
