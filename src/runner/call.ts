/** One call of a runner, whichever door it came by, and what it is answered with. */
import type { BatchItem, FailedItem } from '../protocol/frames/messages.ts';
import type { Tensor } from '../protocol/tensor.ts';
import type { FlyballError } from '../errors.ts';

export type CallPayload =
  /** The bytes are the runner's from then on; see {@link LoadedModel.run}. */
  | { readonly kind: 'tensors'; readonly inputs: readonly Tensor[] }
  /** One encoded file an item. */
  | { readonly kind: 'files'; readonly files: readonly Uint8Array[] };

export interface RunnerCall {
  readonly items: readonly Pick<BatchItem, 'rows'>[];
  readonly payload: CallPayload;
  readonly outputs?: readonly string[];
}

export type CallAnswer =
  | {
      readonly kind: 'computed';
      /** Empty when every item failed. */
      readonly outputs: readonly Tensor[];
      readonly failed: readonly FailedItem[];
      /** One an item that succeeded, in order; absent without an output stage. */
      readonly readable?: readonly unknown[];
      readonly inputMs: number;
      readonly computeMs: number;
      /** Behind the calls of others, whoever sent them: this replica was at work, but not for this call. */
      readonly waitMs?: number;
    }
  | { readonly kind: 'failed'; readonly error: FlyballError };
