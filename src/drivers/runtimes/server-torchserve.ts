/**
 * TorchServe's REST inference: whatever a handler takes in, whatever it returns back. A file goes through as it came.
 * Tensors are plain JSON, nested by their shapes: bare for one input, an object by name for several; answers alike.
 */
import { isUtf8 } from 'node:buffer';
import { FlyballError } from '../../errors.ts';
import { printJson } from '../../protocol/json.ts';
import { isDeclared } from '../../protocol/tensor.ts';
import { tensorsFromPlainJson, toNested } from '../../protocol/torchserve/plain-json.ts';
import { answerLimits, readJson } from './server-answers.ts';
import type { ServerReply, ServerRequest } from './server-client.ts';
import { checkJsonForm, refuseHalfFloats, undeclared, type ServerProtocol } from './server-protocol.ts';

export interface TorchServeProtocol extends ServerProtocol {
  fileRequest(file: Uint8Array): ServerRequest;
  /** What a handler answered a file with: JSON, or text. */
  fileAnswer(reply: ServerReply): unknown;
}

export interface TorchServeSettings {
  readonly model: string;
  readonly version?: string | undefined;
}

export function torchServeProtocol({ model, version }: TorchServeSettings): TorchServeProtocol {
  const versioned = version === undefined ? '' : `/${encodeURIComponent(version)}`;
  const path = `/predictions/${encodeURIComponent(model)}${versioned}`;
  let signature = undeclared;

  const post = (contentType: string, body: Uint8Array | string): ServerRequest => ({
    method: 'POST',
    path,
    headers: { 'Content-Type': contentType },
    body: [body],
  });

  return {
    readyPath: '/ping',
    async describe(_ask, declared) {
      signature = declared ?? undeclared;
      refuseHalfFloats(signature, "and TorchServe's REST has no other");
      return signature;
    },
    toRequest(inputs) {
      if (!isDeclared(signature)) {
        throw new FlyballError(
          'INVALID_TENSOR',
          'this model takes what is posted to /predictions; it declares no tensors (server.inputs, server.outputs)',
        );
      }
      checkJsonForm(inputs);
      const [first] = inputs;
      const value =
        inputs.length === 1 && first !== undefined
          ? toNested(first)
          : Object.fromEntries(inputs.map((input) => [input.name, toNested(input)]));
      return post('application/json', printJson(value));
    },
    toTensors({ body }) {
      const value = readJson(body);
      try {
        return tensorsFromPlainJson(value, { ...signature, inputs: signature.outputs }, answerLimits);
      } catch (error) {
        if (!(error instanceof FlyballError)) throw error;
        throw new FlyballError('PROTOCOL', `the answer is not as declared: ${error.message}`, { cause: error });
      }
    },
    // A handler is given JSON as an object and anything else as bytes, by the type alone.
    fileRequest: (file) => post(looksLikeJson(file) ? 'application/json' : 'application/octet-stream', file),
    fileAnswer({ body, headers }) {
      const type = headers['content-type'] ?? '';
      try {
        return readJson(body);
      } catch (error) {
        const isText = isUtf8(body) && (type === '' || type.startsWith('text/') || type.startsWith('application/json'));
        if (isText) return body.toString('utf8');
        throw new FlyballError('PROTOCOL', `expected JSON or text from the handler, got ${type}`, { cause: error });
      }
    },
  };
}

function looksLikeJson(file: Uint8Array): boolean {
  for (const byte of file.subarray(0, 64)) {
    if (byte === 0x7b || byte === 0x5b) return isUtf8(file);
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d) return false;
  }
  return false;
}
