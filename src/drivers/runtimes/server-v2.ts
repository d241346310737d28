/** The Open Inference Protocol V2 over REST, with tensors as JSON or, where the server has the extension, as bytes. */
import { FlyballError } from '../../errors.ts';
import { isDatatype, isDeclared, type ModelSignature, type TensorSpec } from '../../protocol/tensor.ts';
import { encodeInferRequest, parseInferResponse } from '../../protocol/v2.ts';
import { isBatchable } from '../../runner/runtime.ts';
import { answerLimits, quoteNonFinite, readJson, wordsOf } from './server-answers.ts';
import type { Exchange } from './server-client.ts';
import { checkJsonForm, refuseHalfFloats, undeclared, type ServerProtocol } from './server-protocol.ts';

export interface V2Settings {
  readonly model: string;
  readonly version?: string | undefined;
  readonly binary: 'auto' | 'on' | 'off';
}

export function v2Protocol({ model, version, binary }: V2Settings): ServerProtocol {
  const versioned = version === undefined ? '' : `/versions/${encodeURIComponent(version)}`;
  const path = `/v2/models/${encodeURIComponent(model)}${versioned}`;
  let inBinary = binary === 'on';

  return {
    readyPath: `${path}/ready`,
    async describe(ask, declared) {
      if (binary === 'auto') inBinary = takesBinary(await ask('/v2'));
      const told = readMetadata(await ask(path), path);
      const signature = declared === undefined ? told : agree(declared, told);
      if (!inBinary) refuseHalfFloats(signature, 'and the server does not offer binary_tensor_data');
      return signature;
    },
    toRequest(inputs, outputs) {
      if (!inBinary) checkJsonForm(inputs);
      const message = encodeInferRequest({ inputs, outputs: outputs.map((name) => ({ name })) }, inBinary);
      const { headerLength, contentType } = message;
      return {
        method: 'POST',
        path: `${path}/infer`,
        headers: {
          'Content-Type': contentType,
          ...(headerLength === undefined ? {} : { 'Inference-Header-Content-Length': String(headerLength) }),
        },
        body: [message.json, ...message.binary],
      };
    },
    toTensors({ body, headers }) {
      const length = headers['inference-header-content-length'];
      if (length !== undefined) return parseInferResponse(body, Number(length), answerLimits).outputs;
      try {
        return parseInferResponse(body, undefined, answerLimits).outputs;
      } catch (error) {
        if (!body.includes('NaN') && !body.includes('Infinity')) throw error;
        return parseInferResponse(quoteNonFinite(body), undefined, answerLimits).outputs;
      }
    },
  };
}

function takesBinary(exchange: Exchange): boolean {
  if (exchange.kind !== 'answered' || exchange.status !== 200) return false;
  const { extensions } = readJson(exchange.body) as { readonly extensions?: unknown };
  return Array.isArray(extensions) && extensions.includes('binary_tensor_data');
}

function readMetadata(exchange: Exchange, path: string): ModelSignature {
  if (exchange.kind !== 'answered' || exchange.status !== 200) {
    const came = exchange.kind === 'answered' ? `${exchange.status}: ${wordsOf(exchange.body)}` : exchange.reason;
    throw new FlyballError('MODEL_LOAD_FAILED', `the server gave no metadata at ${path}: ${came}`);
  }
  const metadata = readJson(exchange.body) as { readonly inputs?: unknown; readonly outputs?: unknown };
  const inputs = readSpecs(metadata.inputs, 'inputs');
  const outputs = readSpecs(metadata.outputs, 'outputs');
  // Half a signature is no better than none: neither could be held to it.
  if (inputs.length === 0 || outputs.length === 0) return undeclared;
  return { inputs, outputs, batchable: isBatchable([...inputs, ...outputs]) };
}

function readSpecs(list: unknown, what: string): TensorSpec[] {
  if (list === undefined || list === null) return [];
  const fail = (came: unknown): never => {
    const text = JSON.stringify(came);
    throw new FlyballError('MODEL_LOAD_FAILED', `the server's metadata: ${what}: expected tensors, got ${text}`);
  };
  if (!Array.isArray(list)) return fail(list);
  return list.map((entry): TensorSpec => {
    const { name, datatype, shape } = (entry ?? {}) as Readonly<Record<string, unknown>>;
    if (typeof name !== 'string' || typeof datatype !== 'string' || !isDatatype(datatype)) return fail(entry);
    if (!Array.isArray(shape) || !shape.every((size) => Number.isInteger(size) && size >= -1)) return fail(entry);
    return { name, datatype, shape: shape as number[] };
  });
}

/** A size is variable only where both say so. */
function agree(declared: ModelSignature, told: ModelSignature): ModelSignature {
  if (!isDeclared(told)) return declared;
  const merge = (what: 'inputs' | 'outputs'): TensorSpec[] => {
    const text = ({ name, datatype, shape }: TensorSpec): string => `${name} ${datatype}[${shape.join(',')}]`;
    const unequal = (): never => {
      const [expected, came] = [declared[what], told[what]].map((specs) => specs.map(text).join(', '));
      throw new FlyballError(
        'MODEL_LOAD_FAILED',
        `${what}: expected ${expected ?? ''} as declared, the server has ${came ?? ''}`,
      );
    };
    if (declared[what].length !== told[what].length) return unequal();
    return declared[what].map((spec) => {
      const other = told[what].find(({ name }) => name === spec.name);
      if (other === undefined || other.datatype !== spec.datatype || other.shape.length !== spec.shape.length) {
        return unequal();
      }
      const shape = spec.shape.map((size, axis) => {
        const its = other.shape[axis] ?? -1;
        if (size !== -1 && its !== -1 && size !== its) return unequal();
        return size === -1 ? its : size;
      });
      return { ...spec, shape };
    });
  };
  const inputs = merge('inputs');
  const outputs = merge('outputs');
  return { inputs, outputs, batchable: isBatchable([...inputs, ...outputs]) };
}
