import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compositeMetric, readFormula, type Named } from './formula.ts';

function value(formula: string, of: Named = {}): unknown {
  const read = readFormula(formula);
  if (read.kind === 'refused') return read.reason;
  const result = read.evaluate(of);
  return result.kind === 'error' ? result.reason : result.value;
}

test('it calculates as it is read: powers before products before sums, comparisons, choices', () => {
  assert.equal(value('1 + 2 * 3 ^ 2'), 19);
  assert.equal(value('(1 + 2) * -3'), -9);
  assert.equal(value('10 - 2 - 3'), 5);
  assert.equal(value('a > 2 && !(b > 2) ? a : b', { a: 3, b: 1 }), 3);
  assert.equal(value('not true ? 1 : 2'), 2);
  assert.equal(value('2 ** 3 ** 2'), 512);
});

test('what is absent gives way to the next, and is no zero', () => {
  assert.equal(value('a ?? b ?? 7', { a: null, b: null }), 7);
  assert.equal(value('a ?? b', { a: 0, b: 5 }), 0);
  assert.equal(value('a + b', { a: null, b: 5 }), 'a number was expected, null came');
  assert.equal(value('a ?? b', { a: null, b: null }), null);
});

test('lists and functions', () => {
  assert.equal(value('max([a, 2], 7) + min(a, 1)', { a: 3 }), 8);
  assert.equal(value('count([a, b], {# > 1}) > 1 ? 5 : 0', { a: 2, b: 3 }), 5);
  assert.equal(value('median([1, 9, 3])'), 3);
  assert.equal(value('median([1, 9, 3, 5])'), 4);
  assert.equal(value('ceil(mean([1, 2]))'), 2);
});

test('what cannot be read or known is said', () => {
  assert.equal(value('1 +'), 'it ends too early');
  assert.equal(value('(1'), ') was expected, the end came');
  assert.equal(value('1 2'), '2 was not expected');
  assert.equal(value('a'), 'nothing is called a');
  assert.equal(value('constructor'), 'nothing is called constructor');
  assert.equal(value('toString(1)'), 'no function is called toString');
  assert.equal(value('1 / 0'), 'it gives Infinity');
  assert.equal(value('a @ b', { a: 1, b: 1 }), 'nothing is known of " @ b"');
  assert.equal(value('('.repeat(1500)), 'it is nested too deeply');
  assert.equal(value('-'.repeat(1500)), 'it is nested too deeply');
});

test('where the formula gives nothing the fallback stands in', () => {
  assert.deepEqual(compositeMetric('a', { a: null }, { replicas: 3, target: 2 }), { kind: 'value', value: 6 });
  assert.equal(compositeMetric('a', { a: null }, undefined).kind, 'error');
});

test('whatever text comes, it gives a finite number, nothing, or a reason', () => {
  const texts = fc.oneof(fc.string(), fc.stringMatching(/^[ab0-9+*/%?:()[\]{}#<>=!&|., -]{0,60}$/u));
  fc.assert(
    fc.property(texts, (text) => {
      const given = value(text, { a: 1, b: null });
      assert.ok(given === null || typeof given === 'string' || Number.isFinite(given));
    }),
  );
});
