/**
 * The signature of a version: read from its ONNX file, or declared by the model file. A server may be left to declare its
 * own: until a replica has asked it, the signature is empty.
 */
import { readFile } from 'node:fs/promises';
import type { ModelFile } from '../config/model-file.ts';
import { FlyballError } from '../errors.ts';
import { readSignature } from '../onnx/signature.ts';
import { isDatatype, type ModelSignature, type TensorSpec } from '../protocol/tensor.ts';

export async function signatureOf(modelFile: ModelFile, path: string | undefined): Promise<ModelSignature> {
  if (modelFile.platform === 'simulated') return simulatedSignature(modelFile, path);
  if (modelFile.platform === 'server') return serverSignature(modelFile, path);
  if (path === undefined) {
    throw new FlyballError(
      'INVALID_MODEL',
      'expected an ONNX file; only the platforms `simulated` and `server` need none',
    );
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
  return declaredSignature(simulated);
}

function serverSignature({ server }: ModelFile, path: string | undefined): ModelSignature {
  if (path !== undefined) {
    throw new FlyballError(
      'INVALID_MODEL',
      'expected no model file for the platform `server`, got one; what its command needs is named in server.files',
    );
  }
  return declaredSignature({ inputs: server?.inputs ?? [], outputs: server?.outputs ?? [] });
}

interface DeclaredTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

function declaredSignature(declared: {
  readonly inputs: readonly DeclaredTensor[];
  readonly outputs: readonly DeclaredTensor[];
}): ModelSignature {
  const inputs = declared.inputs.map(toTensorSpec);
  const outputs = declared.outputs.map(toTensorSpec);
  const batchable = inputs.length > 0 && [...inputs, ...outputs].every(({ shape }) => shape[0] === -1);
  return { inputs, outputs, batchable };
}

function toTensorSpec({ name, datatype, shape }: DeclaredTensor): TensorSpec {
  if (!isDatatype(datatype)) {
    throw new FlyballError('INVALID_SPECIFICATION', `model.yaml: the tensor ${name} has no datatype ${datatype}`);
  }
  return { name, datatype, shape };
}
