/**
 * What a deployment has shown of itself as a rehearsal takes it: its latency model as a cost curve that scatters, for what
 * gateway and policies are told, with the measured calls themselves for what calls take; and its starts as a lag. Pure.
 */
import type { LatencyModel } from '../core/latency/model.ts';
import type { Distribution } from './world/distribution.ts';
import type { ServiceModel } from './world/service.ts';

/** Fewer calls than this say more of chance than of the deployment. */
export const callsMin = 20;
const valuesKept = 256;

interface Weighted {
  readonly value: number;
  readonly weight: number;
}

type Cell = LatencyModel['service'][number];

/** Undefined where too little has been answered. */
export function learnedService(
  model: Pick<LatencyModel, 'service' | 'cap'> & Partial<Pick<LatencyModel, 'capLearned' | 'busy' | 'nth'>>,
): ServiceModel | undefined {
  const { service, cap, capLearned = false, busy = [], nth = [] } = model;
  const sizes = Map.groupBy(service, ({ rows }) => Math.ceil(Math.log2(Math.max(1, rows))));
  if (service.reduce((sum, { calls }) => sum + calls, 0) < callsMin) return undefined;
  const factors: Weighted[] = [];
  const curve = [...sizes.entries()]
    .toSorted(([left], [right]) => left - right)
    .map(([, cells]) => {
      const ms = mean(cells, ({ meanMs }) => meanMs);
      for (const { calls, likelyMs } of cells)
        for (const one of likelyMs) factors.push({ value: one / ms, weight: calls / likelyMs.length });
      return { rows: mean(cells, ({ rows }) => rows), ms };
    });
  const sizeMax = capLearned ? 'auto' : Math.max(1, cap);
  return { curve, spread: equallyLikely(factors), sizeMax, measured: { service, busy, nth } };
}

function mean(cells: readonly Cell[], of: (cell: Cell) => number): number {
  const calls = cells.reduce((sum, cell) => sum + cell.calls, 0);
  return cells.reduce((sum, cell) => sum + of(cell) * cell.calls, 0) / calls;
}

/** Of mean 1: a factor stretches no time on average. */
function equallyLikely(factors: readonly Weighted[]): Distribution {
  const sorted = factors.toSorted((left, right) => left.value - right.value);
  const whole = sorted.reduce((sum, { weight }) => sum + weight, 0);
  const values: number[] = [];
  let below = 0;
  let place = 0;
  for (let index = 0; index < valuesKept; index += 1) {
    const wanted = ((index + 0.5) / valuesKept) * whole;
    while (place < sorted.length - 1 && below + (sorted[place]?.weight ?? 0) < wanted) {
      below += sorted[place]?.weight ?? 0;
      place += 1;
    }
    values.push(sorted[place]?.value ?? 1);
  }
  const average = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { kind: 'quantiles', values: values.map((value) => value / average) };
}

/** From the look that wanted a replica to the first request it may have, milliseconds; undefined before the first start. */
export function learnedLag({ starts }: Pick<LatencyModel, 'starts'>): Distribution | undefined {
  if (starts.length === 0) return undefined;
  const values = starts
    .map(({ decideMs, startMs, loadMs, warmMs, serveMs }) => decideMs + startMs + loadMs + warmMs + serveMs)
    .toSorted((left, right) => left - right);
  return { kind: 'quantiles', values };
}
