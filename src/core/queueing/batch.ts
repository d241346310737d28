/**
 * What goes into the next call of a replica that has become free. The first in the queue always goes; others of its
 * key join it in the queue's order, up to the cap and to this replica's fair share of what waits. Nothing is started
 * that cannot be answered by its deadline; nobody joins a batch that would make a member late.
 * Invariant: what is returned has left the queue, and is either in `items` or in `hopeless`, never in both.
 */
import { serviceMs, type CostCurve } from './cost-curve.ts';
import type { RequestQueue, Ticket } from './queue.ts';

export interface BatchTerms {
  /** Replicas that take work, the free one among them; 0 counts as 1. */
  readonly readyReplicas: number;
  /** Rows in one call at most; a request of more runs alone. */
  readonly cap: number;
  /** How long those who wait may be held for company. */
  readonly delayMs: number;
  /** False: one request a call, whatever its rows. */
  readonly batchable: boolean;
  readonly curve: CostCurve;
  /** What the replica still has to do before it can begin. */
  readonly aheadMs: number;
}

export interface Batch<Item> {
  /** Empty when there is nothing to start now. */
  readonly items: Item[];
  readonly rows: number;
  /** Left the queue without being started: their time is shorter than the work. They fail with DEADLINE_EXCEEDED. */
  readonly hopeless: Item[];
  /** With no items: when to ask again although nobody arrives; Infinity when only an arrival changes anything. */
  readonly waitUntil: number;
}

export interface PayloadTicket extends Ticket {
  readonly payload: 'tensors' | 'files';
}

export function formBatch<Item extends PayloadTicket>(
  queue: RequestQueue<Item>,
  terms: BatchTerms,
  at: number,
): Batch<Item> {
  const hopeless = queue.takeExpired(at);
  let first = queue.first();
  while (first !== undefined && cannotMeet(first, terms, at, queue.length > 1)) {
    queue.remove(first);
    hopeless.push(first);
    first = queue.first();
  }
  if (first === undefined) return { items: [], rows: 0, hopeless, waitUntil: Infinity };

  const alone = !terms.batchable || first.rows === 0 || first.rows >= terms.cap;
  if (!alone && terms.delayMs > 0 && queue.rowsLike(first) < terms.cap) {
    // The wait for company ends early enough for the most pressing deadline of the queue.
    const slack = serviceMs(terms.curve, queue.rowsLike(first), first.payload, at) ?? 0;
    const until = Math.min(queue.oldestLike(first) + terms.delayMs, queue.nextDeadlineAt - slack);
    if (until > at) return { items: [], rows: 0, hopeless, waitUntil: until };
  }

  // A fair share leaves work for the replicas that are about to become free, so that no batch is much larger than the
  // others: ceil(waiting / ready).
  const share = Math.min(terms.cap, Math.ceil(queue.rows / Math.max(terms.readyReplicas, 1)));
  const items = [first];
  const pressed = queue.length > 1;
  let { rows, deadlineAt } = first;
  let next = alone ? undefined : queue.nextLike(first);
  queue.remove(first);
  while (next !== undefined && rows + next.rows <= share) {
    const after = queue.nextLike(next);
    if (cannotMeet(next, terms, at, pressed)) {
      hopeless.push(next);
    } else {
      const soonest = Math.min(deadlineAt, next.deadlineAt);
      const whole = serviceMs(terms.curve, rows + next.rows, next.payload, at);
      if (whole !== undefined && at + terms.aheadMs + whole * terms.curve.tail > soonest) break;
      items.push(next);
      rows += next.rows;
      deadlineAt = soonest;
    }
    queue.remove(next);
    next = after;
  }
  return { items, rows, hopeless, waitUntil: Infinity };
}

/**
 * Whether starting it would be work for nobody. While others wait (`pressed`) the tail of the cost counts: a call that
 * ends just too late takes a place that the next one would have used. Alone the mean does: trying costs nobody anything.
 */
function cannotMeet(item: PayloadTicket, { curve, aheadMs }: BatchTerms, at: number, pressed: boolean): boolean {
  const needed = serviceMs(curve, item.rows, item.payload, at);
  return needed !== undefined && at + aheadMs + needed * (pressed ? curve.tail : 1) > item.deadlineAt;
}
