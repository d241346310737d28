import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { fitted, moved } from './strokes.ts';
import { drawingOf, inputsOf } from './takes.ts';
import { placeOf, shownOf } from './answer.ts';

const unit = fc.double({ min: 0, max: 1, noNaN: true });
const strokes = fc.array(fc.array(fc.record({ x: unit, y: unit }), { minLength: 1, maxLength: 9 }), { maxLength: 4 });

test('whatever is drawn is centred, stays inside, and keeps its strokes', () => {
  fc.assert(
    fc.property(strokes, (drawn) => {
      const placed = fitted(drawn);
      assert.deepEqual(
        placed.map(({ length }) => length),
        drawn.map(({ length }) => length),
      );
      const xs = placed.flat().map(({ x }) => x);
      if (xs.length === 0) return;
      assert.ok(Math.abs((Math.min(...xs) + Math.max(...xs)) / 2 - 0.5) < 1e-9);
      assert.ok(placed.flat().every(({ x, y }) => x >= 0 && x <= 1 && y >= 0 && y <= 1));
    }),
  );
});

test('arrow keys move the pen and never out of the pad; other keys do nothing', () => {
  assert.deepEqual(moved({ x: 0.5, y: 0.5 }, 'ArrowUp', 0.1), { x: 0.5, y: 0.4 });
  assert.deepEqual(moved({ x: 0, y: 0 }, 'ArrowLeft', 0.1), { x: 0, y: 0 });
  assert.equal(moved({ x: 0, y: 0 }, 'Enter', 0.1), undefined);
  assert.equal(moved({ x: 0, y: 0 }, 'toString', 0.1), undefined);
});

test('small grey pictures can be drawn, as a tensor or for a pipeline; others not', () => {
  const of = (shape: number[], datatype = 'FP32') =>
    drawingOf({ signature: { inputs: [{ name: 'x', datatype, shape }], outputs: [], batchable: true } });
  assert.deepEqual([of([-1, 1, 28, 28])?.width, of([-1, 28, 20, 1])?.height, of([28, 28])?.width], [28, 28, 28]);
  for (const shape of [[-1, 3, 28, 28], [-1, 1, 224, 224], [-1, 4], [-1], []]) assert.equal(of(shape), undefined);
  assert.equal(of([-1, 1, 28, 28], 'BYTES'), undefined);
  assert.deepEqual(inputsOf(undefined), ['json', 'file']);
});

test('labels are told best first, tensors with the place of each value, and the rest as it is', () => {
  const labels = shownOf([
    { label: 'one', score: 0.1 },
    { label: 'two', score: 0.9 },
  ]);
  assert.ok(labels.kind === 'labels' && labels.labels[0]?.label === 'two');
  const tensors = shownOf({ outputs: [{ name: 'y', datatype: 'FP32', shape: [2, 100], data: Array(200).fill(1) }] });
  assert.ok(tensors.kind === 'tensors');
  assert.deepEqual([tensors.tensors[0]?.count, tensors.tensors[0]?.values.length], [200, 50]);
  assert.equal(placeOf(103, [2, 100]), '[1, 3]');
  assert.equal(shownOf('hello').kind, 'text');
  assert.equal(shownOf({ a: 1 }).kind, 'json');
  fc.assert(fc.property(fc.jsonValue(), (value) => void shownOf(value)));
});
