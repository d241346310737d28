/** The burn over the deployments that promise something, asked of the platform's own series every so often. */
import type { SeriesView } from '../../../src/api/series-schemas.ts';
import { ask } from '../api/client.ts';
import { deploymentPath } from '../api/caller.ts';
import { valueOf } from '../live/resource.ts';
import { serverNow, status } from '../live/store.ts';
import { useResource } from '../live/use-resource.ts';
import { promises, worstBurn, type Burn } from './burn.ts';

const windowMs = 300_000;
const everyMs = 10_000;
/** The busiest of them: a thousand questions every ten seconds would be load of their own. */
const askedMax = 12;

export interface BurnNow {
  readonly burn: Burn | undefined;
  /** When it was asked, by the platform's clock; undefined: not yet. */
  readonly at: number | undefined;
  /** Deployments with an objective, and how many of them were asked. */
  readonly promised: number;
  readonly asked: number;
}

export function useBurn(): BurnNow {
  const promising = (status.value?.deployments ?? []).filter(promises);
  const asked = promising
    .toSorted((a, b) => b.load.requestsPerSecond - a.load.requestsPerSecond)
    .slice(0, askedMax)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  // Who is busiest changes with every second; it is asked about those of the moment, and not each time that changes.
  const { resource } = useResource(
    `burn ${promising.length}`,
    async (signal) => {
      const to = serverNow();
      const query = { from: Math.round(to - windowMs), stepMs: 60_000, columns: 'arrivals,completed,late,failed,shed' };
      const found = asked.map(async ({ name, sloP99Ms, sloAvailability }) => {
        const series = await ask<SeriesView>(`${deploymentPath(name)}/series`, { query, signal });
        return { name, sloP99Ms, sloAvailability, series };
      });
      return { burn: worstBurn(await Promise.all(found)), at: to };
    },
    { everyMs },
  );
  const { burn, at } = valueOf(resource) ?? {};
  return { burn, at, promised: promising.length, asked: asked.length };
}
