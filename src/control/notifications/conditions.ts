/**
 * What lasts and that nobody writes down as it happens: an error budget that burns. Looked at once a minute while there is
 * anybody to tell; its beginning and its end are entries of the journal (`condition`), so that they are told like all else.
 */
import type { Clock } from '../../clock.ts';
import { judgeBurn, type Tally } from '../../core/notifications/burn.ts';
import type { Journal } from '../../journal/open-journal.ts';
import type { Series } from '../../series/open-series.ts';
import type { Stretch } from '../../series/stretch.ts';
import type { Store } from '../../store/store.ts';
import type { Deployments } from '../deployments.ts';
import { periodically } from '../periodically.ts';

export interface ConditionParts {
  readonly store: Pick<Store, 'meta' | 'setMeta'>;
  readonly journal: Pick<Journal, 'note'>;
  readonly series: Pick<Series, 'read'>;
  readonly deployments: Pick<Deployments, 'all' | 'notifications'>;
  readonly clock: Clock;
}

const minuteMs = 60_000;
const key = 'notifications.burning';
const longestMs = 21_600_000;
/** What of the answers may be late by an objective at the 99th percentile. */
const lateBudget = 0.01;
const columns = ['arrivals', 'completed', 'failed', 'shed', 'late'] as const;

/** Returns the end of it. */
export function startConditions({ store, journal, series, deployments, clock }: ConditionParts): () => Promise<void> {
  let burning: Readonly<Record<string, true>> | undefined;

  async function look(): Promise<void> {
    if (Object.keys(deployments.notifications()?.channels ?? {}).length === 0) return;
    const before = (burning ??= JSON.parse((await store.meta(key)) ?? '{}') as Readonly<Record<string, true>>);
    const now: Record<string, true> = {};
    for (const { name, record } of deployments.all()) {
      const { p99Ms, availability } = record.specification.slo;
      const to = Math.floor(clock.wall() / minuteMs) * minuteMs;
      const recent = await series.read({
        deployment: name,
        from: to - longestMs,
        to,
        stepMs: minuteMs,
        columns: [...columns],
      });
      const objectives = [
        ...(p99Ms === undefined
          ? []
          : [{ what: `answers within ${p99Ms} ms`, budget: lateBudget, tally: lateOf(recent, to) }]),
        ...(availability >= 1
          ? []
          : [{ what: 'answers at all', budget: 1 - availability, tally: failedOf(recent, to) }]),
      ];
      for (const { what, budget, tally } of objectives) {
        const subject = `${name}, ${what}`;
        const burn = judgeBurn(tally, budget);
        const was = Object.hasOwn(before, subject);
        // Between the alarm and calm there is a while in which it is neither.
        if (burn.kind === 'burning') now[subject] = true;
        if ((burn.kind === 'burning') === was) continue;
        const reason =
          burn.kind === 'burning'
            ? `over ${burn.window.longMs / minuteMs} minutes ${burn.rate.toFixed(1)} × as fast as the objective allows, and still over the last ${burn.window.shortMs / minuteMs}`
            : 'the last minutes are within what the objective allows, or hardly above';
        const action = burn.kind === 'burning' ? 'began' : 'ended';
        const details = { of: 'slo-burn', deployment: name };
        journal.note({ kind: 'condition', action, subject, by: 'upkeep', reason, details });
      }
    }
    burning = now;
    if (JSON.stringify(now) !== JSON.stringify(before)) await store.setMeta(key, JSON.stringify(now));
  }

  return periodically(clock, minuteMs, 'watching objectives', look);
}

function summed(stretch: Stretch, to: number, windowMs: number, of: (at: number) => Tally): Tally {
  let all = 0;
  let bad = 0;
  const first = Math.max(0, Math.round((to - windowMs - stretch.at) / stretch.slotMs));
  for (let index = first; index < stretch.recordedMs.length; index += 1) {
    const one = of(index);
    // What nobody recorded is neither good nor bad.
    if (Number.isNaN(one.all) || Number.isNaN(one.bad)) continue;
    all += one.all;
    bad += one.bad;
  }
  return { all, bad };
}

function lateOf(stretch: Stretch, to: number) {
  const [completed, late] = [stretch.values.get('completed'), stretch.values.get('late')];
  const at = (index: number): Tally => ({ all: completed?.[index] ?? Number.NaN, bad: late?.[index] ?? Number.NaN });
  return (windowMs: number): Tally => summed(stretch, to, windowMs, at);
}

function failedOf(stretch: Stretch, to: number) {
  const { values } = stretch;
  const of = (column: 'arrivals' | 'failed' | 'shed', index: number): number =>
    values.get(column)?.[index] ?? Number.NaN;
  const at = (index: number): Tally => ({ all: of('arrivals', index), bad: of('failed', index) + of('shed', index) });
  return (windowMs: number): Tally => summed(stretch, to, windowMs, at);
}
