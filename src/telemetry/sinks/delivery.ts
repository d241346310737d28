/**
 * What waits to be sent to a sink, as a state machine: bounded in bytes and items, sent in batches and in order, tried
 * again with growing pauses. Time and chance come with each call; it does nothing by itself (`sender.ts` does).
 *
 *   idle ──offer──▶ collecting ──full or old enough──▶ sending ──accepted, refused──▶ idle | collecting
 *                                                       │   ▲
 *                                                     failed pause over
 *                                                       ▼   │
 *                                                      pausing        full: the oldest that is not being sent goes
 *
 * Invariants: never more than `bytesMax` and `itemsMax`, with what is being sent; offered = sent + dropped + waiting;
 * what is sent leaves in the order in which it was offered; one batch at a time.
 */
import { backOffMs, type BackOff } from './back-off.ts';

export interface DeliveryLimits extends BackOff {
  /** Of what waits and of what is being sent, together. */
  readonly bytesMax: number;
  readonly itemsMax: number;
  /** A batch is sent when it has so much, or when its oldest item has waited this long. */
  readonly batchBytesMax: number;
  readonly batchItemsMax: number;
  readonly batchAgeMs: number;
}

/** `full`: there was no room; `refused`: as bad, by the receiver; `too_large`: alone too much; `closed`: at the end. */
export const dropReasons = ['full', 'refused', 'too_large', 'closed'] as const;
export type DropReason = (typeof dropReasons)[number];

/** What became of a batch. `why` is for people and holds no secret. */
export type Outcome =
  | { readonly kind: 'accepted' }
  /** All but so many were taken; those are not worth another try. */
  | { readonly kind: 'partial'; readonly refused: number; readonly why: string }
  /** The same batch would be refused again. */
  | { readonly kind: 'refused'; readonly why: string }
  /** The receiver wants smaller batches. */
  | { readonly kind: 'too large'; readonly why: string }
  /** It may go better later; `retryAfterMs` by the receiver's own word. */
  | { readonly kind: 'failed'; readonly why: string; readonly retryAfterMs?: number | undefined };

export type Step<Value> =
  /** Send this now and tell `ended`. */
  | { readonly kind: 'send'; readonly values: readonly Value[]; readonly bytes: number; readonly attempt: number }
  /** Nothing to do before this time, unless something is offered. */
  | { readonly kind: 'wait'; readonly until: number }
  /** Nothing to do until something is offered, or until the batch that is being sent has ended. */
  | { readonly kind: 'idle' };

export interface DeliveryCounts {
  readonly offered: number;
  readonly sent: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** With what is being sent. */
  readonly waiting: number;
  readonly waitingBytes: number;
  /** Attempts that failed since the last batch that was taken or refused. */
  readonly failures: number;
}

interface Item<Value> {
  readonly value: Value;
  readonly bytes: number;
  readonly at: number;
}

/** After a batch that was taken, towards `batchItemsMax` again: one huge item must not make all batches small for ever. */
const regrowth = 1.25;

export class Delivery<Value> {
  readonly #limits: DeliveryLimits;
  /** Oldest first from `#first` on; what is before it is gone. */
  #queue: Item<Value>[] = [];
  #first = 0;
  /** Older than everything in the queue: being sent, or to be sent again as it is. */
  #batch: Item<Value>[] = [];
  #isSending = false;
  /** Of a batch; less than the limit after one that was too large. */
  #itemsMax: number;
  #bytes = 0;
  #offered = 0;
  #sent = 0;
  readonly #dropped: Record<DropReason, number> = { full: 0, refused: 0, too_large: 0, closed: 0 };
  #failures = 0;
  #resumeAt = -Infinity;
  #closed = false;

  /** Throws RangeError for limits in which no batch could be. */
  constructor(limits: DeliveryLimits) {
    for (const name of ['bytesMax', 'itemsMax', 'batchBytesMax', 'batchItemsMax'] as const) {
      if (!(limits[name] >= 1)) throw new RangeError(`expected ${name} of at least 1, got ${limits[name]}`);
    }
    this.#limits = limits;
    this.#itemsMax = limits.batchItemsMax;
  }

