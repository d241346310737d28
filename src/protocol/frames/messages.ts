/**
 * What gateway, control and runner say to each other over a replica's socket, as typed messages.
 *
 *   frame  = length kind header-length header body
 *   length        uint32 LE  bytes after this field
 *   kind          uint8      see `frameKinds`
 *   header-length uint32 LE  bytes of the header
 *   header        UTF-8 JSON, one of the interfaces below
 *   body          the tensors' bytes, one after another in the order of the header; empty for most kinds
 *
 * The runner speaks first (`hello`), then a `state` at each change. Any number of connections may be open at once;
 * calls are answered on the connection that they came on, matched by `call`, not necessarily in order.
 */
import type { Datatype, ModelSignature } from '../tensor.ts';
import type { ErrorCode } from '../../errors.ts';

export const frameKinds = {
  hello: 1,
  state: 2,
  infer: 3,
  result: 4,
  cancel: 5,
  drain: 6,
  status: 7,
  statusReply: 8,
} as const;

export type FrameKind = keyof typeof frameKinds;

/** One tensor of a frame; its bytes follow in the body. The first dimension is the sum over the batch. */
export interface FrameTensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly byteLength: number;
}

export type ReplicaState =
  /** `note`: what it waits for, where there is something to say. */
  | { readonly kind: 'loading'; readonly note?: string }
  | { readonly kind: 'warming' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'draining' }
  /** `message` carries the runtime's own words. */
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string };

/** Compute time of a batch of `rows`, as measured at warm-up (median milliseconds). */
export interface CostPoint {
  readonly rows: number;
  readonly ms: number;
  /** Processor time of such a call, where one thread of the replica computes it: it is no longer on a busy machine. */
  readonly processorMs?: number | undefined;
}

/** Milliseconds that each stage of the start took; a stage that did not happen is absent. */
export interface StartStages {
  readonly bootMs?: number;
  readonly loadMs?: number;
  readonly warmMs?: number;
}

/** Sent once by the runner when a connection opens. */
export interface HelloHeader {
  readonly replica: string;
  readonly pid: number;
  readonly model: string;
  readonly version: string;
  readonly digest: string;
  readonly state: ReplicaState;
  /** Known from `warming` on. */
  readonly signature?: ModelSignature;
  readonly platform: string;
  readonly costCurve?: readonly CostPoint[];
  readonly stages?: StartStages;
  /** True when the version declares an input pipeline, so that `file` calls are understood. */
  readonly takesFiles: boolean;
}

export interface StateHeader {
  readonly state: ReplicaState;
  readonly signature?: ModelSignature;
  readonly costCurve?: readonly CostPoint[];
  readonly stages?: StartStages;
}

/** One caller's part of a batch. */
export interface BatchItem {
  readonly rows: number;
  readonly requestId: string;
  readonly traceparent?: string;
}

export interface InferHeader {
  /** Chosen by the caller, unique on the connection while in flight. */
  readonly call: number;
  readonly items: readonly BatchItem[];
  /** `tensors`: one entry an input. `files`: one entry an item (datatype BYTES, shape [1], raw file bytes, no length prefix). */
  readonly payload: { readonly kind: 'tensors' | 'files'; readonly parts: readonly FrameTensor[] };
  /**
   * Names of the outputs to send back; absent means all. An empty list of a `files` call: only the readable answers,
   * or all outputs of a version without an output stage.
   */
  readonly outputs?: readonly string[];
  /** Token of control's lease under which the caller's tables were made; absent: 0, there is no lease. */
  readonly epoch?: number;
}

/** An item that could not take part; the outputs hold the rows of the other items only, in order. */
export interface FailedItem {
  readonly index: number;
  readonly code: ErrorCode;
  readonly message: string;
}

export interface ResultHeader {
  readonly call: number;
  /** Present when nothing was computed at all. */
  readonly error?: { readonly code: ErrorCode; readonly message: string };
  readonly failed?: readonly FailedItem[];
  readonly outputs?: readonly FrameTensor[];
  /** One readable answer an item that succeeded, where the pipeline has an output stage. */
  readonly readable?: readonly unknown[];
  /** Decoding and preprocessing, then the runtime's own time. */
  readonly inputMs?: number;
  readonly computeMs?: number;
  /** Before both, behind other calls in the replica, those of other gateways among them. */
  readonly waitMs?: number;
}

/** In time, the call is answered with CANCELLED; once it computes, with its result, as if nothing had been said. */
export interface CancelHeader {
  readonly call: number;
}

/** From then on `infer` is refused with DRAINING; the runner exits when the last call has been answered. */
export interface DrainHeader {
  readonly deadlineMs: number;
}

export interface StatusHeader {
  readonly ask: number;
  /** Token of the lease under which control asks; absent where there is none, and in a gateway's questions. */
  readonly epoch?: number;
}

export interface StatusReplyHeader {
  readonly ask: number;
  readonly state: ReplicaState;
  readonly inFlight: number;
  readonly residentBytes: number;
  readonly cpuSeconds: number;
  readonly inferences: number;
}

export interface FrameHeaders {
  hello: HelloHeader;
  state: StateHeader;
  infer: InferHeader;
  result: ResultHeader;
  cancel: CancelHeader;
  drain: DrainHeader;
  status: StatusHeader;
  statusReply: StatusReplyHeader;
}
