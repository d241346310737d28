/**
 * What calls and starts of one deployment have really taken: the record from which its latency model is made. Calls are
 * kept by rows and rest; that the machine is shared and that a young replica is slower are factors beside it, each
 * measured against what the others explain (backfitting). Plain JSON, so that it outlives control; the functions here
 * write into it. Bounded: some thirty distributions, a few factors, and the last starts and ends.
 */
import { busyClasses, busyClassOf, callClassOf, callFrom, restClassOf, restFromMs, rowClassOf } from './classes.ts';
import { addTime, fade, meanMs, noTimes, type Times } from './times.ts';

/** Times in milliseconds. */
export interface CallSample {
  readonly rows: number;
  /** Since the replica's call before. */
  readonly restMs: number;
  /** Replicas that computed when it was sent, its own among them. */
  readonly busy: number;
  /** Which of its replica's calls it is; the first is 1. */
  readonly nth: number;
  /** From when the replica could begin until its answer was there. */
  readonly ms: number;
}

/** Milliseconds of each stage of a start, and what else started meanwhile. */
export interface StartSample {
  /** Replicas that had been ordered before it and were not ready, and all that started while it did. */
  readonly before: number;
  readonly beside: number;
  readonly decideMs: number;
  readonly startMs: number;
  readonly loadMs: number;
  readonly warmMs: number;
  readonly serveMs: number;
}

interface CallTimes {
  readonly rowClass: number;
  readonly restClass: number;
  /** Mean of the rows of its calls. */
  rows: number;
  readonly times: Times;
}

interface Factor {
  weight: number;
  factor: number;
}

export interface LatencyBook {
  /** What it is of: a version and what its replicas may use. */
  readonly key: string;
  /** Unix milliseconds. */
  readonly since: number;
  calls: number;
  /** Rows that calls have at most; learned: now, by what calls have cost. */
  cap: number;
  capLearned?: boolean;
  readonly cells: CallTimes[];
  readonly busy: readonly Factor[];
  readonly nth: readonly Factor[];
  readonly starts: StartSample[];
  /** From the end that was ordered, with nothing left to do, until it was gone. */
  readonly stops: number[];
}

/** Beyond it what was before counts by half. */
const weightMax = 16_384;
const factorWeightMax = 4096;
/** Fewer calls than these tell no factor. */
const toldMin = 20;
/** What one call may say of a factor at most, either way. */
const saidMax = 20;
const startsKept = 128;

const factors = (count: number): Factor[] => Array.from({ length: count }, () => ({ weight: 0, factor: 1 }));

export function emptyLatencyBook(key: string, since: number): LatencyBook {
  return {
    key,
    since,
    calls: 0,
    cap: 1,
    cells: [],
    busy: factors(busyClasses),
    nth: factors(callFrom.length),
    starts: [],
    stops: [],
  };
}

function cellOf({ cells }: LatencyBook, rows: number, restMs: number): CallTimes {
  const rowClass = rowClassOf(rows);
  const restClass = restClassOf(restMs);
  const found = cells.find((cell) => cell.rowClass === rowClass && cell.restClass === restClass);
  if (found !== undefined) return found;
  const made: CallTimes = { rowClass, restClass, rows, times: noTimes() };
  cells.push(made);
  return made;
}

/** `weight`: calls that it stands for. A call that says nothing sensible teaches nothing. */
export function noteCall(book: LatencyBook, sample: CallSample, weight = 1): void {
  const { rows, restMs, busy, nth, ms } = sample;
  if (!(ms >= 0) || !Number.isFinite(ms) || !(rows >= 1) || !Number.isFinite(rows) || !(weight > 0)) return;
  book.calls += weight;
  const shared = book.busy[busyClassOf(busy)] as Factor;
  const young = book.nth[callClassOf(nth)] as Factor;
  const cell = cellOf(book, rows, restMs);
  const { times } = cell;
  addTime(times, ms / (shared.factor * young.factor), weight);
  cell.rows += (weight / times.weight) * (rows - cell.rows);
  if (times.weight > weightMax) fade(times, 0.5);
  if (times.weight < toldMin) return;
  const mean = meanMs(times);
  learn(shared, ms / (mean * young.factor), weight);
  // Whoever is no longer young is what the others are compared with.
  if (young !== book.nth.at(-1)) learn(young, ms / (mean * shared.factor), weight);
}

function learn(factor: Factor, said: number, weight: number): void {
  if (!(said > 0)) return;
  const bounded = Math.min(Math.max(said, 1 / saidMax), saidMax);
  factor.weight = Math.min(factor.weight + weight, factorWeightMax);
  factor.factor += Math.min(weight / factor.weight, 1) * (bounded - factor.factor);
}

export function noteStarted(book: LatencyBook, start: StartSample): void {
  book.starts.push(start);
  if (book.starts.length > startsKept) book.starts.shift();
}

export function noteStopped(book: LatencyBook, ms: number): void {
  book.stops.push(ms);
  if (book.stops.length > startsKept) book.stops.shift();
}

/** Whether what was read from somewhere can be written on: an older or damaged one is begun anew. */
export function isLatencyBook(value: unknown): value is LatencyBook {
  if (typeof value !== 'object' || value === null) return false;
  const { key, since, cells, busy, nth, starts, stops } = value as Partial<LatencyBook>;
  return (
    typeof key === 'string' &&
    typeof since === 'number' &&
    busy?.length === busyClasses &&
    nth?.length === callFrom.length &&
    Array.isArray(starts) &&
    Array.isArray(stops) &&
    Array.isArray(cells) &&
    cells.every(({ restClass, times }) => restClass < restFromMs.length && typeof times?.weight === 'number')
  );
}
