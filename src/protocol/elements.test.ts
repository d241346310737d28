import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { FlyballError } from '../errors.ts';
import {
  checkByteLength,
  packBytes,
  printElements,
  toBytes,
  toElements,
  toTypedArray,
  unpackBytes,
} from './elements.ts';
import { parseJson } from './json.ts';
import type { Datatype } from './tensor.ts';
import { anyTensor, elementsOf, jsonDatatypes } from '../testing/tensor-arbitrary.ts';

const refused =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof FlyballError && error.code === code;

describe('elements that JSON carries come back as they were', () => {
  for (const datatype of jsonDatatypes) {
    test(datatype, () => {
      fc.assert(
        fc.property(elementsOf(datatype), (elements) => {
          const shape = [elements.length];
          const bytes = toBytes(datatype, elements, shape, 'x');
          const tensor = { name: 'x', datatype, shape, bytes };
          checkByteLength(tensor);
          const text = printElements(tensor);
          const again = toBytes(datatype, parseJson(text, { depthMax: 8 }), shape, 'x');
          assert.deepEqual(again, bytes);
          assert.equal(toElements(tensor).length, elements.length);
        }),
      );
    });
  }
});

test('nested data gives the bytes of the same data laid flat', () => {
  const nested = [
    [1, 2, 3],
    [4, 5, 6],
  ];
  assert.deepEqual(toBytes('INT16', nested, [2, 3], 'x'), toBytes('INT16', nested.flat(), [2, 3], 'x'));
});

test('a value that does not fit its datatype is refused, never rounded', () => {
  const bad: readonly (readonly [Datatype, unknown])[] = [
    ['INT32', 1.5],
    ['INT32', 2 ** 31],
    ['INT32', true],
    ['INT32', null],
    ['INT32', '1'],
    ['INT32', Number.NaN],
    ['INT32', 12345678901234567890n],
    ['UINT8', 300],
    ['UINT8', -1],
    ['INT8', 128],
    ['UINT16', 65_536],
    ['UINT32', 2 ** 32],
    ['INT64', 2n ** 63n],
    ['INT64', -(2n ** 63n) - 1n],
    ['INT64', 2 ** 60],
    ['INT64', 0.5],
    ['UINT64', -1],
    ['UINT64', 2n ** 64n],
    ['FP32', 'a'],
    ['FP32', 1e39],
    ['FP32', null],
    ['FP64', Infinity],
    ['FP16', 70_000],
    ['BOOL', 1],
    ['BOOL', 'true'],
    ['BYTES', 1],
    ['BYTES', {}],
    ['BF16', 1],
  ];
  for (const [datatype, value] of bad) {
    assert.throws(() => toBytes(datatype, [value], [1], 'x'), refused('INVALID_TENSOR'), datatype);
  }
});

test('a wrong number of elements names both numbers', () => {
  assert.throws(() => toBytes('FP32', [1, 2, 3], [2, 2], 'x'), /expected 4 elements for shape \[2,2\], got 3/);
  assert.throws(() => toBytes('FP32', 3, [1], 'x'), refused('INVALID_TENSOR'));
  assert.throws(() => toBytes('FP32', [1, [2]], [2], 'x'), refused('INVALID_TENSOR'));
  assert.equal(toBytes('FP32', 3, [], 'x').byteLength, 4);
});

test('data nested past any tensor is refused', () => {
  let data: unknown = 1;
  for (let depth = 0; depth < 101; depth++) data = [data];
  assert.throws(() => toBytes('INT64', data, [1], 'x'), refused('INVALID_TENSOR'));
});

test('a misaligned tensor has the same elements as an aligned one', () => {
  const aligned = toBytes('FP64', [1.5, -2.5], [2], 'x');
  const shifted = new Uint8Array(17).subarray(1);
  shifted.set(aligned);
  const view = toTypedArray({ name: 'x', datatype: 'FP64', shape: [2], bytes: shifted });
  assert.deepEqual([...view], [1.5, -2.5]);
});

test('packed byte strings unpack to themselves', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 20 })), (elements) => {
      assert.deepEqual(
        unpackBytes(packBytes(elements)).map((element) => new Uint8Array(element)),
        elements,
      );
    }),
  );
});

test('any bytes unpack, or are refused with INVALID_BINARY', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
      try {
        assert.deepEqual(packBytes(unpackBytes(bytes)), new Uint8Array(bytes));
      } catch (error) {
        assert.ok(refused('INVALID_BINARY')(error));
      }
    }),
  );
});

test('one byte too many or too few is refused for every datatype', () => {
  fc.assert(
    fc.property(anyTensor, (tensor) => {
      checkByteLength(tensor);
      const longer = new Uint8Array(tensor.bytes.byteLength + 1);
      longer.set(tensor.bytes);
      assert.throws(() => checkByteLength({ ...tensor, bytes: longer }), refused('INVALID_BINARY'));
      if (tensor.bytes.byteLength > 0) {
        const shorter = tensor.bytes.subarray(0, -1);
        assert.throws(() => checkByteLength({ ...tensor, bytes: shorter }), refused('INVALID_BINARY'));
      }
    }),
  );
});

test('a BOOL byte other than 0 and 1 is refused', () => {
  const tensor = { name: 'x', datatype: 'BOOL', shape: [2], bytes: Uint8Array.of(1, 2) } as const;
  assert.throws(() => checkByteLength(tensor), refused('INVALID_TENSOR'));
});

test('a byte string that is not UTF-8 has no JSON form', () => {
  const tensor = { name: 'x', datatype: 'BYTES', shape: [1], bytes: packBytes([Uint8Array.of(0xff)]) } as const;
  assert.throws(() => printElements(tensor), refused('INVALID_REQUEST'));
});
