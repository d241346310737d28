/** What the ONNX driver and its thread say to each other. The thread answers in the order of the calls. */
import type { ErrorCode } from '../../errors.ts';
import type { Datatype, ModelSignature } from '../../protocol/tensor.ts';

export interface OnnxSettings {
  readonly path: string;
  /** The same model as this node has prepared it for itself (see prepared-files.ts); a file that fails costs nothing. */
  readonly prepared?: string;
  /** What the file's bytes must be, where that matters more than the time and memory of reading it. */
  readonly digest?: string | undefined;
  /** Intra-op threads of the session. */
  readonly threads: number;
  /** False whenever busy threads could outnumber the cores: idle threads that spin then steal from the others. */
  readonly spinning: boolean;
  readonly graphOptimisation: 'disabled' | 'basic' | 'extended' | 'all';
  readonly memoryArena: boolean;
}

/**
 * Calls and their results are bare arrays: the structured clone of an object's keys costs a tiny model more than its
 * own inference.
 */
export type PackedTensor = readonly [name: string, datatype: Datatype, shape: readonly number[], bytes: Uint8Array];

/** `outputs` absent means all, in the order of the signature. */
export type RunMessage = readonly [
  call: number,
  outputs: readonly string[] | undefined,
  ...inputs: readonly PackedTensor[],
];

/** The first message to a thread that was started ahead of its model. */
export interface LoadMessage {
  readonly kind: 'load';
  readonly settings: OnnxSettings;
}

export type ResultMessage = readonly [call: number, computeMs: number, ...outputs: readonly PackedTensor[]];

export type ThreadMessage =
  | ResultMessage
  /** Started ahead: the native library is loaded and its environment initialised. */
  | { readonly kind: 'prestarted' }
  | { readonly kind: 'loaded'; readonly signature: ModelSignature }
  | { readonly kind: 'unloadable'; readonly message: string }
  | { readonly kind: 'error'; readonly call: number; readonly code: ErrorCode; readonly message: string };

export function isResult(message: ThreadMessage): message is ResultMessage {
  return Array.isArray(message);
}
