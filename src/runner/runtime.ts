/**
 * The seam between a runner and whatever computes: ONNX Runtime, another server, or a simulation without a model.
 * A driver is one function that loads; it knows nothing of frames, batches or pipelines.
 * Invariant: calls are computed one at a time, in the order of `run`.
 */
import type { FlyballError } from '../errors.ts';
import type { ModelSignature, Tensor } from '../protocol/tensor.ts';

export interface RunResult {
  readonly outputs: readonly Tensor[];
  /** The runtime's own time, without the way to its thread and back. */
  readonly computeMs: number;
}

/** A runtime that takes encoded files as they are, in place of tensors that a pipeline has made of them. */
export interface FileCalls {
  /** Rejects as {@link LoadedModel.run} does. */
  run(file: Uint8Array): Promise<{ readonly readable: unknown; readonly computeMs: number }>;
}

export interface LoadedModel extends AsyncDisposable {
  /** `<project>_<format>`, for instance onnxruntime_onnx. */
  readonly platform: string;
  readonly signature: ModelSignature;
  /**
   * One call. The bytes of the inputs are the runtime's from then on: their ArrayBuffers may move to another thread.
   * `outputs` names what to give back; absent means all, in the order of the signature.
   * Rejects with INFERENCE_FAILED in the runtime's own words, INVALID_TENSOR where the bytes are no such tensor, or
   * INVALID_REQUEST where the runtime says that the request is at fault; with REPLICA_FAILED or OVERLOADED where it
   * has computed nothing and another replica may.
   */
  run(inputs: readonly Tensor[], outputs?: readonly string[]): Promise<RunResult>;
  /** Present where the model takes files without a pipeline. */
  readonly files?: FileCalls;
  /** Warm-up is over, no call is running: the driver may settle on another way for calls like those it has seen. */
  warmed(): Promise<void>;
  /** Calls back when the runtime has ended by itself: no later call can succeed. */
  onFailure(listener: (error: FlyballError) => void): void;
  /** What it uses outside the runner's own process; absent where that is nothing. */
  readonly usage?: () => RuntimeUsage;
}

export interface RuntimeUsage {
  readonly residentBytes: number;
  readonly cpuSeconds: number;
}

/**
 * Rejects with MODEL_LOAD_FAILED in the runtime's own words; an abort ends the load and rejects with its reason.
 * `onNote` is for what a person wants to know of a load that takes long.
 */
export type LoadModel<Settings> = (
  settings: Settings,
  signal: AbortSignal,
  onNote?: (note: string) => void,
) => Promise<LoadedModel>;

/** Whether requests may share one call: every input and output has a variable first dimension. */
export function isBatchable(specs: readonly { readonly shape: readonly number[] }[]): boolean {
  return specs.length > 0 && specs.every((spec) => spec.shape[0] === -1);
}
