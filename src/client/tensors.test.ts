import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FlyballError } from '../errors.ts';
import type { Tensor } from '../protocol/tensor.ts';
import { tensor, toValues, type DatatypeValues } from './tensors.ts';

const back = <Type extends keyof DatatypeValues>(datatype: Type, made: Tensor): DatatypeValues[Type] =>
  toValues({ ...made, datatype });

test('a typed array goes in without a copy and comes back as it was', () => {
  const values = Float32Array.of(1.5, -2, 3);
  const made = tensor('x', 'FP32', [3], values);
  assert.equal(made.bytes.buffer, values.buffer);
  assert.deepEqual(back('FP32', made), values);
});

test('lists, nested or flat, become the typed array of their datatype', () => {
  assert.deepEqual(
    back(
      'INT8',
      tensor(
        'x',
        'INT8',
        [2, 2],
        [
          [1, -1],
          [127, -128],
        ],
      ),
    ),
    Int8Array.of(1, -1, 127, -128),
  );
  assert.deepEqual(back('INT64', tensor('x', 'INT64', [2], [1n << 62n, 7])), BigInt64Array.of(1n << 62n, 7n));
  assert.deepEqual(back('BOOL', tensor('x', 'BOOL', [2], [true, false])), [true, false]);
  assert.deepEqual(back('FP16', tensor('x', 'FP16', [2], [1, -0.5])), Float16Array.of(1, -0.5));
  assert.deepEqual(
    back('BYTES', tensor('x', 'BYTES', [2], ['ä', Buffer.from([0, 255])])).map((each) => Buffer.from(each)),
    [Buffer.from('ä'), Buffer.from([0, 255])],
  );
});

test('BF16 is exact for what BF16 can hold, and the nearest of it for the rest', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true }), (value) => {
      const [near] = back('BF16', tensor('x', 'BF16', [1], [value]));
      assert.deepEqual(back('BF16', tensor('x', 'BF16', [1], [near!])), Float32Array.of(near!));
      // Eight bits of significand: the error is at most half of the last of them.
      if (Number.isFinite(near) && Math.abs(value) > 1e-30)
        assert.ok(Math.abs(near! - value) <= Math.abs(value) * 2 ** -8);
    }),
  );
  assert.ok(Number.isNaN(back('BF16', tensor('x', 'BF16', [1], [Number.NaN]))[0]));
});

test('values that do not fit are refused when the tensor is made, with its name', () => {
  const refused: readonly (() => unknown)[] = [
    () => tensor('scores', 'FP32', [1, 3], [1, 2]),
    () => tensor('scores', 'FP32', [1, 3], Float32Array.of(1, 2)),
    () => tensor('scores', 'UINT8', [1], [256]),
    () => tensor('scores', 'BYTES', [2], ['one']),
    () => tensor('scores', 'BF16', [2], [1]),
    // @ts-expect-error The types refuse another array as well.
    () => tensor('scores', 'FP32', [1], Float64Array.of(1)),
    // @ts-expect-error And texts for numbers.
    () => tensor('scores', 'INT32', [1], ['1']),
  ];
  for (const make of refused) {
    assert.throws(
      make,
      (error) => error instanceof FlyballError && error.code === 'INVALID_TENSOR' && /scores/.test(error.message),
    );
  }
});
