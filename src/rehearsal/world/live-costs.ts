/**
 * What a gateway of the simulated world believes that calls cost, learned call by call by the gateway's own rules: sizes
 * that pay, sizes that are tried, the tail that it plans with. Times in milliseconds.
 */
import {
  batchCap,
  beginCall,
  computeMs,
  createCostCurve,
  learnCost,
  learnedCapMax,
  learnTail,
  learnWarmUp,
} from '../../core/queueing/cost-curve.ts';

/** Rows that a call may ever have. */
export const mostRows = (sizeMax: number | 'auto'): number => (sizeMax === 'auto' ? learnedCapMax : sizeMax);

export class LiveCosts {
  readonly #curve = createCostCurve();
  readonly #sizeMax: number | 'auto';
  /** Expected time of a call by its rows, up to the cap. */
  readonly ms: Float64Array;
  cap = 1;

  /** `known`: what replicas have measured before they were ready. `sizeMax`: rows in one call, where they are not found out. */
  constructor(known: readonly { readonly rows: number; readonly ms: number }[], sizeMax: number | 'auto') {
    this.#sizeMax = sizeMax;
    this.ms = new Float64Array(mostRows(sizeMax) + 1);
    for (const { rows, ms } of known) learnWarmUp(this.#curve, rows, ms, 0);
    this.#settle();
  }

  get tail(): number {
    return this.#curve.tail;
  }

  begin(rows: number): void {
    beginCall(this.#curve, rows);
    this.#settle();
  }

  learn(rows: number, ms: number, at: number): void {
    const expected = computeMs(this.#curve, rows) ?? 0;
    if (expected > 0) learnTail(this.#curve, ms / expected);
    learnCost(this.#curve, rows, ms, at);
    this.#settle();
  }

  #settle(): void {
    this.cap = this.#sizeMax === 'auto' ? batchCap(this.#curve, learnedCapMax) : this.#sizeMax;
    for (let rows = 1; rows <= this.cap; rows += 1) this.ms[rows] = computeMs(this.#curve, rows) ?? 0;
  }
}
