/**
 * What a model takes and gives, read from the ONNX file itself.
 * It does not check that the graph can run: that is the runtime's word, when it loads the file.
 * Invariant: neither nodes nor weights are decoded or copied, so the cost does not grow with the weights.
 */
import { FlyballError } from '../errors.ts';
import type { Datatype, ModelSignature, TensorSpec } from '../protocol/tensor.ts';
import type { ElementType, GraphProto, Int64, ModelProto, TensorProto, ValueInfoProto } from './proto.ts';
import { decodeOutline, elementTypes, fromInt64 } from './proto.ts';

export interface OnnxFileInfo {
  readonly signature: ModelSignature;
  readonly irVersion: number;
  /** Operator set version by domain; the standard domain is written `ai.onnx`. */
  readonly opsets: Readonly<Record<string, number>>;
  /** Name and version of what wrote the file; empty when it did not say. */
  readonly producer: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export const datatypeByElementType: Readonly<Partial<Record<ElementType, Datatype>>> = {
  FLOAT: 'FP32',
  UINT8: 'UINT8',
  INT8: 'INT8',
  UINT16: 'UINT16',
  INT16: 'INT16',
  INT32: 'INT32',
  INT64: 'INT64',
  STRING: 'BYTES',
  BOOL: 'BOOL',
  FLOAT16: 'FP16',
  DOUBLE: 'FP64',
  UINT32: 'UINT32',
  UINT64: 'UINT64',
  BFLOAT16: 'BF16',
};

const elementTypeNames: ReadonlyMap<number, ElementType> = new Map(
  Object.entries(elementTypes).map(([name, number]) => [number, name as ElementType]),
);

/** @throws FlyballError INVALID_MODEL with what was expected and what came. */
export function readSignature(file: Uint8Array): OnnxFileInfo {
  const model = decode(file);
  const graph = model.graph;
  if (graph === undefined || graph === null || fromInt64(model.irVersion) <= 0) throw notOnnx(file);
  if ((model.opsetImport ?? []).length === 0) {
    throw invalid('expected an ONNX model that names its operator sets, got one without (the file may be cut short)');
  }
  const initialised = initialisedNames(graph);
  const inputs = (graph.input ?? []).filter((input) => !initialised.has(input.name ?? ''));
  const outputs = graph.output ?? [];
  if (outputs.length === 0) throw invalid('expected a graph with at least one output, got none');
  return {
    signature: {
      inputs: inputs.map((value) => toTensorSpec(value, 'input')),
      outputs: outputs.map((value) => toTensorSpec(value, 'output')),
      batchable: isBatchable(inputs, outputs),
    },
    irVersion: fromInt64(model.irVersion),
    opsets: Object.fromEntries(
      (model.opsetImport ?? []).map(({ domain, version }) => [domain ? domain : 'ai.onnx', fromInt64(version)]),
    ),
    producer: [model.producerName ?? '', model.producerVersion ?? ''].join(' ').trim(),
    metadata: Object.fromEntries((model.metadataProps ?? []).map(({ key, value }) => [key ?? '', value ?? ''])),
  };
}

function decode(file: Uint8Array): ModelProto {
  if (file.byteLength === 0) throw invalid('expected an ONNX model, got an empty file');
  try {
    return decodeOutline(file);
  } catch (cause) {
    // A file that opens like a model and then runs out was cut short; anything else never was one.
    throw opensLikeModel(file)
      ? invalid(
          `expected a whole ONNX model, got ${file.byteLength} bytes that begin like one and then break off or are damaged`,
          cause,
        )
      : notOnnx(file, cause);
  }
}

/** Field 1 (ir_version) as a small varint, which every writer puts first. */
const opensLikeModel = (file: Uint8Array): boolean => file[0] === 0x08 && file[1] !== undefined && file[1] < 0x40;

const knownOpenings: readonly (readonly [opening: string, what: string])[] = [
  ['version https://git-lfs', 'a Git LFS pointer (fetch the real file with `git lfs pull`)'],
  ['PK\u0003\u0004', 'a ZIP archive (a PyTorch checkpoint or an archive of models; export it to ONNX)'],
  ['\u0089HDF', 'an HDF5 file (a Keras model; export it to ONNX)'],
  ['GGUF', 'a GGUF file'],
  ['<!DOCTYPE', 'an HTML page'],
  ['<html', 'an HTML page'],
  ['{', 'JSON text'],
];

function notOnnx(file: Uint8Array, cause?: unknown): FlyballError {
  const opening = Buffer.from(file.buffer, file.byteOffset, Math.min(file.byteLength, 32)).toString('latin1');
  const known = knownOpenings.find(([start]) => opening.toLowerCase().startsWith(start.toLowerCase()));
  const hex = Buffer.from(opening.slice(0, 8), 'latin1').toString('hex');
  const came = known === undefined ? `${file.byteLength} bytes that begin with 0x${hex}` : known[1];
  return invalid(`expected an ONNX model, got ${came}`, cause);
}

/** Before IR version 4 weights had to be listed as inputs too; nobody is to send those. */
function initialisedNames(graph: GraphProto): ReadonlySet<string> {
  const weights: TensorProto[] = [...(graph.initializer ?? [])];
  for (const sparse of graph.sparseInitializer ?? []) if (sparse.values) weights.push(sparse.values);
  const external = weights.find((weight) => weight.dataLocation === 1);
  if (external !== undefined) {
    const location = external.externalData?.find((pair) => pair.key === 'location')?.value ?? 'another file';
    throw invalid(
      `expected an ONNX model in one file, got one that keeps weight ${external.name ?? ''} in ${location}; save it without external data`,
    );
  }
  return new Set(weights.map((weight) => weight.name ?? ''));
}

function toTensorSpec(value: ValueInfoProto, role: 'input' | 'output'): TensorSpec {
  const name = value.name ?? '';
  const type = value.type?.tensorType;
  if (type === undefined || type === null) {
    throw invalid(`expected ${role} ${name} to be a tensor, got ${nonTensorKind(value)}`);
  }
  const elementType = elementTypeNames.get(type.elemType ?? 0);
  const datatype = elementType === undefined ? undefined : datatypeByElementType[elementType];
  if (datatype === undefined) {
    const came = elementType ?? `element type ${type.elemType ?? 0}`;
    throw invalid(`expected ${role} ${name} to have a type of the inference protocol, got ${came}`);
  }
  const dims = type.shape?.dim;
  if (!type.shape && role === 'input') {
    throw invalid(`expected input ${name} to declare its number of dimensions, got none; export the model with shapes`);
  }
  // An output without a declared rank is legal and common; one dimension of any size is the least wrong promise.
  return { name, datatype, shape: type.shape ? (dims ?? []).map(toDimension) : [-1] };
}

function toDimension(dimension: { dimValue?: Int64; dimParam?: string }): number {
  if (!Object.hasOwn(dimension, 'dimValue')) return -1;
  const size = fromInt64(dimension.dimValue);
  // Some exporters write 0 or a negative number for a dimension that they do not know.
  return size > 0 ? size : -1;
}

function nonTensorKind(value: ValueInfoProto): string {
  if (value.type?.sequenceType) return 'a sequence';
  if (value.type?.mapType) return 'a map (for scikit-learn models export with zipmap off)';
  if (value.type?.sparseTensorType) return 'a sparse tensor';
  if (value.type?.optionalType) return 'an optional value';
  return 'no type';
}

/**
 * Rows of several callers may share a call when the first dimension is free everywhere. Inputs that name theirs
 * differently (`batch` and `sequence`) would be joined along something that is not a row; exporters often rename the
 * dimension on the way to the outputs, so there the name says nothing.
 */
function isBatchable(inputs: readonly ValueInfoProto[], outputs: readonly ValueInfoProto[]): boolean {
  const first = (value: ValueInfoProto) => value.type?.tensorType?.shape?.dim?.[0];
  const variable = [...inputs, ...outputs].every((value) => {
    const dimension = first(value);
    return dimension !== undefined && toDimension(dimension) === -1;
  });
  const names = new Set(inputs.map((value) => first(value)?.dimParam ?? '').filter((name) => name !== ''));
  return variable && inputs.length > 0 && names.size <= 1;
}

function invalid(message: string, cause?: unknown): FlyballError {
  return new FlyballError('INVALID_MODEL', message, { cause });
}
