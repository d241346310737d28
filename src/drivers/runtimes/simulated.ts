/**
 * A runtime without a model: outputs repeat the inputs by position after a fixed time, so that queueing, batching and
 * scaling can be rehearsed with a service time that is known. An output whose datatype or size differs from the input
 * at its position is zeros. It waits, it does not compute: many of them share one core.
 */
import { writeSync } from 'node:fs';
import { systemClock, type Clock } from '../../clock.ts';
import { FlyballError, toFlyballError } from '../../errors.ts';
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
  /** A failure to rehearse; `count` counts from 1, the calls of warm-up and of requests each for themselves. */
  readonly fault?: SimulatedFault | undefined;
}

export interface SimulatedFault {
  readonly at: 'load' | 'warm-up' | 'request';
  readonly count: number;
  readonly kind: 'crash' | 'error';
}

/** Ends this process as a fault in native code would: at once, with nothing tidied up. */
function crash(words: string): void {
  writeSync(process.stderr.fd, `${words}\n`);
  process.kill(process.pid, 'SIGKILL');
}

export function loadSimulated(
  settings: SimulatedSettings,
  signal: AbortSignal,
  clock: Clock = systemClock,
  onCrash: (words: string) => void = crash,
): Promise<LoadedModel> {
  const { signature, serviceMs, serviceMsPerRow, fault } = settings;
  let stage: SimulatedFault['at'] = 'load';
  let calls = 0;

  /** Does what was declared when its moment has come. */
  function mayFail(code: 'MODEL_LOAD_FAILED' | 'INFERENCE_FAILED'): void {
    calls += 1;
    if (fault?.at !== stage || (stage !== 'load' && calls !== fault.count)) return;
    const words = `the simulated ${fault.kind} at ${stage === 'load' ? 'the load' : `${stage} ${calls}`}`;
    if (fault.kind === 'crash') onCrash(words);
    throw new FlyballError(code, words);
  }
  function enter(next: SimulatedFault['at']): void {
    stage = next;
    calls = 0;
  }

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
        mayFail('INFERENCE_FAILED');
        const names = outputs ?? signature.outputs.map((spec) => spec.name);
        return { outputs: await compute(inputs, names), computeMs: clock.now() - began };
      } finally {
        resolve();
      }
    },
    async warmed() {
      enter('request');
    },
    onFailure() {},
    async [Symbol.asyncDispose]() {
      open = false;
      await last;
    },
  };
  if (signal.aborted) return Promise.reject(signal.reason as Error);
  try {
    mayFail('MODEL_LOAD_FAILED');
  } catch (error) {
    return Promise.reject(toFlyballError(error));
  }
  enter('warm-up');
  return Promise.resolve(model);
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
