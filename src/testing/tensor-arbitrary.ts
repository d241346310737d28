/** Arbitrary tensors for property tests: every datatype, every value that it can hold. */
import fc from 'fast-check';
import { packBytes } from '../protocol/elements.ts';
import { datatypeWidths, elementCount, type Datatype, type Tensor } from '../protocol/tensor.ts';

export const datatypes = Object.keys(datatypeWidths) as Datatype[];
export const jsonDatatypes = datatypes.filter((datatype) => datatype !== 'BF16');

function elementOf(datatype: Datatype): fc.Arbitrary<unknown> {
  switch (datatype) {
    case 'BOOL':
      return fc.boolean();
    case 'UINT8':
    case 'UINT16':
    case 'UINT32':
      return fc.integer({ min: 0, max: 2 ** (8 * datatypeWidths[datatype]) - 1 });
    case 'INT8':
    case 'INT16':
    case 'INT32': {
      const half = 2 ** (8 * datatypeWidths[datatype] - 1);
      return fc.integer({ min: -half, max: half - 1 });
    }
    case 'UINT64':
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    case 'INT64':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case 'FP16':
    case 'BF16':
      return fc.integer({ min: -2048, max: 2048 });
    case 'FP32':
      return finiteOrWord(fc.float({ noDefaultInfinity: true, noNaN: true }));
    case 'FP64':
      return finiteOrWord(fc.double({ noDefaultInfinity: true, noNaN: true }));
    default:
      return fc.string({ unit: 'grapheme' });
  }
}

/** JSON has no negative zero that every printer keeps; the words are how it carries what is not finite. */
function finiteOrWord(finite: fc.Arbitrary<number>): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 8, arbitrary: finite.map((value) => value + 0 || 0) },
    fc.constantFrom('NaN', 'Infinity', '-Infinity'),
  );
}

export const elementsOf = (datatype: Datatype): fc.Arbitrary<unknown[]> =>
  fc.array(elementOf(datatype), { maxLength: 24 });

const bytesOf = (datatype: Datatype, count: number): fc.Arbitrary<Uint8Array> => {
  if (datatype === 'BYTES') {
    return fc
      .array(fc.uint8Array({ maxLength: 8 }), { minLength: count, maxLength: count })
      .map((all) => packBytes(all));
  }
  const length = count * datatypeWidths[datatype];
  return fc.uint8Array({ minLength: length, maxLength: length, max: datatype === 'BOOL' ? 1 : 255 });
};

/** A tensor of any datatype and any bits, as binary tensors may carry. */
export const anyTensor: fc.Arbitrary<Tensor> = fc
  .record({
    name: fc.string({ minLength: 1, maxLength: 8 }),
    datatype: fc.constantFrom(...datatypes),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
  })
  .chain((spec) => bytesOf(spec.datatype, elementCount(spec.shape)).map((bytes) => Object.assign({ bytes }, spec)));
