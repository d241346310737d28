import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseLines } from '../../testing/line-parser.ts';
import { encodePoint, float, integer, text, type FieldValue, type Point } from './line-protocol.ts';

const point = (more: Partial<Point>): Point => ({
  measurement: 'm',
  tags: {},
  fields: { f: integer(1) },
  at: 1_700_000_000_123_456_789n,
  ...more,
});
const lineOf = (more: Partial<Point>): string | undefined => encodePoint(point(more)).lines[0];

test('each kind of value is written as InfluxDB reads it', () => {
  const fields = {
    a: float(1.5),
    b: float(2),
    c: float(1e21),
    d: integer(-7),
    e: { kind: 'boolean', value: true },
    f: text('say "no" to C:\\'),
  } as const;
  assert.equal(
    lineOf({ fields }),
    String.raw`m a=1.5,b=2,c=1e+21,d=-7i,e=true,f="say \"no\" to C:\\" 1700000000123456789`,
  );
});

test('what would end a name is put behind a backslash', () => {
  assert.equal(
    lineOf({ measurement: 'a b,c=d', tags: { 't g': 'v,a=l e' }, fields: { 'f=d': integer(1) } }),
    String.raw`a\ b\,c=d,t\ g=v\,a\=l\ e f\=d=1i 1700000000123456789`,
  );
});

test('a hostile tag cannot end its line, nor take the separator after it', () => {
  assert.equal(
    lineOf({ tags: { t: 'x f=9i 1\nevil f=1i 2' } }),
    String.raw`m,t=x\ f\=9i\ 1\nevil\ f\=1i\ 2 f=1i 1700000000123456789`,
  );
  assert.equal(lineOf({ tags: { t: 'x\\' } }), 'm,t=x_ f=1i 1700000000123456789');
  assert.equal(lineOf({ tags: { t: String.raw`C:\a\ b` } }), String.raw`m,t=C:\a_\ b f=1i 1700000000123456789`);
});

test('what no field can hold is left out and counted; without a field there is no line', () => {
  const none = { a: float(NaN), b: float(Infinity), c: float(-Infinity), d: integer(2 ** 53), e: integer(1.5) };
  assert.deepEqual(encodePoint(point({ fields: none })), { lines: [], leftOut: 5 });
  const some = encodePoint(point({ fields: { ...none, f: integer(2 ** 53 - 1) } }));
  assert.deepEqual(some, { lines: ['m f=9007199254740991i 1700000000123456789'], leftOut: 5 });
});

test('tags come by name, and one without a value is none', () => {
  assert.equal(lineOf({ tags: { b: '2', a: '1', c: '' } }), 'm,a=1,b=2 f=1i 1700000000123456789');
});

test('the time is in the unit that was asked for, cut down', () => {
  const times = (['ns', 'us', 'ms', 's'] as const).map((precision) =>
    encodePoint(point({}), { precision }).lines[0]?.split(' ').at(-1),
  );
  assert.deepEqual(times, ['1700000000123456789', '1700000000123456', '1700000000123', '1700000000']);
  assert.equal(encodePoint(point({ at: -1n }), { precision: 's' }).lines[0], 'm f=1i -1');
});

test('a line that would be too long is several of the same head and time', () => {
  const fields = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`field_${index}`, integer(index)]));
  const { lines, leftOut } = encodePoint(point({ fields, tags: { t: 'v' } }), { lineBytesMax: 60 });
  assert.equal(leftOut, 0);
  assert.ok(lines.length > 1 && lines.every((line) => Buffer.byteLength(line) <= 60), lines.join('\n'));
  const merged = Object.assign({}, ...parseLines(lines.join('\n')).map((line) => line.fields)) as object;
  assert.deepEqual(Object.keys(merged), Object.keys(fields));
  assert.deepEqual(encodePoint(point({ fields: { f: text('x'.repeat(100)) } }), { lineBytesMax: 60 }), {
    lines: [],
    leftOut: 1,
  });
});

/** What comes back of a tag, or of a name: what the format cannot say is changed, as the encoder's head states. */
const tagged = (name: string): string => {
  const words: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\f': '\\f', '\0': '\\0' };
  return name
    .replace(/\\(?=[,= \\\n\r\t\f\0]|$)/g, '_')
    .replace(/[\n\r\t\f\0]/g, (character) => words[character] ?? '');
};
const named = (name: string): string => tagged(name.replaceAll('\\', '_'));

const rough = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'é', '😀', ',', '=', ' ', '\\', '"', '\n', '\r', '\t', '#'), maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
);
const valueOf: fc.Arbitrary<FieldValue> = fc.oneof(
  fc.record({ kind: fc.constant('float' as const), value: fc.double() }),
  fc.record({ kind: fc.constant('integer' as const), value: fc.maxSafeInteger() }),
  fc.record({ kind: fc.constant('boolean' as const), value: fc.boolean() }),
  fc.record({ kind: fc.constant('string' as const), value: rough }),
);
const pointOf: fc.Arbitrary<Point> = fc.record({
  measurement: rough,
  tags: fc.dictionary(rough, rough, { maxKeys: 4, noNullPrototype: true }),
  fields: fc.dictionary(rough, valueOf, { minKeys: 1, maxKeys: 5, noNullPrototype: true }),
  at: fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
});

test('another reader of the format gets back what was written, value for value and type for type', () => {
  fc.assert(
    fc.property(pointOf, fc.option(fc.integer({ min: 40, max: 200 }), { nil: undefined }), (written, lineBytesMax) => {
      const { lines, leftOut } = encodePoint(written, { lineBytesMax: lineBytesMax ?? Infinity });
      // Together too: no line may run into the next.
      const parsed = parseLines(lines.map((line) => `${line}\n`).join(''));
      assert.equal(parsed.length, lines.length);
      const kept = parsed.reduce((sum, { fields }) => sum + Object.keys(fields).length, 0);
      const names = new Set(Object.keys(written.fields).map(named));
      if (names.size === Object.keys(written.fields).length) {
        assert.equal(kept + leftOut, Object.keys(written.fields).length);
      }
      const tags = Object.fromEntries(
        Object.entries(written.tags)
          .map(([key, value]) => [tagged(key), tagged(value)] as const)
          .filter(([key, value]) => key !== '' && value !== ''),
      );
      for (const line of parsed) {
        assert.equal(line.measurement, named(written.measurement));
        assert.equal(line.at, written.at);
        assert.deepEqual(Object.keys(line.tags).toSorted(), Object.keys(tags).toSorted());
        for (const [key, value] of Object.entries(line.fields)) {
          const same = Object.entries(written.fields).filter(([name]) => named(name) === key);
          assert.ok(
            same.some(([, field]) => isSame(field, value)),
            `${key}: ${String(value)}`,
          );
        }
      }
    }),
    { numRuns: 1000 },
  );
});

function isSame(field: FieldValue, read: number | bigint | boolean | string): boolean {
  if (field.kind === 'integer') return read === BigInt(field.value);
  // Minus zero is zero.
  if (field.kind === 'float') return read === field.value;
  return read === field.value;
}
