/** What calls of one deployment version cost, learned while it is served, and the rows a call may have for it. */
import {
  batchCap,
  beginCall,
  computeMs as computeOf,
  createCostCurve,
  learnCost,
  learnedCapMax,
  learnOverhead,
  learnTail,
  learnWarmUp,
  serviceMs,
  type CostCurve,
} from '../core/queueing/cost-curve.ts';
import type { CostPoint } from '../protocol/frames/messages.ts';
import type { VersionRoute } from './routing-table.ts';

export interface MeasuredCall {
  readonly rows: number;
  readonly payload: 'tensors' | 'files';
  readonly computeMs: number;
  readonly wallMs: number;
  /** The replica had nothing else to do, so the time beyond the runtime's own is transport and decoding. */
  readonly alone: boolean;
}

export class LearnedCosts {
  readonly curve: CostCurve = createCostCurve();
  /** False once the runtime has shown that its outputs cannot be divided by rows. */
  divisible = true;
  batchable = false;
  cap = 1;
  #sizeMax: number | 'auto' = 'auto';

  follow(route: VersionRoute, at: number): void {
    this.#sizeMax = route.batching.sizeMax;
    this.batchable = this.divisible && route.signature.batchable;
    this.#setCap();
    this.warmUp(route.costCurve, at);
  }

  /** Of several replicas' warm-ups the first one counts; live calls correct it. */
  warmUp(points: readonly CostPoint[], at: number): void {
    if (this.curve.learnedAt > -Infinity) return;
    for (const { rows, ms } of points) learnWarmUp(this.curve, rows, ms, at);
    this.#setCap();
  }

  /** Whether the cap is found out, and not set by hand or by the model. */
  get isCapLearned(): boolean {
    return this.batchable && this.#sizeMax === 'auto';
  }

  begin(rows: number): void {
    beginCall(this.curve, rows);
    this.#setCap();
  }

  learn({ rows, payload, computeMs, wallMs, alone }: MeasuredCall, at: number): void {
    const expected = alone ? serviceMs(this.curve, rows, payload, at) : computeOf(this.curve, rows);
    if (expected !== undefined && expected > 0) learnTail(this.curve, (alone ? wallMs : computeMs) / expected);
    learnCost(this.curve, rows, computeMs, at);
    if (alone) learnOverhead(this.curve, payload, wallMs - computeMs);
    this.#setCap();
  }

  /** Expected time of the runtime alone, however old; undefined when nothing was ever measured. */
  compute(rows: number): number | undefined {
    return computeOf(this.curve, rows);
  }

  /** … with the transport of whatever takes longest to get there. */
  longest(rows: number): number | undefined {
    const compute = computeOf(this.curve, rows);
    const { tensors, files } = this.curve.overhead;
    return compute === undefined ? undefined : compute + Math.max(tensors, files);
  }

  /** Expected time from sending to the answer; undefined when nothing fresh is known. */
  estimate(rows: number, payload: 'tensors' | 'files', at: number): number | undefined {
    return serviceMs(this.curve, rows, payload, at);
  }

  stopBatching(): void {
    this.divisible = false;
    this.batchable = false;
    this.#setCap();
  }

  #setCap(): void {
    if (!this.batchable) this.cap = 1;
    else this.cap = this.#sizeMax === 'auto' ? batchCap(this.curve, learnedCapMax) : this.#sizeMax;
  }
}
