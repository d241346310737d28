/**
 * The latency model of a deployment, made of its book: what calls take, as distributions by rows and rest, the factors
 * beside them, and what starts and ends take. Plain JSON: the control API shows it and a rehearsal draws from it.
 */
import { busyFromOf, callFrom, restFromMs } from './classes.ts';
import type { LatencyBook, StartSample } from './book.ts';
import { likelyMs, meanMs } from './times.ts';

/** Milliseconds. */
export interface CallModel {
  /** Mean of those that were measured. */
  readonly rows: number;
  /** The replica had rested for at least this long; up to the next larger one of the same rows. */
  readonly restFromMs: number;
  readonly calls: number;
  readonly meanMs: number;
  /** Equally likely values, ascending. */
  readonly likelyMs: readonly number[];
}

/** Times as long as the mean of all. */
export interface FactorModel {
  /** From this count on, up to the next larger one. */
  readonly from: number;
  readonly calls: number;
  readonly factor: number;
}

export interface LatencyModel {
  /** Unix milliseconds. */
  readonly since: number;
  readonly calls: number;
  /** Rows that a call has at most; learned: now, and it follows what calls cost. */
  readonly cap: number;
  readonly capLearned: boolean;
  readonly service: readonly CallModel[];
  /** By replicas that compute at the same time. */
  readonly busy: readonly FactorModel[];
  /** By which of its replica's calls it is. */
  readonly nth: readonly FactorModel[];
  readonly starts: readonly StartSample[];
  readonly stopsMs: readonly number[];
}

/** So that the 99th percentile is one of the values. */
const values = 128;
/** Fewer calls than this are chance; their class is left to its neighbours. */
const callsMin = 8;

export function latencyModel(book: LatencyBook): LatencyModel {
  const shared = book.busy.map(({ weight, factor }) => ({ weight, factor }));
  const whole = shared.reduce((sum, { weight }) => sum + weight, 0);
  // Only products can be measured: the factors are shown around 1, and what calls take by itself.
  const scale = whole === 0 ? 1 : shared.reduce((sum, { weight, factor }) => sum + weight * factor, 0) / whole;
  const told = book.cells.filter(({ times }) => times.weight >= callsMin);
  return {
    since: book.since,
    calls: Math.round(book.calls),
    cap: book.cap,
    capLearned: book.capLearned === true,
    service: (told.length > 0 ? told : book.cells)
      .toSorted((left, right) => left.rowClass - right.rowClass || left.restClass - right.restClass)
      .map(({ rows, restClass, times }) => ({
        rows,
        restFromMs: restFromMs[restClass] as number,
        calls: Math.round(times.weight),
        meanMs: meanMs(times) * scale,
        likelyMs: likelyMs(times, values).map((value) => value * scale),
      })),
    busy: shared.flatMap(({ weight, factor }, index) =>
      weight < callsMin ? [] : [{ from: busyFromOf(index), calls: Math.round(weight), factor: factor / scale }],
    ),
    nth: book.nth.flatMap(({ weight, factor }, index) =>
      weight < callsMin ? [] : [{ from: callFrom[index] as number, calls: Math.round(weight), factor }],
    ),
    starts: [...book.starts],
    stopsMs: [...book.stops],
  };
}
