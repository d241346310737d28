/**
 * The part of the ONNX file format that Flyball reads and writes, as field tables for a protobuf reflection codec.
 * It is not the whole format: what is not in a table is skipped when read, without being copied.
 * Numbers and names are those of the published onnx.proto; `outline` leaves out nodes and weights, so that reading the
 * signature of a file of any size costs no more than stepping over its parts.
 */
import protobuf from 'protobufjs/light.js';

type FieldTable = Readonly<Record<string, readonly [id: number, type: string, rule?: 'repeated']>>;

const tensorHead: FieldTable = {
  name: [8, 'string'],
  externalData: [13, 'StringStringEntryProto', 'repeated'],
  dataLocation: [14, 'int32'],
};

const graphOutline: FieldTable = {
  name: [2, 'string'],
  initializer: [5, 'TensorProto', 'repeated'],
  input: [11, 'ValueInfoProto', 'repeated'],
  output: [12, 'ValueInfoProto', 'repeated'],
  sparseInitializer: [15, 'SparseTensorProto', 'repeated'],
};

const common: Readonly<Record<string, FieldTable>> = {
  ModelProto: {
    irVersion: [1, 'int64'],
    producerName: [2, 'string'],
    producerVersion: [3, 'string'],
    domain: [4, 'string'],
    modelVersion: [5, 'int64'],
    docString: [6, 'string'],
    graph: [7, 'GraphProto'],
    opsetImport: [8, 'OperatorSetIdProto', 'repeated'],
    metadataProps: [14, 'StringStringEntryProto', 'repeated'],
  },
  OperatorSetIdProto: { domain: [1, 'string'], version: [2, 'int64'] },
  StringStringEntryProto: { key: [1, 'string'], value: [2, 'string'] },
  SparseTensorProto: { values: [1, 'TensorProto'] },
  ValueInfoProto: { name: [1, 'string'], type: [2, 'TypeProto'] },
  TypeProto: {
    tensorType: [1, 'TypeProtoTensor'],
    sequenceType: [4, 'Opaque'],
    mapType: [5, 'Opaque'],
    sparseTensorType: [8, 'Opaque'],
    optionalType: [9, 'Opaque'],
  },
  Opaque: {},
  TypeProtoTensor: { elemType: [1, 'int32'], shape: [2, 'TensorShapeProto'] },
  TensorShapeProto: { dim: [1, 'Dimension', 'repeated'] },
  Dimension: { dimValue: [1, 'int64'], dimParam: [2, 'string'] },
};

const whole: Readonly<Record<string, FieldTable>> = {
  ...common,
  GraphProto: { ...graphOutline, node: [1, 'NodeProto', 'repeated'] },
  TensorProto: {
    ...tensorHead,
    dims: [1, 'int64', 'repeated'],
    dataType: [2, 'int32'],
    stringData: [6, 'bytes', 'repeated'],
    rawData: [9, 'bytes'],
  },
  NodeProto: {
    input: [1, 'string', 'repeated'],
    output: [2, 'string', 'repeated'],
    name: [3, 'string'],
    opType: [4, 'string'],
    attribute: [5, 'AttributeProto', 'repeated'],
    domain: [7, 'string'],
  },
  AttributeProto: {
    name: [1, 'string'],
    f: [2, 'float'],
    i: [3, 'int64'],
    s: [4, 'bytes'],
    t: [5, 'TensorProto'],
    g: [6, 'GraphProto'],
    floats: [7, 'float', 'repeated'],
    ints: [8, 'int64', 'repeated'],
    strings: [9, 'bytes', 'repeated'],
    type: [20, 'int32'],
  },
};

const outline: Readonly<Record<string, FieldTable>> = { ...common, GraphProto: graphOutline, TensorProto: tensorHead };

/** A number to write; read as a number or, where the `long` package is about, as one of its objects. */
export type Int64 = number | { toNumber(): number };

export const fromInt64 = (value: Int64 | undefined): number =>
  typeof value === 'object' ? value.toNumber() : (value ?? 0);

export interface StringStringEntryProto {
  key?: string;
  value?: string;
}

export interface TensorProto {
  name?: string;
  dims?: readonly Int64[];
  dataType?: number;
  /** Little-endian elements; every type but strings. */
  rawData?: Uint8Array;
  stringData?: readonly Uint8Array[];
  externalData?: readonly StringStringEntryProto[];
  /** 1 when the elements lie in another file. */
  dataLocation?: number;
}

export interface ValueInfoProto {
  name?: string;
  type?: {
    tensorType?: { elemType?: number; shape?: { dim?: readonly { dimValue?: Int64; dimParam?: string }[] } };
    sequenceType?: object;
    mapType?: object;
    sparseTensorType?: object;
    optionalType?: object;
  };
}

export interface AttributeProto {
  name: string;
  type: number;
  f?: number;
  i?: Int64;
  s?: Uint8Array;
  t?: TensorProto;
  g?: GraphProto;
  floats?: readonly number[];
  ints?: readonly Int64[];
  strings?: readonly Uint8Array[];
}

export interface NodeProto {
  input: readonly string[];
  output: readonly string[];
  name?: string;
  opType: string;
  domain?: string;
  attribute?: readonly AttributeProto[];
}

export interface GraphProto {
  node?: readonly NodeProto[];
  name?: string;
  initializer?: readonly TensorProto[];
  sparseInitializer?: readonly { values?: TensorProto }[];
  input?: readonly ValueInfoProto[];
  output?: readonly ValueInfoProto[];
}

export interface ModelProto {
  irVersion?: Int64;
  producerName?: string;
  producerVersion?: string;
  domain?: string;
  modelVersion?: Int64;
  docString?: string;
  graph?: GraphProto;
  opsetImport?: readonly { domain?: string; version?: Int64 }[];
  metadataProps?: readonly StringStringEntryProto[];
}

function modelCodec(tables: Readonly<Record<string, FieldTable>>): protobuf.Type {
  const root = new protobuf.Root();
  for (const [name, fields] of Object.entries(tables)) {
    const type = new protobuf.Type(name);
    for (const [field, [id, fieldType, rule]] of Object.entries(fields)) {
      type.add(new protobuf.Field(field, id, fieldType, rule));
    }
    root.add(type);
  }
  root.resolveAll();
  return root.lookupType('ModelProto');
}

const wholeCodec = modelCodec(whole);
const outlineCodec = modelCodec(outline);

export function encodeModel(model: ModelProto): Uint8Array {
  return wholeCodec.encode(model).finish();
}

/** With nodes and weights (the weights as views of `file`); throws what the codec throws. */
export function decodeModel(file: Uint8Array): ModelProto {
  return wholeCodec.decode(file) as ModelProto;
}

/** Without nodes and weights; throws what the codec throws. */
export function decodeOutline(file: Uint8Array): ModelProto {
  return outlineCodec.decode(file) as ModelProto;
}

/** TensorProto.DataType by the names of onnx.proto. */
export const elementTypes = {
  FLOAT: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  STRING: 8,
  BOOL: 9,
  FLOAT16: 10,
  DOUBLE: 11,
  UINT32: 12,
  UINT64: 13,
  COMPLEX64: 14,
  COMPLEX128: 15,
  BFLOAT16: 16,
  FLOAT8E4M3FN: 17,
  FLOAT8E4M3FNUZ: 18,
  FLOAT8E5M2: 19,
  FLOAT8E5M2FNUZ: 20,
  UINT4: 21,
  INT4: 22,
  FLOAT4E2M1: 23,
  FLOAT8E8M0: 24,
  UINT2: 25,
  INT2: 26,
} as const;

export type ElementType = keyof typeof elementTypes;
