/**
 * What each request of a load carries: tensors made up from the model's declaration, or a given file. Made once before
 * the load starts, so that nothing is encoded while it is measured. Pure; the same seed gives the same bytes.
 */
import { datatypeWidths, elementCount, type Datatype, type Tensor, type TensorSpec } from '../protocol/tensor.ts';

export interface HttpRequest {
  readonly method: 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface MadeUp {
  /** Rows: the first variable dimension of each input. */
  readonly batch: number;
  /** Size of every further variable dimension. */
  readonly dimension: number;
  readonly random: () => number;
}

const elementsMax = 67_108_864;

export function madeUpTensors(specs: readonly TensorSpec[], made: MadeUp): readonly Tensor[] {
  return specs.map((spec) => {
    let first = true;
    const shape = spec.shape.map((dimension) => {
      if (dimension >= 0) return dimension;
      const size = first ? made.batch : made.dimension;
      first = false;
      return size;
    });
    const count = elementCount(shape);
    if (count > elementsMax)
      throw new RangeError(
        `input ${spec.name} [${shape.join(',')}] would have ${count} elements, at most ${elementsMax}`,
      );
    return { name: spec.name, datatype: spec.datatype, shape, bytes: elements(spec.datatype, count, made.random) };
  });
}

/** Floats in [0, 1), integers 0 or 1: in range for pixels, probabilities and the smallest vocabulary. */
function elements(datatype: Datatype, count: number, random: () => number): Uint8Array {
  if (datatype === 'BYTES') {
    const one = Buffer.from('\u0007\0\0\0flyball', 'latin1');
    return Buffer.concat(Array.from({ length: count }, () => one));
  }
  const width = datatypeWidths[datatype];
  const view = new DataView(new ArrayBuffer(count * width));
  for (let index = 0; index < count; index++) {
    const at = index * width;
    const value = random();
    switch (datatype) {
      case 'FP64':
        view.setFloat64(at, value, true);
        break;
      case 'FP32':
        view.setFloat32(at, value, true);
        break;
      case 'FP16':
        view.setUint16(at, new Uint16Array(Float16Array.of(value).buffer)[0] ?? 0, true);
        break;
      case 'BF16':
        view.setUint16(at, (new Uint32Array(Float32Array.of(value).buffer)[0] ?? 0) >>> 16, true);
        break;
      default:
        // Little-endian: the first byte of an integer of any width.
        view.setUint8(at, value < 0.5 ? 0 : 1);
    }
  }
  return new Uint8Array(view.buffer);
}

export function tensorRequest(
  model: string,
  tensors: readonly Tensor[],
  encoding: 'binary' | 'json',
  headers: Readonly<Record<string, string>> = {},
): HttpRequest {
  const path = `/v2/models/${encodeURIComponent(model)}/infer`;
  if (encoding === 'json') {
    const inputs = tensors.map((tensor) => {
      const { name, datatype, shape } = tensor;
      return { name, datatype, shape, data: jsonData(tensor) };
    });
    const body = Buffer.from(JSON.stringify({ inputs }));
    return { method: 'POST', path, headers: { 'content-type': 'application/json', ...headers }, body };
  }
  const inputs = tensors.map(({ name, datatype, shape, bytes }) => ({
    name,
    datatype,
    shape,
    parameters: { binary_data_size: bytes.length },
  }));
  const head = Buffer.from(JSON.stringify({ inputs, parameters: { binary_data_output: true } }));
  return {
    method: 'POST',
    path,
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(head.length),
      ...headers,
    },
    body: Buffer.concat([head, ...tensors.map((tensor) => tensor.bytes)]),
  };
}

function jsonData({ datatype, bytes, shape }: Tensor): unknown[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const width = datatypeWidths[datatype];
  return Array.from({ length: elementCount(shape) }, (_, index) => {
    const at = index * width;
    switch (datatype) {
      case 'FP64':
        return view.getFloat64(at, true);
      case 'FP32':
        return view.getFloat32(at, true);
      case 'FP16':
        return new Float16Array(bytes.slice(at, at + 2).buffer)[0];
      case 'BF16':
        throw new RangeError('BF16 has no JSON form; use --encoding binary');
      case 'BYTES':
        return 'flyball';
      case 'BOOL':
        return view.getUint8(at) === 1;
      default:
        return view.getUint8(at);
    }
  });
}

/** An image goes to the pipeline, a JSON body with `inputs` is a V2 request, any other JSON is for /predictions. */
export function fileRequest(
  model: string,
  bytes: Uint8Array,
  contentType: string,
  headers: Readonly<Record<string, string>> = {},
): HttpRequest {
  const isV2 = contentType === 'application/json' && hasInputs(bytes);
  const name = encodeURIComponent(model);
  return {
    method: 'POST',
    path: isV2 ? `/v2/models/${name}/infer` : `/predictions/${name}`,
    headers: { 'content-type': contentType, ...headers },
    body: bytes,
  };
}

export function hasInputs(json: Uint8Array): boolean {
  try {
    const value: unknown = JSON.parse(Buffer.from(json).toString('utf8'));
    return typeof value === 'object' && value !== null && Array.isArray((value as { inputs?: unknown }).inputs);
  } catch {
    return false;
  }
}
