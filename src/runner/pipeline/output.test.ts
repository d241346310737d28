import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { classify, makeReadable, readCtc, softmax } from './output.ts';

const scores = fc.float32Array({ noNaN: true, noDefaultInfinity: true, minLength: 1, maxLength: 50 });

describe('the classification stage', () => {
  it('gives the k largest as sorting all of them would', () => {
    fc.assert(
      fc.property(scores, fc.integer({ min: 1, max: 10 }), (values, k) => {
        const sorted = [...values.entries()].toSorted(([i, a], [j, b]) => b - a || i - j).slice(0, k);
        assert.deepEqual(
          classify(values, k, undefined),
          sorted.map(([index, score]) => ({ label: String(index), index, score })),
        );
      }),
    );
  });

  it('makes probabilities of logits, however large', () => {
    fc.assert(
      fc.property(scores, (values) => {
        const sum = softmax(values).reduce((a, b) => a + b, 0);
        assert.ok(Math.abs(sum - 1) < 1e-9);
      }),
    );
  });

  it('names the labels, row by row', () => {
    const bytes = new Uint8Array(Float32Array.of(0.1, 0.9, 0.75, 0.25).buffer);
    const readable = makeReadable(
      { kind: 'classification', topK: 1, softmax: false, labels: ['cat', 'dog'] },
      { name: 'p', datatype: 'FP32', shape: [2, 2], bytes },
    );
    assert.deepEqual(readable, [
      [{ label: 'dog', index: 1, score: Math.fround(0.9) }],
      [{ label: 'cat', index: 0, score: 0.75 }],
    ]);
  });
});

describe('the CTC stage', () => {
  const steps = (...best: number[]): Float32Array =>
    Float32Array.from(
      best.flatMap((index) => Array.from({ length: 4 }, (_, other) => (other === index ? 0.75 : 0.05))),
    );

  it('joins repeats, drops blanks and keeps a letter that a blank parts', () => {
    assert.deepEqual(readCtc(steps(0, 1, 1, 0, 1, 2, 2, 0), 4, ['a', 'b', 'c']), { text: 'aab', score: 0.75 });
  });

  it('reads the class after the last label as a space', () => {
    assert.equal(readCtc(steps(1, 3, 2), 4, ['a', 'b']).text, 'a b');
  });

  it('reads nothing with a score of zero', () => {
    assert.deepEqual(readCtc(steps(0, 0), 4, ['a', 'b', 'c']), { text: '', score: 0 });
  });
});
