import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { digits, quantity, unitName, words } from './quantity.ts';

test('a number has its unit and three digits at most, and the whole of it on request', () => {
  const cases = [
    [38.4321, 'ms', '38.4 ms'],
    [0.0649, 'ms', '0.0649 ms'],
    [999.9, 'ms', '1 s'],
    [1240, 'ms', '1.24 s'],
    [119_000, 'ms', '119 s'],
    [150_000, 'ms', '2.5 min'],
    [312.4, 'req/s', '312 req/s'],
    [12_345, 'req/s', '12.3 k req/s'],
    [1536, 'bytes', '1.5 KiB'],
    [259_000_000, 'bytes', '247 MiB'],
    [0.0042, 'share', '0.42 %'],
    [14.4, 'times', '14.4 ×'],
    [9876, 'count', '9,876'],
    [123_456, 'count', '123 k'],
    [2.5, 'replicas', '2.5'],
    [0, 'requests', '0'],
    [-12.34, 'ms', '−12.3 ms'],
  ] as const;
  for (const [value, unit, text] of cases) assert.equal(words(value, unit), text);
  assert.equal(words(3.07, { currency: '€' }), '3.07 €');
  assert.equal(quantity(1240, 'ms').full, '1,240 ms');
  assert.equal(quantity(1, 'replicas').full, '1 replica');
  assert.equal(quantity(1234.5, { currency: '€' }).number, '1,230');
});

test('what is not known is no data and never 0', () => {
  for (const value of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY])
    assert.equal(words(value, 'ms'), 'no data');
});

test('three digits are never off by more than half of the third, and never written with an exponent', () => {
  const numbers = fc.double({ min: 1e-4, max: 1e12, noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(numbers, (value) => {
      const text = digits(value);
      assert.doesNotMatch(text, /e/);
      const read = Number(text.replaceAll(',', ''));
      assert.ok(Math.abs(read - value) <= value * 0.00501, `${value} → ${text}`);
      assert.ok(text.replace(/[.,]/g, '').replace(/^0+/, '').replace(/0+$/, '').length <= 3, text);
    }),
  );
});

test('each unit has a name for headings', () => {
  assert.deepEqual((['ms', 'share', 'times', 'count', { currency: '€' }] as const).map(unitName), [
    'ms',
    '%',
    '×',
    '',
    '€',
  ]);
});
