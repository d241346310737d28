/**
 * What control asks a model that the platform serves: a row of numbers in, a row of numbers out. The question goes the
 * way of every request (queue, deadline, batch, replica), so a model that advises the platform is deployed, released,
 * governed and measured as any other. Its contract is the smallest there is: one FP32 input whose last dimension is the
 * row, and one FP32 output. A model of fixed length gets the newest numbers.
 */
import { randomUUID } from 'node:crypto';
import { toFlyballError } from '../errors.ts';
import type { InferenceService } from '../protocol/inference.ts';
import type { TensorSpec } from '../protocol/tensor.ts';
import type { Answer, Question } from './routing-table.ts';

/** Numbers of an answer; what is more is cut. */
const valuesMax = 4096;

/** Whether a tensor is one row, with or without a first dimension of one. */
function rowLength({ datatype, shape }: TensorSpec): number | undefined {
  if (datatype !== 'FP32') return undefined;
  const [first, second] = shape;
  if (shape.length === 1) return first;
  return shape.length === 2 && (first === 1 || first === -1) ? second : undefined;
}

function expected(what: string, found: readonly TensorSpec[]): string {
  const came = found.map(({ name, datatype, shape }) => `${name} ${datatype} [${shape.join(', ')}]`).join(', ');
  return `expected one ${what} FP32 [1, n] or [-1, n], got ${came || 'none that is declared'}`;
}

export async function answerTo(service: InferenceService, question: Question): Promise<Answer> {
  const { id } = question;
  try {
    return { kind: 'answer', id, values: await valuesOf(service, question) };
  } catch (error) {
    return { kind: 'answer', id, problem: toFlyballError(error).message };
  }
}

async function valuesOf(service: InferenceService, { model, values, deadlineMs }: Question): Promise<number[]> {
  const { signature } = service.metadata(model);
  const [input, ...more] = signature.inputs;
  const length = input === undefined || more.length > 0 ? undefined : rowLength(input);
  if (input === undefined || length === undefined) throw new TypeError(expected('input', signature.inputs));
  const output = signature.outputs[0];
  if (output === undefined || rowLength(output) === undefined)
    throw new TypeError(expected('output', signature.outputs));
  const asked = length < 0 ? values : values.slice(-length);
  if (length >= 0 && asked.length < length)
    throw new RangeError(`it takes ${length} numbers, and there are ${values.length} so far`);
  const gaps = asked.filter((value) => value === null).length;
  if (gaps > 0) throw new RangeError(`${gaps} of the last ${asked.length} numbers are not known`);
  const row = Float32Array.from(asked, Number);
  const { outputs } = await service.infer(
    {
      model,
      requestId: randomUUID(),
      payload: {
        kind: 'tensors',
        inputs: [
          {
            name: input.name,
            datatype: 'FP32',
            shape: input.shape.length === 1 ? [row.length] : [1, row.length],
            bytes: new Uint8Array(row.buffer),
          },
        ],
      },
      outputs: [{ name: output.name }],
      deadlineMs,
    },
    AbortSignal.timeout(deadlineMs),
  );
  const found = outputs.find(({ name }) => name === output.name);
  if (found === undefined) throw new TypeError(`expected the output ${output.name} in its answer, got none`);
  const view = new DataView(found.bytes.buffer, found.bytes.byteOffset, found.bytes.byteLength);
  return Array.from({ length: Math.min(valuesMax, view.byteLength / 4) }, (_, at) => view.getFloat32(4 * at, true));
}
