/**
 * Builds ONNX graphs: declare inputs, add weights and nodes, name the outputs, encode.
 * It checks no shapes: the runtime does when it loads the file.
 * Invariant: every value has one name, given by the graph unless the caller gives it.
 */
import type { AttributeProto, ElementType, GraphProto, NodeProto, TensorProto, ValueInfoProto } from './proto.ts';
import { elementTypes, encodeModel } from './proto.ts';

/** A size, or the name of a dimension that varies from call to call. */
export type Dimension = number | string;

/** The numbers are AttributeProto.AttributeType. */
export type Attribute = Omit<AttributeProto, 'name'>;
export const float = (f: number): Attribute => ({ type: 1, f });
export const int = (i: number): Attribute => ({ type: 2, i });
export const string = (text: string): Attribute => ({ type: 3, s: Buffer.from(text) });
export const subgraph = (g: GraphProto): Attribute => ({ type: 5, g });
export const ints = (...values: readonly number[]): Attribute => ({ type: 7, ints: values });

export interface NodeOptions {
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Names of the outputs; one made-up name by default. */
  readonly outputs?: readonly string[];
}

export interface ModelOptions {
  readonly opset?: number;
  readonly irVersion?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface GraphBuilder {
  input(name: string, type: ElementType, shape: readonly Dimension[]): string;
  output(name: string, type: ElementType, shape: readonly Dimension[]): void;
  /** A weight or constant; `elements` lie in memory as the type demands and are not copied before encoding. */
  constant(type: ElementType, shape: readonly number[], elements: ArrayBufferView): string;
  /** Adds a node and returns the name of its first output. An empty input name leaves out an optional input. */
  node(operator: string, inputs: readonly string[], options?: NodeOptions): string;
  graph(): GraphProto;
  encode(options?: ModelOptions): Uint8Array;
}

const producerName = 'flyball';
const opsetDefault = 17;
const irVersionDefault = 8;

/** @param prefix Starts the made-up names; give a subgraph its own, for it shares the names of the graph around it. */
export function buildGraph(name: string, prefix = ''): GraphBuilder {
  const nodes: NodeProto[] = [];
  const weights: TensorProto[] = [];
  const inputs: ValueInfoProto[] = [];
  const outputs: ValueInfoProto[] = [];
  const graph = (): GraphProto => ({ node: nodes, name, initializer: weights, input: inputs, output: outputs });

  return {
    input(name, type, shape) {
      inputs.push(toValueInfo(name, type, shape));
      return name;
    },
    output(name, type, shape) {
      outputs.push(toValueInfo(name, type, shape));
    },
    constant(type, shape, elements) {
      const name = `${prefix}weight_${weights.length}`;
      const rawData = new Uint8Array(elements.buffer as ArrayBuffer, elements.byteOffset, elements.byteLength);
      weights.push({ name, dims: shape, dataType: elementTypes[type], rawData });
      return name;
    },
    node(operator, inputs, { attributes = {}, outputs } = {}) {
      const name = `${prefix}${operator}_${nodes.length}`;
      const output = outputs ?? [`${name}_out`];
      const attribute = Object.entries(attributes).map(([name, value]) => Object.assign({ name }, value));
      // Copied: callers go on growing the lists that they pass.
      nodes.push({ input: [...inputs], output, name, opType: operator, attribute });
      return output[0] ?? '';
    },
    graph,
    encode({ opset = opsetDefault, irVersion = irVersionDefault, metadata = {} } = {}) {
      return encodeModel({
        irVersion,
        producerName,
        graph: graph(),
        opsetImport: [{ domain: '', version: opset }],
        metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
      });
    },
  };
}

function toValueInfo(name: string, type: ElementType, shape: readonly Dimension[]): ValueInfoProto {
  const dim = shape.map((size) => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: elementTypes[type], shape: { dim } } } };
}
