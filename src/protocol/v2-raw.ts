/**
 * The raw-binary request of the binary tensor extension: a body that is one tensor and nothing else. Name, datatype and
 * shape come from the model's signature, so only a model with one input can be asked so.
 */
import { FlyballError } from '../errors.ts';
import { checkByteLength } from './elements.ts';
import { datatypeWidths, type ModelSignature, type Tensor } from './tensor.ts';
import type { ParsedInfer, V2Limits } from './v2.ts';
import { refuse } from './v2-fields.ts';
import { checkShape } from './validate.ts';

/**
 * The raw-binary request (header length 0): the body is the one input of the model, whose one dimension of unknown size
 * follows from the length. A batch dimension (the first of a batchable model) is 1; all outputs come back binary.
 */
export function rawInferRequest(body: Uint8Array, signature: ModelSignature, limits: V2Limits): ParsedInfer {
  const input = signature.inputs[0];
  if (input === undefined || signature.inputs.length !== 1) {
    refuse(`a raw binary request needs a model with one input, got one with ${signature.inputs.length}`);
  }
  const shape = [...input.shape];
  if (signature.batchable) shape[0] = 1;
  const open = shape.indexOf(-1);
  if (open !== shape.lastIndexOf(-1)) {
    refuse(`a raw binary request needs at most one dimension of unknown size, got shape [${shape.join(',')}]`);
  }
  if (input.datatype === 'BYTES') {
    // The element's length is that of the body: a length prefix is not part of a raw request.
    if (open !== -1) shape[open] = 1;
    const bytes = new Uint8Array(4 + body.byteLength);
    new DataView(bytes.buffer).setUint32(0, body.byteLength, true);
    bytes.set(body, 4);
    return rawInfer({ name: input.name, datatype: input.datatype, shape, bytes });
  }
  if (open !== -1) {
    let rowBytes: number = datatypeWidths[input.datatype];
    for (const dimension of shape) if (dimension !== -1) rowBytes *= dimension;
    if (rowBytes === 0 || body.byteLength % rowBytes !== 0) {
      throw new FlyballError(
        'INVALID_BINARY',
        `tensor ${input.name}: expected a multiple of ${rowBytes} bytes, got ${body.byteLength}`,
      );
    }
    shape[open] = body.byteLength / rowBytes;
  }
  checkShape(shape, input.name, limits);
  return rawInfer({ name: input.name, datatype: input.datatype, shape, bytes: body });
}

function rawInfer(input: Tensor): ParsedInfer {
  checkByteLength(input);
  return { inputs: [input], parameters: { binary_data_output: true } };
}
