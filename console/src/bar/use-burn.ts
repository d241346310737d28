/** The burn over the deployments that promise something, asked of the platform's own series every so often. */
import type { SeriesView } from '../../../src/api/series-schemas.ts';
import { ask } from '../api/client.ts';
import { deploymentPath } from '../api/caller.ts';
import { valueOf } from '../live/resource.ts';
import { serverNow, status } from '../live/store.ts';
import { useResource } from '../live/use-resource.ts';
import { burnOf, type Burn } from './burn.ts';

const windowMs = 300_000;
const everyMs = 10_000;
/** The busiest of them: a thousand questions every ten seconds would be load of their own. */
const askedMax = 12;

export interface BurnNow {
  readonly burn: Burn | undefined;
  /** When it was asked, by the platform's clock; undefined: not yet. */
  readonly at: number | undefined;
  /** Deployments with an objective. */
  readonly promised: number;
}

export function useBurn(): BurnNow {
  const promising = (status.value?.deployments ?? [])
    .filter(({ sloP99Ms }) => sloP99Ms !== null)
    .sort((a, b) => b.load.requestsPerSecond - a.load.requestsPerSecond)
    .slice(0, askedMax)
    .map(({ name }) => name)
    .sort();
  const { resource } = useResource(
    `burn ${promising.join(' ')}`,
    async (signal) => {
      const to = serverNow();
      const query = { from: Math.round(to - windowMs), stepMs: 60_000, columns: 'arrivals,late,failed,shed' };
      const asked = promising.map((name) => ask<SeriesView>(`${deploymentPath(name)}/series`, { query, signal }));
      return { burn: burnOf(await Promise.all(asked)), at: to };
    },
    { everyMs },
  );
  const { burn, at } = valueOf(resource) ?? {};
  return { burn, at, promised: promising.length };
}
