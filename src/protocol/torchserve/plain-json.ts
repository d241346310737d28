/**
 * Tensors from JSON that names no datatypes and shapes, and back: TorchServe's callers post what their data looks like.
 * The model's signature decides what it means; where more than one shape would fit, the request is refused.
 */
import { FlyballError } from '../../errors.ts';
import { toBytes, toElements } from '../elements.ts';
import { checkShape } from '../validate.ts';
import { elementCount, type ModelSignature, type Tensor, type TensorSpec } from '../tensor.ts';

interface Limits {
  readonly tensorElementsMax: number;
}

/** Sizes of nested lists, read along the first elements. */
function nestingOf(data: unknown): number[] {
  const sizes: number[] = [];
  let level = data;
  while (Array.isArray(level)) {
    sizes.push(level.length);
    level = level[0];
  }
  return sizes;
}

const fits = (shape: readonly number[], spec: readonly number[]): boolean =>
  shape.length === spec.length && spec.every((size, axis) => size === -1 || size === shape[axis]);

/**
 * The shape that `data` has as this input: its own nesting where that fits, with a batch of one put before it where that
 * fits, or the declared shape with its one unknown size taken from the number of elements. Throws INVALID_TENSOR.
 */
export function shapeOf(data: unknown, spec: TensorSpec): readonly number[] {
  const nested = nestingOf(data);
  if (fits(nested, spec.shape)) return nested;
  const row = [1, ...nested];
  if (fits(row, spec.shape)) return row;
  const count = elementCount(nested);
  // Of several unknown sizes, the first is the batch; a single caller's batch is one.
  const shape = [...spec.shape];
  if (shape.filter((size) => size === -1).length > 1 && shape[0] === -1) shape[0] = 1;
  const open = shape.indexOf(-1);
  if (open !== -1 && open === shape.lastIndexOf(-1)) {
    const rest = -elementCount(shape);
    if (rest > 0 && count % rest === 0) shape[open] = count / rest;
  }
  if (elementCount(shape) === count && !shape.includes(-1)) return shape;
  throw new FlyballError(
    'INVALID_TENSOR',
    `input ${spec.name}: expected data of shape [${spec.shape.join(',')}], got [${nested.join(',')}]`,
  );
}

function toTensor(data: unknown, spec: TensorSpec, limits: Limits): Tensor {
  const shape = shapeOf(data, spec);
  checkShape(shape, spec.name, limits);
  const list = Array.isArray(data) ? data : [data];
  return { name: spec.name, datatype: spec.datatype, shape, bytes: toBytes(spec.datatype, list, shape, spec.name) };
}

/** A value for a model with one input (bare or under `data`), or an object with a value for each input by its name. */
export function tensorsFromPlainJson(value: unknown, signature: ModelSignature, limits: Limits): Tensor[] {
  const { inputs } = signature;
  const names = inputs.map((spec) => spec.name).join(', ');
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const object = value as Readonly<Record<string, unknown>>;
    const keys = Object.keys(object);
    if (keys.length === inputs.length && inputs.every((spec) => Object.hasOwn(object, spec.name))) {
      return inputs.map((spec) => toTensor(object[spec.name], spec, limits));
    }
    if (keys.length !== 1 || keys[0] !== 'data') {
      throw new FlyballError(
        'INVALID_REQUEST',
        `expected a list, {"data": …} or an object with the inputs ${names}, got the keys ${keys.slice(0, 8).join(', ')}`,
      );
    }
    return tensorsFromPlainJson(object['data'], signature, limits);
  }
  const [only] = inputs;
  if (only === undefined || inputs.length !== 1) {
    throw new FlyballError('INVALID_REQUEST', `expected an object with the inputs ${names}, got one bare value`);
  }
  return [toTensor(value, only, limits)];
}

/** A tensor's elements as lists nested by its shape; the element itself for a scalar. */
export function toNested(tensor: Tensor): unknown {
  let level = toElements(tensor);
  if (tensor.shape.length === 0) return level[0];
  for (let axis = tensor.shape.length - 1; axis > 0; axis--) {
    const size = tensor.shape[axis] ?? 1;
    const rows = elementCount(tensor.shape.slice(0, axis));
    const outer: unknown[] = [];
    for (let row = 0; row < rows; row++) outer.push(level.slice(row * size, (row + 1) * size));
    level = outer;
  }
  return level;
}
