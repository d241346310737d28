import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FlyballError } from '../errors.ts';
import { parseJson, parseJsonBytes, printJson } from './json.ts';

const limits = { depthMax: 64 };
const invalid = (error: unknown): boolean => error instanceof FlyballError && error.code === 'INVALID_JSON';

test('integers of any size survive parsing and printing exactly', () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n })), (integers) => {
      const text = `{"a":[${integers.join(',')}]}`;
      const value = parseJson(text, limits) as { a: (number | bigint)[] };
      assert.deepEqual(value.a.map(BigInt), integers);
      assert.equal(printJson(value), text);
    }),
  );
});

test('a long integer is found wherever it stands in the text', () => {
  for (let pad = 0; pad < 40; pad++) {
    const text = `[${' '.repeat(pad)}9007199254740993]`;
    assert.deepEqual(parseJson(text, limits), [9007199254740993n]);
  }
});

test('digits that are no long integer stay numbers and strings', () => {
  const text = '[0.1234567890123456789,12345678901234567890.5,12345678901234567890e2,"12345678901234567890",1e400]';
  assert.deepEqual(parseJson(text, limits), JSON.parse(text));
});

test('what JSON.parse reads, this reads to the same value', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 5 }), (text) => {
      assert.deepEqual(JSON.parse(printJson(parseJson(text, limits))), JSON.parse(text));
    }),
  );
});

test('nesting up to the limit is read, one more is refused, brackets in strings do not count', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
  parseJson(nested(64), limits);
  assert.throws(() => parseJson(nested(65), limits), invalid);
  assert.throws(() => parseJson('{"a":'.repeat(65) + '1' + '}'.repeat(65), limits), invalid);
  assert.throws(() => parseJson('['.repeat(1_000_000), limits), invalid);
  parseJson(JSON.stringify([nested(1000), `\\"${nested(1000)}`]), limits);
  parseJson(`[${Array.from({ length: 1000 }, () => '[]').join(',')}]`, limits);
});

test('a __proto__ key is an ordinary key and pollutes nothing', () => {
  for (const text of ['{"__proto__":{"polluted":1}}', '{"__proto__":{"polluted":12345678901234567890}}']) {
    const value = parseJson(text, limits) as object;
    assert.ok(Object.hasOwn(value, '__proto__'));
    assert.equal(Object.getPrototypeOf(value), Object.prototype);
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  }
});

test('with uniqueKeys the same key twice in an object is refused, also when escaped, and nowhere else', () => {
  const unique = { ...limits, uniqueKeys: true };
  for (const text of ['{"a":1,"a":2}', '{"b":[{"a":{},"\\u0061":1}]}', '{"a":"\\"","a":1}']) {
    assert.throws(() => parseJson(text, unique), invalid, text);
    parseJson(text, limits);
  }
  for (const text of ['{"a":{"a":1},"b":["a","a",{"a":1},{"a":1}]}', '{"a":"a","b":"a"}', '["a","a"]']) {
    parseJson(text, unique);
  }
});

test('unique keys agree with a value that has no twin, whatever it is', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const text = JSON.stringify(value);
      const parsed = parseJson(text, { ...limits, uniqueKeys: true });
      assert.deepEqual(JSON.parse(printJson(parsed)), JSON.parse(text));
    }),
  );
});

test('any bytes are parsed or refused with INVALID_JSON', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        parseJsonBytes(bytes, limits);
      } catch (error) {
        assert.ok(invalid(error));
      }
    }),
  );
  assert.throws(() => parseJsonBytes(new Uint8Array(0), limits), invalid);
  assert.throws(() => parseJsonBytes(Uint8Array.of(0x22, 0xff, 0x22), limits), invalid);
});

test('numbers that JSON does not have are printed as words in quotes', () => {
  assert.equal(printJson([Number.NaN, Infinity, -Infinity, 1n]), '["NaN","Infinity","-Infinity",1]');
});
