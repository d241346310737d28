/**
 * What a call costs in the simulated world: the measured cost curve as the gateway learns it, with the cap and the tail
 * that it would find, tabulated. Times in milliseconds of one replica.
 */
import { batchCap, computeMs, createCostCurve, learnedCapMax, learnWarmUp } from '../../core/queueing/cost-curve.ts';
import { Circumstances, type MeasuredCalls } from './circumstances.ts';
import { LiveCosts, mostRows } from './live-costs.ts';
import { drawTable, quantileOf, type Distribution } from './distribution.ts';

export interface ServiceModel {
  /** Mean time of a call of so many rows; the first is of one. */
  readonly curve: readonly { readonly rows: number; readonly ms: number }[];
  /** How single calls scatter around it, as a factor of mean 1. */
  readonly spread: Distribution;
  /** Rows in one call at most; `auto`: as many as pay. */
  readonly sizeMax: number | 'auto';
  /** As they were measured, by circumstances; absent: `spread` alone says how calls scatter. */
  readonly measured?: MeasuredCalls;
}

export interface ServiceTables {
  /** Mean time of a call, by its rows: 0 to `cap`. */
  readonly ms: Float64Array;
  readonly cap: number;
  /** Nine of ten calls take at most this many times the mean; the gateway plans with no more than 2. */
  readonly tail: number;
  /** Factors to draw from; undefined when every call takes its mean. */
  readonly factors: Float64Array | undefined;
  /** In place of mean and factor. */
  readonly circumstances: Circumstances | undefined;
  /** In place of `ms`, `cap` and `tail`: a gateway that learns them anew in each rehearsal. */
  readonly learning: (() => LiveCosts) | undefined;
}

const tailShare = 0.9;
const tailMax = 2;

export function serviceTables({ curve, spread, sizeMax, measured }: ServiceModel): ServiceTables {
  const costs = createCostCurve();
  for (const { rows, ms } of curve) learnWarmUp(costs, rows, ms, 0);
  const cap = sizeMax === 'auto' ? batchCap(costs, learnedCapMax) : sizeMax;
  const ms = Float64Array.from({ length: cap + 1 }, (_, rows) => (rows === 0 ? 0 : (computeMs(costs, rows) ?? 0)));
  const tail = Math.min(Math.max(quantileOf(spread, tailShare), 1), tailMax);
  const factors = drawTable(spread);
  if (measured === undefined) return { ms, cap, tail, factors, circumstances: undefined, learning: undefined };
  const means = Float64Array.from({ length: mostRows(sizeMax) + 1 }, (_, rows) =>
    rows === 0 ? 0 : (computeMs(costs, rows) ?? 0),
  );
  const circumstances = new Circumstances(measured, means);
  return { ms, cap, tail, factors, circumstances, learning: () => new LiveCosts(curve, sizeMax) };
}

/** Requests per second that one replica holds in full calls. */
export const replicaRate = ({ ms, cap }: ServiceTables): number => (cap * 1000) / (ms[cap] as number);
