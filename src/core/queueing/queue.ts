/**
 * The queue of one deployment version: what has been admitted and not started.
 * Order: priority 1 first, first come first served within a level. There is no ageing: a level is served only when the
 * levels above it are empty, so under lasting overload low priorities end at their deadlines (that is their meaning).
 * Tickets that may share a call (same key) are chained a second time in lanes, so that forming a batch costs the size
 * of the batch and not of the queue. Mutable for speed; no clock, no chance: the same calls give the same answers.
 * Invariant: a ticket is in its level's chain, its lane's chain and the heap, or in none of them.
 */
import { DeadlineHeap } from './deadlines.ts';

/** What the queue must know of a request; whoever queues adds the rest. Times in milliseconds of one clock. */
export interface Ticket {
  /** Only tickets of the same key may share a call. */
  readonly key: string;
  /** Rows that it adds to a batch (its own first dimension), ≥ 0. */
  readonly rows: number;
  /** 1 is the most urgent. */
  readonly priority: number;
  readonly arrivedAt: number;
  readonly deadlineAt: number;
  /** Kept by the queue: -1 while the ticket is not in. */
  heapIndex: number;
  place: Place | undefined;
}

/** Where a ticket stands; belongs to the queue. */
export interface Place {
  readonly ticket: Ticket;
  readonly lane: Lane;
  before: Place | undefined;
  after: Place | undefined;
  laneBefore: Place | undefined;
  laneAfter: Place | undefined;
}

interface Chain {
  first: Place | undefined;
  last: Place | undefined;
}

export interface Lane {
  readonly key: string;
  readonly levels: readonly Chain[];
  length: number;
  rows: number;
}

/** Empty lanes are kept up to this many, since the same few shapes come again and again. */
const lanesKeptMax = 16;

export interface QueueLimits {
  readonly lengthMax: number;
  readonly priorityLevels: number;
}

const chains = (count: number): Chain[] => Array.from({ length: count }, () => ({ first: undefined, last: undefined }));

export class RequestQueue<Item extends Ticket = Ticket> {
  readonly #levels: Chain[];
  readonly #rowsByLevel: number[];
  readonly #lanes = new Map<string, Lane>();
  readonly #deadlines = new DeadlineHeap<Item>();
  readonly #priorityLevels: number;
  lengthMax: number;
  #rows = 0;

  constructor(limits: QueueLimits) {
    this.#priorityLevels = limits.priorityLevels;
    this.lengthMax = limits.lengthMax;
    this.#levels = chains(limits.priorityLevels);
    this.#rowsByLevel = this.#levels.map(() => 0);
  }

  get length(): number {
    return this.#deadlines.size;
  }

  get rows(): number {
    return this.#rows;
  }

  get full(): boolean {
    return this.#deadlines.size >= this.lengthMax;
  }

  /** Earliest deadline of all that wait; Infinity when nobody does. */
  get nextDeadlineAt(): number {
    return this.#deadlines.nextAt;
  }

