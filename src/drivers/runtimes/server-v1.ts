/**
 * KServe's V1 (TensorFlow Serving's): a list of instances in, a list of predictions back, one for each row. With several
 * inputs or outputs each of them is an object by name. Names, datatypes and shapes are in no message: they are declared.
 */
import { FlyballError } from '../../errors.ts';
import { printJson } from '../../protocol/json.ts';
import { toBytes } from '../../protocol/elements.ts';
import { elementCount, type ModelSignature, type Tensor, type TensorSpec } from '../../protocol/tensor.ts';
import { shapeOf, toNested } from '../../protocol/torchserve/plain-json.ts';
import { checkShape } from '../../protocol/validate.ts';
import { answerLimits, readJson } from './server-answers.ts';
import { checkJsonForm, refuseHalfFloats, undeclared, type ServerProtocol } from './server-protocol.ts';

export function v1Protocol({ model }: { readonly model: string }): ServerProtocol {
  const path = `/v1/models/${encodeURIComponent(model)}`;
  let signature = undeclared;

  return {
    readyPath: path,
    async describe(_ask, declared) {
      signature = declared ?? undeclared;
      refuseHalfFloats(signature, 'and V1 has no other');
      for (const { name, shape } of [...signature.inputs, ...signature.outputs]) {
        if (shape.length > 0) continue;
        throw new FlyballError('MODEL_LOAD_FAILED', `the tensor ${name}: V1 is a list of rows, it has no scalar`);
      }
      return signature;
    },
    toRequest(inputs) {
      checkJsonForm(inputs);
      return {
        method: 'POST',
        path: `${path}:predict`,
        headers: { 'Content-Type': 'application/json' },
        body: [printJson({ instances: toInstances(inputs) })],
      };
    },
    toTensors({ body }, inputs) {
      const { predictions } = (readJson(body) ?? {}) as { readonly predictions?: unknown };
      const rows = inputs[0]?.shape[0] ?? 0;
      if (!Array.isArray(predictions) || predictions.length !== rows) {
        const came = Array.isArray(predictions) ? String(predictions.length) : 'none';
        throw new FlyballError('PROTOCOL', `expected ${rows} predictions for as many instances, got ${came}`);
      }
      return fromPredictions(predictions, signature);
    },
  };
}

function toInstances(inputs: readonly Tensor[]): readonly unknown[] {
  const [first] = inputs;
  if (first === undefined) return [];
  if (inputs.length === 1) return toNested(first) as readonly unknown[];
  const columns = inputs.map((input) => [input.name, toNested(input) as readonly unknown[]] as const);
  return Array.from({ length: first.shape[0] ?? 0 }, (_, row) =>
    Object.fromEntries(columns.map(([name, values]) => [name, values[row]])),
  );
}

function fromPredictions(predictions: readonly unknown[], { outputs }: ModelSignature): readonly Tensor[] {
  return outputs.map((spec) => {
    const values = predictions.map((prediction) => {
      const isObject = typeof prediction === 'object' && prediction !== null && !Array.isArray(prediction);
      if (isObject && Object.hasOwn(prediction, spec.name)) return (prediction as Record<string, unknown>)[spec.name];
      if (outputs.length === 1 && !isObject) return prediction;
      throw new FlyballError('PROTOCOL', `expected ${spec.name} in each prediction, got ${printJson(prediction)}`);
    });
    return toOutput(values, spec);
  });
}

function toOutput(data: readonly unknown[], spec: TensorSpec): Tensor {
  try {
    const shape = data.length === 0 ? spec.shape.map((size) => Math.max(size, 0)) : shapeOf(data, spec);
    if (data.length === 0 && elementCount(shape) > 0) shapeOf(data, spec);
    checkShape(shape, spec.name, answerLimits);
    const { name, datatype } = spec;
    return { name, datatype, shape, bytes: toBytes(datatype, data, shape, name) };
  } catch (error) {
    if (!(error instanceof FlyballError)) throw error;
    throw new FlyballError('PROTOCOL', `the answer is not as declared: ${error.message}`, { cause: error });
  }
}
