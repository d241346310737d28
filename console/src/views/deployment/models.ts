/** The four charts of a deployment, made of what was recorded and decided. Pure. */
import type { DeploymentView, JournalEntryView, WhyView } from '../../../../src/api/schemas.ts';
import type { SeriesView } from '../../../../src/api/series-schemas.ts';
import type { ChartMark, ChartModel, Line } from '../../charts/model.ts';
import { highest } from '../../charts/path.ts';
import { directionOf } from '../now/lane-marks.ts';

type Column = readonly (number | null)[];

export interface Seen {
  readonly series: SeriesView;
  readonly deployment: DeploymentView;
  /** Decisions, modes and changes of the span, oldest first. */
  readonly entries: readonly JournalEntryView[];
  /** Of now; absent where the span has passed. */
  readonly why?: WhyView | undefined;
  /** Whether what the reference policies would have held is shown. */
  readonly others: boolean;
}

export function times({ from, stepMs, recordedMs }: SeriesView): readonly number[] {
  return recordedMs.map((_, index) => from + index * stepMs);
}

const column = (series: SeriesView, name: string): Column => series.columns[name] ?? series.recordedMs.map(() => null);

/** A count of a point, as a rate over as much of the point as was recorded. */
function perSecond(series: SeriesView, name: string): Column {
  return column(series, name).map((count, index) => {
    const ms = series.recordedMs[index] ?? 0;
    return count === null || ms === 0 ? null : (count * 1000) / ms;
  });
}

const line = (id: string, name: string, colour: string, values: Column, kind: Line['kind'] = 'line'): Line => ({
  id,
  name,
  colour,
  kind,
  values,
});

const constant = (at: readonly number[], value: number): Column => at.map(() => value);

export interface Ahead {
  readonly at: number;
  readonly perSecond: number;
  readonly low: number | null;
  readonly high: number | null;
}

/**
 * The forecast in force, as points of the time to come; none where no forecaster is believed, since then nothing else is
 * said than that it stays as it is.
 */
export function ahead(why: WhyView | undefined, untilAt: number): readonly Ahead[] {
  const { forecasts, at } = why ?? {};
  if (forecasts === undefined || at === undefined) return [];
  return forecasts.horizons.flatMap(({ seconds, perSecond, by, forecasters }) => {
    const then = at + seconds * 1000;
    if (perSecond === null || by === null || then > untilAt) return [];
    const own = forecasters.find(({ name }) => name === by);
    return [{ at: then, perSecond, low: own?.low ?? null, high: own?.high ?? null }];
  });
}

/** A sixth of what is looked back on. */
const aheadShare = 1 / 6;

function comingOf({ series, why }: Seen): readonly Ahead[] {
  const at = times(series);
  const [first] = at;
  const last = at.at(-1);
  if (first === undefined || last === undefined) return [];
  return ahead(why, last + (last - first) * aheadShare).filter((point) => point.at > last);
}

/** What all four have in common. */
function frameOf(seen: Seen): Pick<ChartModel, 'span' | 'lastIndex' | 'isLowest' | 'marks'> {
  const { series, entries } = seen;
  const { from, stepMs, recordedMs } = series;
  const to = Math.max(from + recordedMs.length * stepMs, comingOf(seen).at(-1)?.at ?? 0);
  return { span: { from, to }, lastIndex: recordedMs.length - 1, isLowest: false, marks: marksOf(entries) };
}

export function requests(seen: Seen): ChartModel {
  const { series } = seen;
  const at = times(series);
  const coming = comingOf(seen);
  const pad = (values: Column): Column => [...values, ...coming.map(() => null)];
  const past = at.map(() => null);
  const arrivals = perSecond(series, 'arrivals');
  const now = arrivals.findLast((value) => value !== null) ?? null;
  // The forecast begins at what is.
  const joined = coming.length === 0 ? past : [...past.slice(0, -1), now];
  const fan = coming.some(({ low, high }) => low !== null && high !== null);
  return {
    id: 'requests',
    title: 'Requests',
    unit: 'req/s',
    at: [...at, ...coming.map((point) => point.at)],
    lines: [
      line('arrivals', 'offered', 'series-1', pad(arrivals)),
      { ...line('completed', 'served', 'series-3', pad(perSecond(series, 'completed'))), dash: [7, 2] },
      { ...line('shed', 'shed', 'series-2', pad(perSecond(series, 'shed'))), dash: [3, 2] },
      { ...line('failed', 'failed', 'series-4', pad(perSecond(series, 'failed'))), dash: [1, 2] },
      ...(coming.length === 0
        ? []
        : [
            line(
              'forecast',
              'forecast',
              'series-6',
              [...joined, ...coming.map((point) => point.perSecond)],
              'forecast',
            ),
          ]),
      ...(fan
        ? [
            line('high', '9 in 10 below', 'series-6', [...past, ...coming.map(({ high }) => high)], 'grey'),
            line('low', '1 in 10 below', 'series-6', [...past, ...coming.map(({ low }) => low)], 'grey'),
          ]
        : []),
    ],
    bands: fan ? [{ name: 'forecast', colour: 'series-6', between: ['high', 'low'] }] : [],
    ...frameOf(seen),
    floor: 1,
  };
}

