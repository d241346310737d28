/** The parts of a deployment's page under its numbers; which one is seen is in the address. */
import type { JSX } from 'preact';
import { address, choose, type Params } from '../../router.ts';
import type { View } from '../../views.ts';

export type Tab = 'time' | 'requests' | 'playground';

const names: Readonly<Record<Tab, string>> = { time: 'Over time', requests: 'Requests', playground: 'Playground' };

/** A link to a trace alone is one to its request. */
export function tabOf({ tab, trace }: Params): Tab {
  if (tab === 'requests' || tab === 'playground') return tab;
  return tab === undefined && trace !== undefined ? 'requests' : 'time';
}

const part = (tab: Tab): Pick<View, 'id' | 'pattern' | 'title' | 'lazy'> => ({
  id: `deployment/${tab}`,
  pattern: '/d/:name',
  title: () => names[tab],
  lazy: true,
});

export const tabViews: Readonly<Record<Exclude<Tab, 'time'>, View>> = {
  requests: { ...part('requests'), component: () => import('./requests/requests.tsx') },
  playground: { ...part('playground'), component: () => import('./playground/playground.tsx') },
};

interface TabLinksProps {
  readonly name: string;
  readonly tab: Tab;
  readonly query: Params;
}

export function TabLinks({ name, tab, query }: TabLinksProps): JSX.Element {
  return (
    <nav class="tabs" aria-label="Parts of the deployment">
      {(Object.keys(names) as Tab[]).map((each) => {
        const chosen = { tab: each === 'time' ? undefined : each, trace: undefined };
        return (
          <a
            key={each}
            href={address(`/d/${encodeURIComponent(name)}`, { ...query, ...chosen })}
            aria-current={each === tab ? 'page' : undefined}
            onClick={(event) => {
              if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
              event.preventDefault();
              choose(chosen);
            }}
          >
            {names[each]}
          </a>
        );
      })}
    </nav>
  );
}
