/**
 * A runtime without a model: outputs repeat the inputs by position after a fixed time, so that queueing, batching and
 * scaling can be rehearsed with a service time that is known. An output whose datatype or size differs from the input
 * at its position is zeros. It waits, it does not compute: many of them share one core.
 */
import { systemClock, type Clock } from '../../clock.ts';
import { FlyballError } from '../../errors.ts';
import {
  datatypeWidths,
  elementCount,
  type ModelSignature,
  type Tensor,
  type TensorSpec,
} from '../../protocol/tensor.ts';
import type { LoadedModel } from '../../runner/runtime.ts';

export interface SimulatedSettings {
  readonly signature: ModelSignature;
  readonly serviceMs: number;
  readonly serviceMsPerRow: number;
}

export function loadSimulated(
  settings: SimulatedSettings,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<LoadedModel> {
  const { signature, serviceMs, serviceMsPerRow } = settings;
  let last: Promise<unknown> = Promise.resolve();
  let open = true;

  async function compute(inputs: readonly Tensor[], names: readonly string[]): Promise<readonly Tensor[]> {
    const wanted = names.map((name) => outputOf(signature, name));
    checkInputs(signature, inputs);
    const rows = signature.batchable ? (inputs[0]?.shape[0] ?? 1) : 1;
    const ms = serviceMs + rows * serviceMsPerRow;
    // eslint-disable-next-line promise/avoid-new
    if (ms > 0) await new Promise<void>((resolve) => void clock.after(ms, resolve));
    return wanted.map(({ spec, position }) => repeat(spec, signature.inputs[position], inputs, rows));
  }

  const model: LoadedModel = {
    platform: 'simulated',
    signature,
    async run(inputs, outputs) {
      if (!open) throw new FlyballError('INFERENCE_FAILED', 'the simulated runtime is closed');
      const before = last;
      const { promise, resolve } = Promise.withResolvers<void>();
      last = promise;
      await before;
      const began = clock.now();
      try {
        const names = outputs ?? signature.outputs.map((spec) => spec.name);
        return { outputs: await compute(inputs, names), computeMs: clock.now() - began };
      } finally {
        resolve();
      }
    },
    async warmed() {},
    onFailure() {},
    async [Symbol.asyncDispose]() {
      open = false;
      await last;
    },
  };
  return signal.aborted ? Promise.reject(signal.reason as Error) : Promise.resolve(model);
}

function outputOf(signature: ModelSignature, name: string): { spec: TensorSpec; position: number } {
  const position = signature.outputs.findIndex((spec) => spec.name === name);
  const spec = signature.outputs[position];
  if (spec === undefined) {
    throw new FlyballError(
      'INFERENCE_FAILED',
      `expected an output among ${signature.outputs.map((known) => known.name).join(', ')}, got ${name}`,
    );
  }
  return { spec, position };
}

function checkInputs(signature: ModelSignature, inputs: readonly Tensor[]): void {
  for (const spec of signature.inputs) {
    const input = inputs.find((tensor) => tensor.name === spec.name);
    if (input === undefined) throw new FlyballError('INFERENCE_FAILED', `the input ${spec.name} is missing`);
    const fits =
      input.datatype === spec.datatype &&
      input.shape.length === spec.shape.length &&
      spec.shape.every((dimension, index) => dimension === -1 || dimension === input.shape[index]);
    if (!fits) {
      throw new FlyballError(
        'INFERENCE_FAILED',
        `the input ${spec.name} takes ${spec.datatype} [${spec.shape.join(', ')}], got ${input.datatype} [${input.shape.join(', ')}]`,
      );
    }
  }
}

function repeat(
  output: TensorSpec,
  inputSpec: TensorSpec | undefined,
  inputs: readonly Tensor[],
  rows: number,
): Tensor {
  const input = inputs.find((tensor) => tensor.name === inputSpec?.name);
  if (input?.datatype === output.datatype && fitsShape(input.shape, output.shape)) {
    return { name: output.name, datatype: output.datatype, shape: input.shape, bytes: input.bytes };
  }
  const shape = output.shape.map((dimension, index) => (dimension !== -1 ? dimension : index === 0 ? rows : 1));
  // A BYTES element without content is its length alone: four zero bytes.
  const width = datatypeWidths[output.datatype] === 0 ? 4 : datatypeWidths[output.datatype];
  return {
    name: output.name,
    datatype: output.datatype,
    shape,
    bytes: new Uint8Array(elementCount(shape) * width),
  };
}

function fitsShape(shape: readonly number[], declared: readonly number[]): boolean {
  return (
    shape.length === declared.length &&
    declared.every((dimension, index) => dimension === -1 || dimension === shape[index])
  );
}
