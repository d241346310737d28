/** The series as the API asks for them: with defaults, within a limit, and with what is a quotient of what was recorded. */
import { derivedColumns, seriesColumns, type SeriesColumn, type SeriesView } from '../api/series-schemas.ts';
import type { Clock } from '../clock.ts';
import { FlyballError } from '../errors.ts';
import type { Column } from '../series/columns.ts';
import type { Series } from '../series/open-series.ts';
import type { Stretch } from '../series/stretch.ts';
import type { ControlService } from './control-service.ts';
import type { Deployments } from './deployments.ts';

const hourMs = 3_600_000;
const minuteMs = 60_000;
/** A day of seconds and some, or two months of minutes. */
const slotsMax = 100_000;
const pointsDefault = 600;
const stepsMs = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 21_600].map((seconds) => seconds * 1000);

const isDerived = (column: SeriesColumn): column is keyof typeof derivedColumns =>
  Object.hasOwn(derivedColumns, column);

export function seriesService(
  series: Series,
  deployments: Pick<Deployments, 'get'>,
  clock: Clock,
): Pick<ControlService, 'series'> {
  return {
    async series(name, query): Promise<SeriesView> {
      deployments.get(name);
      const to = query.to ?? clock.wall();
      const from = query.from ?? Math.max(0, to - hourMs);
      if (from >= to) throw new FlyballError('INVALID_REQUEST', `expected from before to, got ${from} and ${to}`);
      const stepMs = query.stepMs ?? stepsMs.find((ms) => (to - from) / ms <= pointsDefault) ?? 24 * hourMs;
      const slots = (to - from) / (stepMs % minuteMs === 0 ? minuteMs : 1000);
      if (slots > slotsMax) {
        const most = `at most ${slotsMax} seconds, or minutes where stepMs is of whole minutes`;
        throw new FlyballError('INVALID_REQUEST', `expected ${most} between from and to, got ${Math.ceil(slots)}`);
      }
      const asked = query.columns ?? seriesColumns;
      const recorded = new Set<Column>(asked.filter((column) => !isDerived(column)));
      if (asked.some(isDerived)) for (const part of ['busyMs', 'completed', 'ready'] as const) recorded.add(part);
      const stretch = await series.read({ deployment: name, from, to, stepMs, columns: [...recorded] });
      return {
        deployment: name,
        from: stretch.at,
        stepMs,
        recordedSince: (await series.since()) ?? null,
        recordedMs: [...stretch.recordedMs],
        columns: Object.fromEntries(asked.map((column) => [column, valuesOf(column, stretch)])),
      };
    },
  };
}

const known = (value: number): number | null => (Number.isFinite(value) ? Math.round(value * 1000) / 1000 : null);

function valuesOf(column: SeriesColumn, { values, recordedMs }: Stretch): (number | null)[] {
  if (!isDerived(column)) return [...(values.get(column) ?? [])].map(known);
  const of = (part: Column, index: number): number => values.get(part)?.[index] ?? Number.NaN;
  // Nothing over nothing is not known.
  const derive = {
    serviceMs: (index: number) => of('busyMs', index) / of('completed', index),
    utilisation: (index: number) => Math.min(1, of('busyMs', index) / (of('ready', index) * (recordedMs[index] ?? 0))),
  }[column];
  return [...recordedMs.keys()].map((index) => known(derive(index)));
}