  get #queued(): number {
    return this.#queue.length - this.#first;
  }

  counts(): DeliveryCounts {
    return {
      offered: this.#offered,
      sent: this.#sent,
      dropped: { ...this.#dropped },
      waiting: this.#queued + this.#batch.length,
      waitingBytes: this.#bytes,
      failures: this.#failures,
    };
  }

  /** Takes it, or counts why not. `bytes`: what it holds in memory, > 0; `at`: milliseconds of one clock. */
  offer(value: Value, bytes: number, at: number): void {
    this.#offered += 1;
    const { bytesMax, itemsMax } = this.#limits;
    if (this.#closed) this.#drop('closed');
    else if (bytes > bytesMax) this.#drop('too_large');
    else {
      while (this.#bytes + bytes > bytesMax || this.#queued + this.#batch.length + 1 > itemsMax) {
        const oldest = this.#takeOldest();
        if (oldest === undefined) {
          // Everything is being sent.
          this.#drop('full');
          return;
        }
        this.#bytes -= oldest.bytes;
        this.#drop('full');
      }
      this.#queue.push({ value, bytes, at });
      this.#bytes += bytes;
    }
  }

  /** What to do now. `flush`: whatever there is, however young and few. */
  next(at: number, flush = false): Step<Value> {
    if (this.#isSending) return { kind: 'idle' };
    if (this.#batch.length === 0) {
      const oldest = this.#queue[this.#first];
      if (oldest === undefined) return { kind: 'idle' };
      const due = oldest.at + this.#limits.batchAgeMs;
      if (at < due && !flush && !this.#isBatchFull()) return { kind: 'wait', until: Math.max(due, this.#resumeAt) };
    }
    // A flush waits for nobody but the receiver.
    if (at < this.#resumeAt) return { kind: 'wait', until: this.#resumeAt };
    if (this.#batch.length === 0) this.#batch = this.#takeBatch();
    this.#isSending = true;
    return {
      kind: 'send',
      values: this.#batch.map(({ value }) => value),
      bytes: sumOf(this.#batch),
      attempt: this.#failures + 1,
    };
  }

  /** The batch that `next` gave has ended. `chance`: uniform in [0, 1), for the pause before another attempt. */
  ended(outcome: Outcome, at: number, chance: number): void {
    if (!this.#isSending) throw new Error('no batch is being sent');
    this.#isSending = false;
    switch (outcome.kind) {
      case 'accepted':
        this.#settle(0);
        break;
      case 'partial':
        this.#settle(Math.min(this.#batch.length, Math.max(0, Math.trunc(outcome.refused))));
        break;
      case 'refused':
        this.#settle(this.#batch.length);
        break;
      case 'too large':
        this.#split();
        break;
      case 'failed':
        this.#failures += 1;
        this.#resumeAt = at + backOffMs(this.#limits, this.#failures, chance, outcome.retryAfterMs);
        break;
      default:
        outcome satisfies never;
    }
  }

  /** Whatever still waits is dropped and nothing is taken any more; not while a batch is being sent. */
  close(): void {
    this.#closed = true;
    const count = this.#queued + this.#batch.length;
    this.#dropped.closed += count;
    this.#queue = [];
    this.#first = 0;
    this.#batch = [];
    this.#isSending = false;
    this.#bytes = 0;
  }

  #drop(reason: DropReason): void {
    this.#dropped[reason] += 1;
  }

  #takeOldest(): Item<Value> | undefined {
    if (!this.#isSending && this.#batch.length > 0) return this.#batch.shift();
    return this.#shift();
  }

  #shift(): Item<Value> | undefined {
    const item = this.#queue[this.#first];
    if (item === undefined) return undefined;
    this.#first += 1;
    // What is gone must not be held; moving the rest now and then costs a step for each item at most.
    if (this.#first * 2 >= this.#queue.length) {
      this.#queue = this.#queue.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }

  #isBatchFull(): boolean {
    // The batch before is gone, so all bytes are of the queue.
    return this.#queued >= this.#itemsMax || this.#bytes >= this.#limits.batchBytesMax;
  }

  /** At least one item, however large. */
  #takeBatch(): Item<Value>[] {
    const batch: Item<Value>[] = [];
    let bytes = 0;
    while (batch.length < this.#itemsMax) {
      const item = this.#queue[this.#first];
      if (item === undefined || (batch.length > 0 && bytes + item.bytes > this.#limits.batchBytesMax)) break;
      bytes += item.bytes;
      batch.push(item);
      this.#shift();
    }
    return batch;
  }

  #settle(refused: number): void {
    this.#sent += this.#batch.length - refused;
    this.#dropped.refused += refused;
    this.#bytes -= sumOf(this.#batch);
    this.#batch = [];
    this.#failures = 0;
    this.#resumeAt = -Infinity;
    this.#itemsMax = Math.min(this.#limits.batchItemsMax, Math.ceil(this.#itemsMax * regrowth));
  }

  /** Back to the front of the queue, for batches of half as many; one that is too large alone is given up. */
  #split(): void {
    const [only] = this.#batch;
    if (this.#batch.length === 1 && only !== undefined) {
      this.#bytes -= only.bytes;
      this.#drop('too_large');
    } else {
      this.#itemsMax = Math.ceil(this.#batch.length / 2);
      this.#queue = [...this.#batch, ...this.#queue.slice(this.#first)];
      this.#first = 0;
    }
    this.#batch = [];
    this.#failures = 0;
    this.#resumeAt = -Infinity;
  }
}

const sumOf = (items: readonly Item<unknown>[]): number => items.reduce((sum, { bytes }) => sum + bytes, 0);
