/**
 * Whether a request may enter the queue. It is refused at once, with a time after which it makes sense to come back,
 * when the queue is full or when the wait ahead of it cannot fit its deadline (and without one when the work alone cannot). Refusing never rests on a guess: with
 * nothing measured, or no replica to divide the work by, the request is admitted.
 */
import { serviceMs, type CostCurve } from './cost-curve.ts';
import type { RequestQueue, Ticket } from './queue.ts';

export interface Capacity {
  /** Replicas that take work now. */
  readonly readyReplicas: number;
  /** Rows that one call takes at most. */
  readonly cap: number;
  /** Rows that are being computed now. */
  readonly rowsInFlight: number;
  /** Requests, of one row each, that will be in the queue before this one. */
  readonly expected?: number;
  /** How long it takes until there is one where there is none; undefined when nothing is known of that. */
  readonly startMs?: number | undefined;
}

export type Admission =
  | { readonly kind: 'admitted' }
  | { readonly kind: 'refused'; readonly code: 'QUEUE_FULL'; readonly retryAfterSeconds: number }
  | {
      readonly kind: 'refused';
      readonly code: 'OVERLOADED';
      readonly retryAfterSeconds: number;
      readonly estimateMs: number;
    }
  /** Even an idle replica would be too slow: no load, and no later time, changes that. */
  | { readonly kind: 'refused'; readonly code: 'DEADLINE_EXCEEDED'; readonly estimateMs: number };

const admitted: Admission = { kind: 'admitted' };
/** Nobody is sent away for longer than this: the load may be gone by then. */
export const retryAfterSecondsMax = 60;

/** Of the tail of one call, this share is added to a wait for many: their errors partly cancel. */
const tailOfWait = 0.25;

export const toRetrySeconds = (ms: number): number => Math.min(Math.max(Math.ceil(ms / 1000), 1), retryAfterSecondsMax);

export function admit<Item extends Ticket>(
  queue: RequestQueue<Item>,
  ticket: Pick<Ticket, 'rows' | 'priority' | 'deadlineAt'> & { readonly payload: 'tensors' | 'files' },
  capacity: Capacity,
  curve: CostCurve,
  at: number,
): Admission {
  const waitFor = (rows: number): number | undefined => {
    const call = serviceMs(curve, capacity.cap, ticket.payload, at);
    if (call === undefined || capacity.readyReplicas < 1) return undefined;
    // What is in flight is half done on average; what waits goes out in full calls, all replicas at work.
    return ((rows + capacity.rowsInFlight / 2) * call) / capacity.cap / capacity.readyReplicas;
  };
  const { expected = 0 } = capacity;
  if (queue.length + expected >= queue.lengthMax) {
    const half = capacity.readyReplicas < 1 ? capacity.startMs : waitFor(queue.rows / 2);
    return { kind: 'refused', code: 'QUEUE_FULL', retryAfterSeconds: toRetrySeconds(half ?? 1000) };
  }
  const wait = waitFor(queue.rowsAhead(ticket.priority) + expected);
  const own = serviceMs(curve, ticket.rows, ticket.payload, at);
  if (wait === undefined || own === undefined) return admitted;
  if (at + own > ticket.deadlineAt) return { kind: 'refused', code: 'DEADLINE_EXCEEDED', estimateMs: own };
  // By the mean alone half of those at the end of a long queue would wait for nothing: see `cannotMeet` in batch.ts.
  const estimateMs = wait === 0 ? own : wait * (1 + (curve.tail - 1) * tailOfWait) + own * curve.tail;
  const over = at + estimateMs - ticket.deadlineAt;
  if (over <= 0) return admitted;
  return { kind: 'refused', code: 'OVERLOADED', retryAfterSeconds: toRetrySeconds(over), estimateMs };
}
