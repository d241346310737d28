/**
 * What a call takes by its circumstances, as a latency model has measured them: rows, how long the replica had rested,
 * how many compute at the same time, how young the replica is. Times in milliseconds. A class that was never measured
 * takes its nearest neighbour, stretched as the cost curve says.
 */
import {
  busyClassOf,
  busyClasses,
  busyFromOf,
  callClassOf,
  callFrom,
  restClassOf,
  restFromMs,
  rowClassOf,
} from '../../core/latency/classes.ts';
import type { FactorModel, LatencyModel } from '../../core/latency/model.ts';

export type MeasuredCalls = Pick<LatencyModel, 'service' | 'busy' | 'nth'>;

export class Circumstances {
  /** Equally likely values, by rows and class of rest. */
  readonly #likely: readonly (readonly Float64Array[])[];
  readonly #busy: Float64Array;
  readonly #nth: Float64Array;

  /** `ms`: mean of a call of so many rows, at index 1 to the most that a call has. */
  constructor({ service, busy, nth }: MeasuredCalls, ms: Float64Array) {
    this.#likely = Array.from(ms, (mean, rows) =>
      restFromMs.map((from) => (rows === 0 ? new Float64Array(1) : likelyOf(service, rows, from, mean))),
    );
    this.#busy = Float64Array.from({ length: busyClasses }, (_, index) => factorFrom(busy, busyFromOf(index)));
    this.#nth = Float64Array.from(callFrom, (from) => nth.find((one) => one.from === from)?.factor ?? 1);
  }

  /** `uniform` in [0, 1). `busy` counts the call's own replica; the first call of a replica is its `nth` 1. */
  draw(rows: number, restMs: number, busy: number, nth: number, uniform: number): number {
    const values = this.#likely[rows]?.[restClassOf(restMs)] as Float64Array;
    const shared = this.#busy[busyClassOf(busy)] as number;
    return (values[(uniform * values.length) | 0] as number) * shared * (this.#nth[callClassOf(nth)] as number);
  }
}

type Cell = LatencyModel['service'][number];

/** First the class of rows, then that of rest counts. */
function likelyOf(service: readonly Cell[], rows: number, from: number, mean: number): Float64Array {
  const apart = (cell: Cell): number =>
    Math.abs(rowClassOf(Math.round(cell.rows)) - rowClassOf(rows)) * restFromMs.length +
    Math.abs(restClassOf(cell.restFromMs) - restClassOf(from));
  const cell = service.reduce((best, one) => (apart(one) < apart(best) ? one : best));
  const same = service.filter((one) => rowClassOf(Math.round(one.rows)) === rowClassOf(Math.round(cell.rows)));
  const calls = same.reduce((sum, one) => sum + one.calls, 0);
  const usual = same.reduce((sum, one) => sum + one.calls * one.meanMs, 0) / calls;
  return Float64Array.from(cell.likelyMs, (value) => (value * mean) / usual);
}

/** Of the next smaller count that was measured; below the first that of the first. */
function factorFrom(factors: readonly FactorModel[], from: number): number {
  return (factors.findLast((one) => one.from <= from) ?? factors[0])?.factor ?? 1;
}