export function latency(seen: Seen): ChartModel {
  const { series, deployment } = seen;
  const { sloP99Ms } = deployment;
  const at = times(series);
  return {
    id: 'latency',
    title: 'Latency',
    unit: 'ms',
    at,
    lines: [
      line('p99', 'p99', 'series-1', column(series, 'p99Ms')),
      { ...line('p50', 'p50', 'series-3', column(series, 'p50Ms')), dash: [7, 2] },
      ...(sloP99Ms === null ? [] : [line('slo', 'SLO of p99', 'series-limit', constant(at, sloP99Ms), 'limit')]),
    ],
    ...frameOf(seen),
    floor: sloP99Ms === null ? 10 : sloP99Ms * 1.2,
  };
}

export function waiting(seen: Seen): ChartModel {
  const { series } = seen;
  return {
    id: 'waiting',
    title: 'Where time goes',
    unit: 'ms',
    at: times(series),
    lines: [
      line('wait', 'longest wait in the queue', 'series-2', column(series, 'queueWaitMs')),
      { ...line('service', 'a replica’s time for one answer', 'series-1', column(series, 'serviceMs')), dash: [7, 2] },
    ],
    ...frameOf(seen),
    floor: 5,
  };
}

/** Names of the columns that hold what the reference policies would have held, and how people call them. */
export const references = { ifHpa: 'HPA', ifKpa: 'KPA', ifRay: 'Ray', ifThresholds: '80/40' } as const;
const referenceDashes: Readonly<Record<keyof typeof references, readonly number[]>> = {
  ifHpa: [8, 3],
  ifKpa: [4, 3],
  ifRay: [1, 3],
  ifThresholds: [8, 3, 1, 3],
};

export function replicas(seen: Seen): ChartModel {
  const { series, deployment, others } = seen;
  const { min, max } = deployment;
  const at = times(series);
  const target = column(series, 'target');
  const ready = column(series, 'ready');
  const held = others
    ? (Object.keys(references) as (keyof typeof references)[]).map((id): Line => {
        const dash = referenceDashes[id];
        return { id, name: references[id], colour: 'series-grey', kind: 'grey', dash, values: column(series, id) };
      })
    : [];
  const most = highest([...target, ...ready, ...held.flatMap(({ values }) => values)], 1);
  // Bounds far above what is used would press everything to the floor.
  const isNear = max <= Math.max(4, most * 3);
  return {
    id: 'replicas',
    title: 'Replicas',
    unit: 'replicas',
    at,
    lines: [
      line('desired', 'desired', 'series-2', target, 'step'),
      { ...line('ready', 'ready', 'series-1', ready, 'step'), dash: [7, 2] },
      ...held,
      ...(isNear ? [line('max', `max`, 'series-grey', constant(at, max), 'limit')] : []),
      line('min', `min`, 'series-grey', constant(at, min), 'limit'),
    ],
    bands: isNear ? [{ name: 'bounds', colour: 'series-grey', between: ['max', 'min'] }] : [],
    ...frameOf(seen),
    isLowest: true,
    floor: isNear ? max : Math.max(2, most * 1.2),
  };
}

/** What moved a target, who may move it, and what else was changed; what was only advised is no event. */
export function marksOf(entries: readonly JournalEntryView[]): readonly ChartMark[] {
  return entries.flatMap((entry): ChartMark[] => {
    const { at, kind, action, reason, details } = entry;
    const text = `${action}: ${reason}`;
    if (kind === 'decision') {
      const { done } = (details ?? {}) as { readonly done?: { readonly kind?: string } };
      return done?.kind === 'moved' ? [{ at, shape: directionOf(action), text }] : [];
    }
    if (kind === 'approval' && /\d+ → \d+/.test(action)) return [{ at, shape: directionOf(action), text }];
    return kind === 'change' || kind === 'mode' || kind === 'halt' ? [{ at, shape: 'change', text }] : [];
  });
}
