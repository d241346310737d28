/** ONNX files whose outputs repeat their inputs by position: the smallest real models, for tests. */
import { writeFileSync } from 'node:fs';
import { datatypeByElementType } from '../onnx/signature.ts';
import type { ElementType } from '../onnx/proto.ts';
import { buildGraph } from '../onnx/writer.ts';
import type { ModelSignature, TensorSpec } from '../protocol/tensor.ts';

const elementTypeOf = new Map(
  Object.entries(datatypeByElementType).map(([type, datatype]) => [datatype, type as ElementType]),
);

export function writeIdentityModel(path: string, signature: ModelSignature): void {
  const graph = buildGraph('identity');
  const typeOf = ({ datatype }: TensorSpec): ElementType => elementTypeOf.get(datatype) ?? 'FLOAT';
  const dims = ({ shape }: TensorSpec) => shape.map((size, index) => (size === -1 ? `d${index}` : size));
  for (const spec of signature.inputs) graph.input(spec.name, typeOf(spec), dims(spec));
  for (const [index, spec] of signature.outputs.entries()) {
    const input = signature.inputs[index];
    if (input === undefined) throw new RangeError(`expected an input for each output, got none for ${spec.name}`);
    graph.node('Identity', [input.name], { outputs: [spec.name] });
    graph.output(spec.name, typeOf(spec), dims(spec));
  }
  writeFileSync(path, graph.encode());
}
