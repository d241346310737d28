/** What the lanes draw: the newest of each kind in the window, what the stream tells, and the load of one deployment. */
import { useMemo } from 'preact/hooks';
import type { JournalEntryView } from '../../../../src/api/schemas.ts';
import type { SeriesView } from '../../../../src/api/series-schemas.ts';
import { deploymentPath } from '../../api/caller.ts';
import { ask } from '../../api/client.ts';
import { journal } from '../../live/store.ts';
import { valueOf } from '../../live/resource.ts';
import { useResource, type Asking } from '../../live/use-resource.ts';
import { stepMsFor, type Span } from '../deployment/range.ts';
import { merged } from '../now/merged.ts';
import { knownSince, laneOf, kinds, type Kind, type LaneId } from './lanes.ts';

/** Of each kind; of more the lanes say from when on they are whole. */
export const askedMax = 200;
const pointsMax = 240;

interface Past {
  readonly entries: readonly JournalEntryView[];
  /** By lane. */
  readonly since: Readonly<Partial<Record<LaneId, number>>>;
}

export interface LaneData {
  readonly asking: Asking<Past>;
  readonly entries: readonly JournalEntryView[];
  /** From which moment on a lane shows all. */
  readonly since: Readonly<Partial<Record<LaneId, number>>>;
  readonly series: Asking<SeriesView | undefined>;
}

export interface Wanted {
  /** At this moment. */
  readonly windowNow: () => Span;
  readonly moves: boolean;
  /** A window that moves is another one when its length is. */
  readonly key: string;
  readonly kind: string | undefined;
  readonly subject: string | undefined;
  readonly deployment: string | undefined;
}

async function askPast({ windowNow, kind, subject }: Wanted, signal: AbortSignal): Promise<Past> {
  const window = windowNow();
  const since: Partial<Record<LaneId, number>> = {};
  const all = await Promise.all(
    kinds
      .filter((each) => kind === undefined || each === kind)
      .map(async (each: Kind) => {
        const query = {
          kind: each,
          subject,
          since: Math.round(window.from),
          until: Math.round(window.to),
          order: 'newest',
          limit: askedMax,
        };
        const found = await ask<JournalEntryView[]>('/journal', { query, signal });
        const lane = laneOf(each);
        since[lane] = Math.max(since[lane] ?? 0, knownSince(found, askedMax));
        return found;
      }),
  );
  return { entries: all.flat(), since };
}

export function useLanes(wanted: Wanted): LaneData {
  const { windowNow, moves, key, kind, subject, deployment } = wanted;
  const asking = useResource(`lanes ${key} ${kind} ${subject}`, (signal) => askPast(wanted, signal));
  const stepMs = stepMsFor(windowNow(), pointsMax);
  const series = useResource(
    `load ${key} ${deployment}`,
    async (signal) => {
      if (deployment === undefined) return undefined;
      const { from, to } = windowNow();
      const query = { from: Math.round(from), to: Math.round(to), stepMs, columns: 'arrivals,ready' };
      return ask<SeriesView>(`${deploymentPath(deployment)}/series`, { query, signal });
    },
    moves ? { everyMs: Math.max(2000, stepMs / 2) } : {},
  );
  const told = journal.value;
  const past = valueOf(asking.resource);
  const entries = useMemo(
    () =>
      merged(
        past?.entries ?? [],
        told,
        (entry) => (kind ?? entry.kind) === entry.kind && (subject ?? entry.subject) === entry.subject,
      ),
    [past, told, kind, subject],
  );
  return { asking, entries, since: past?.since ?? {}, series };
}