  /** Rows that will be served before a newcomer of this priority. */
  rowsAhead(priority: number): number {
    let rows = 0;
    for (let level = 0; level <= this.#levelOf(priority); level += 1) rows += this.#rowsByLevel[level] ?? 0;
    return rows;
  }

  /** False, and nothing changed, when the queue is full. A priority outside the levels counts as the nearest level. */
  add(item: Item): boolean {
    if (this.full) return false;
    const level = this.#levelOf(item.priority);
    let lane = this.#lanes.get(item.key);
    if (lane === undefined) {
      lane = { key: item.key, levels: chains(this.#priorityLevels), length: 0, rows: 0 };
      this.#lanes.set(item.key, lane);
    }
    const whole = this.#levels[level] as Chain;
    const own = lane.levels[level] as Chain;
    const place: Place = {
      ticket: item,
      lane,
      before: whole.last,
      after: undefined,
      laneBefore: own.last,
      laneAfter: undefined,
    };
    if (whole.last === undefined) whole.first = place;
    else whole.last.after = place;
    whole.last = place;
    if (own.last === undefined) own.first = place;
    else own.last.laneAfter = place;
    own.last = place;
    item.place = place;
    lane.length += 1;
    lane.rows += item.rows;
    this.#rows += item.rows;
    this.#rowsByLevel[level] = (this.#rowsByLevel[level] ?? 0) + item.rows;
    this.#deadlines.add(item);
    return true;
  }

  /** Takes one out, wherever it stands (started, hung up, expired). False when it was not in. */
  remove(item: Item): boolean {
    const place = item.place;
    if (place === undefined) return false;
    const level = this.#levelOf(item.priority);
    const whole = this.#levels[level] as Chain;
    const { lane } = place;
    const own = lane.levels[level] as Chain;
    if (place.before === undefined) whole.first = place.after;
    else place.before.after = place.after;
    if (place.after === undefined) whole.last = place.before;
    else place.after.before = place.before;
    if (place.laneBefore === undefined) own.first = place.laneAfter;
    else place.laneBefore.laneAfter = place.laneAfter;
    if (place.laneAfter === undefined) own.last = place.laneBefore;
    else place.laneAfter.laneBefore = place.laneBefore;
    item.place = undefined;
    // A place that has been left must not point at those behind it: one that the collector has promoted would keep
    // every later one alive, and their requests, until the next full collection (measured: a quarter of what it moves).
    place.before = undefined;
    place.after = undefined;
    place.laneBefore = undefined;
    place.laneAfter = undefined;
    lane.length -= 1;
    lane.rows -= item.rows;
    if (lane.length === 0 && this.#lanes.size > lanesKeptMax) this.#lanes.delete(lane.key);
    this.#rows -= item.rows;
    this.#rowsByLevel[level] = (this.#rowsByLevel[level] ?? 0) - item.rows;
    this.#deadlines.remove(item);
    return true;
  }

  /** Who is next: the oldest of the most urgent level. */
  first(): Item | undefined {
    for (const level of this.#levels) if (level.first !== undefined) return level.first.ticket as Item;
    return undefined;
  }

  /** The one after `item` among those of its key, by the queue's order. */
  nextLike(item: Item): Item | undefined {
    const place = item.place;
    if (place === undefined) return undefined;
    if (place.laneAfter !== undefined) return place.laneAfter.ticket as Item;
    return firstOf(place.lane, this.#levelOf(item.priority) + 1) as Item | undefined;
  }

  /** Rows that wait with the key of `item`, itself among them. */
  rowsLike(item: Item): number {
    return item.place?.lane.rows ?? 0;
  }

  /** Arrival of whoever has waited longest among those with the key of `item`. */
  oldestLike(item: Item): number {
    let oldest = Infinity;
    for (const chain of item.place?.lane.levels ?? [])
      if (chain.first !== undefined) oldest = Math.min(oldest, chain.first.ticket.arrivedAt);
    return oldest;
  }

  /** Takes out everyone whose deadline is at or before `at`, earliest first. */
  takeExpired(at: number): Item[] {
    if (this.#deadlines.nextAt > at) return [];
    const expired = this.#deadlines.takeDue(at);
    for (const item of expired) this.remove(item);
    return expired;
  }

  /** Takes out everyone, in the queue's order. */
  takeAll(): Item[] {
    const all: Item[] = [];
    for (let item = this.first(); item !== undefined; item = this.first()) {
      this.remove(item);
      all.push(item);
    }
    return all;
  }

  #levelOf(priority: number): number {
    return Math.min(Math.max(priority, 1), this.#priorityLevels) - 1;
  }
}

function firstOf(lane: Lane, from: number): Ticket | undefined {
  for (let level = from; level < lane.levels.length; level += 1) {
    const first = lane.levels[level]?.first;
    if (first !== undefined) return first.ticket;
  }
  return undefined;
}
