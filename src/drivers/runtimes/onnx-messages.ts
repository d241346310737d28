/** What the ONNX driver and its thread say to each other. The thread answers in the order of the calls. */
import type { ErrorCode } from '../../errors.ts';
import type { ModelSignature, Tensor } from '../../protocol/tensor.ts';

export interface OnnxSettings {
  readonly path: string;
  /** Intra-op threads of the session. */
  readonly threads: number;
  /** False whenever busy threads could outnumber the cores: idle threads that spin then steal from the others. */
  readonly spinning: boolean;
  readonly graphOptimisation: 'disabled' | 'basic' | 'extended' | 'all';
  readonly memoryArena: boolean;
}

export interface RunMessage {
  readonly call: number;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly string[];
}

export type ThreadMessage =
  | { readonly kind: 'loaded'; readonly signature: ModelSignature }
  | { readonly kind: 'unloadable'; readonly message: string }
  | { readonly kind: 'result'; readonly call: number; readonly outputs: readonly Tensor[]; readonly computeMs: number }
  | { readonly kind: 'error'; readonly call: number; readonly code: ErrorCode; readonly message: string };
