/** What starts have taken, stage by stage: quantiles over the starts that were measured. Pure. */
import type { LatencyModelView } from '../../../../src/api/schemas.ts';

export type Start = LatencyModelView['starts'][number];

/** In the order in which a start goes through them. */
export const stages = [
  { key: 'decideMs', name: 'decide', about: 'from the look that wanted a replica to its order' },
  { key: 'startMs', name: 'start', about: 'until its process runs' },
  { key: 'loadMs', name: 'load', about: 'until the model is loaded' },
  { key: 'warmMs', name: 'warm', about: 'until the first slow calls are behind it' },
  { key: 'serveMs', name: 'serve', about: 'until a gateway sends it requests' },
] as const;

export interface StageLag {
  readonly name: string;
  readonly about: string;
  readonly p50Ms: number;
  readonly p90Ms: number;
}

/** `values` need not be sorted; at least one. The nearest rank, so that it is a value that was seen. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] as number;
}

/** None where no start was measured. */
export function stageLags(starts: readonly Start[]): readonly StageLag[] {
  if (starts.length === 0) return [];
  return stages.map(({ key, name, about }) => {
    const values = starts.map((start) => start[key]);
    return { name, about, p50Ms: quantile(values, 0.5), p90Ms: quantile(values, 0.9) };
  });
}

/** Of whole starts: the quantile of a sum is not the sum of quantiles. */
export function wholeLag(starts: readonly Start[]): { readonly p50Ms: number; readonly p90Ms: number } | undefined {
  if (starts.length === 0) return undefined;
  const wholes = starts.map((start) => stages.reduce((sum, { key }) => sum + start[key], 0));
  return { p50Ms: quantile(wholes, 0.5), p90Ms: quantile(wholes, 0.9) };
}
