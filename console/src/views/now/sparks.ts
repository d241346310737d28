/** The last quarter of an hour of the rows that are seen, asked of the platform's series a few at a time. */
import { signal, type ReadonlySignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { SeriesView } from '../../../../src/api/series-schemas.ts';
import { deploymentPath } from '../../api/caller.ts';
import { ask } from '../../api/client.ts';
import { connection, paused, serverNow } from '../../live/store.ts';
import { isLive } from '../../live/connection.ts';

export interface Spark {
  readonly perSecond: readonly (number | null)[];
  readonly p99Ms: readonly (number | null)[];
  readonly ready: readonly (number | null)[];
}

const windowMs = 900_000;
const stepMs = 15_000;
const freshMs = 15_000;
const atOnce = 4;
const settleMs = 150;

const held = new Map<string, { at: number; readonly spark: ReturnType<typeof signal<Spark | undefined>> }>();

function entryOf(name: string): { at: number; readonly spark: ReturnType<typeof signal<Spark | undefined>> } {
  const known = held.get(name);
  if (known !== undefined) return known;
  const made = { at: Number.NEGATIVE_INFINITY, spark: signal<Spark | undefined>(undefined) };
  held.set(name, made);
  return made;
}

export const sparkOf = (name: string): ReadonlySignal<Spark | undefined> => entryOf(name).spark;

async function fetchSpark(name: string, signal: AbortSignal): Promise<void> {
  const entry = entryOf(name);
  entry.at = performance.now();
  // Whoever was scrolled past is asked for again when it is seen.
  signal.addEventListener('abort', () => entry.spark.peek() === undefined && (entry.at = Number.NEGATIVE_INFINITY));
  const query = { from: Math.round(serverNow() - windowMs), stepMs, columns: 'arrivals,p99Ms,ready' };
  const { columns } = await ask<SeriesView>(`${deploymentPath(name)}/series`, { query, signal });
  const arrivals = columns['arrivals'] ?? [];
  entry.spark.value = {
    perSecond: arrivals.map((count) => (count === null ? null : (count * 1000) / stepMs)),
    p99Ms: columns['p99Ms'] ?? [],
    ready: columns['ready'] ?? [],
  };
}

/** Keeps those of `names` fresh while the view is there. */
export function useSparks(names: readonly string[]): void {
  const key = names.join(' ');
  useEffect(() => {
    const own = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const round = async (): Promise<void> => {
      const isQuiet = document.hidden || paused.peek() || !isLive(connection.peek());
      const due = isQuiet ? [] : names.filter((name) => performance.now() - entryOf(name).at > freshMs);
      for (let from = 0; from < due.length && !own.signal.aborted; from += atOnce) {
        // A line that is missing is no reason to stop the others.
        await Promise.allSettled(due.slice(from, from + atOnce).map((name) => fetchSpark(name, own.signal)));
      }
      if (!own.signal.aborted) timer = setTimeout(() => void round(), 1000);
    };
    // Rows that only fly past are not asked about.
    timer = setTimeout(() => void round(), settleMs);
    return () => {
      own.abort();
      clearTimeout(timer);
    };
  }, [key]);
}
