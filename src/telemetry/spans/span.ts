/** One inference request as it is remembered: where its time went, with whom it shared a batch, and how it ended. */
import type { ErrorCode } from '../../errors.ts';

/**
 * Why it is remembered: `failed` whatever is no answer, `slow` among the slowest of its minute, `asked` by the sampled
 * flag of its caller's trace, `sample` one now and then.
 */
export type Kept = 'failed' | 'slow' | 'asked' | 'sample';

export interface RequestSpan {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits: of the request itself, and of the caller's span that it is a child of. */
  readonly spanId: string;
  readonly parentId?: string;
  /** The caller records this trace. */
  readonly sampled: boolean;
  readonly requestId: string;
  readonly deployment: string;
  readonly version: string;
  readonly protocol: 'rest' | 'grpc' | 'torchserve';
  /** Of its arrival; Unix milliseconds. */
  readonly at: number;
  readonly status: 'ok' | ErrorCode;
  readonly message?: string;
  /** From its arrival to its answer; milliseconds as all that follow. */
  readonly totalMs: number;
  /** Until it was handed to the queue: read and parsed. */
  readonly readMs?: number;
  readonly queueMs: number;
  /** From its last batch's way out to its answer; of that, behind others in the replica, for decoding, and for computing. */
  readonly callMs?: number;
  readonly waitMs?: number;
  readonly inputMs?: number;
  readonly computeMs?: number;
  readonly batch?: SpanBatch;
  readonly replica?: string;
  /** Whose key it came with. */
  readonly by?: string;
  readonly kept: Kept;
}

export interface SpanBatch {
  /** The same for all requests of the batch, and no other. */
  readonly id: string;
  readonly rows: number;
  readonly requests: number;
  /** From the request's arrival until the batch was sent; milliseconds. */
  readonly sentMs: number;
  /** Trace ids of the other requests in it: as many as are remembered. */
  readonly mates: readonly string[];
}

/** Which of a process's spans are wanted. */
export interface SpanQuery {
  readonly deployment?: string;
  readonly traceId?: string;
  /** Unix milliseconds of the arrival. */
  readonly from?: number;
  readonly to?: number;
  readonly limit: number;
}
