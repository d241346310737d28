/** The signature of a version: read from its ONNX file, or declared by the model file of a simulated one. */
import { readFile } from 'node:fs/promises';
import type { ModelFile } from '../config/model-file.ts';
import { FlyballError } from '../errors.ts';
import { readSignature } from '../onnx/signature.ts';
import { isDatatype, type ModelSignature, type TensorSpec } from '../protocol/tensor.ts';

export async function signatureOf(modelFile: ModelFile, path: string | undefined): Promise<ModelSignature> {
  if (modelFile.platform === 'simulated') return simulatedSignature(modelFile, path);
  if (path === undefined) {
    throw new FlyballError('INVALID_MODEL', 'expected an ONNX file; only the platform `simulated` needs none');
  }
  return readSignature(await readFile(path)).signature;
}

function simulatedSignature({ simulated }: ModelFile, path: string | undefined): ModelSignature {
  if (path !== undefined) {
    throw new FlyballError('INVALID_MODEL', 'expected no file for a model of the platform `simulated`, got one');
  }
  if (simulated === undefined) {
    throw new FlyballError('INVALID_SPECIFICATION', 'model.yaml: the platform `simulated` needs the key simulated');
  }
  const inputs = simulated.inputs.map(toTensorSpec);
  const outputs = simulated.outputs.map(toTensorSpec);
  const batchable = inputs.length > 0 && [...inputs, ...outputs].every(({ shape }) => shape[0] === -1);
  return { inputs, outputs, batchable };
}

function toTensorSpec({ name, datatype, shape }: { name: string; datatype: string; shape: number[] }): TensorSpec {
  if (!isDatatype(datatype)) {
    throw new FlyballError('INVALID_SPECIFICATION', `model.yaml: simulated tensor ${name} has no datatype ${datatype}`);
  }
  return { name, datatype, shape };
}
