/**
 * Every view: its addresses, its name, the key that goes there after `g`, and where its code is. What is not looked at
 * first is fetched when it is. To add one: a file under `views/` whose default export takes `ViewProps`, and a line here.
 */
import type { ComponentType } from 'preact';
import Now from './views/now/now.tsx';
import { match, type Params } from './router.ts';

export interface ViewProps {
  /** Of the pattern. */
  readonly params: Params;
  /** Of the address; `choose` changes it. */
  readonly query: Params;
}

export interface View {
  readonly id: string;
  /** `:name` is one segment, `:name?` one that may be missing. */
  readonly pattern: string;
  /** Of the page and of the link to it. */
  readonly title: (params: Params) => string;
  /** After `g`. */
  readonly key?: string;
  /** Where the navigation leads; absent: the view is not in it. */
  readonly nav?: string;
  readonly component: ComponentType<ViewProps> | (() => Promise<{ readonly default: ComponentType<ViewProps> }>);
  /** Loaded as soon as nothing else is to be done. */
  readonly soon?: boolean;
  readonly lazy: boolean;
}

const lazy = { lazy: true } as const;
const named =
  (title: string) =>
  ({ name }: Params): string =>
    name === undefined ? title : `${name} · ${title}`;

export const views: readonly View[] = [
  { id: 'now', pattern: '/', title: named('Now'), key: 'n', nav: '/', component: Now, lazy: false },
  {
    id: 'deployment',
    pattern: '/d/:name?',
    title: named('Deployment'),
    key: 'd',
    component: () => import('./views/deployment/deployment.tsx'),
    soon: true,
    ...lazy,
  },
  {
    id: 'timeline',
    pattern: '/timeline',
    title: named('Timeline'),
    key: 't',
    nav: '/timeline',
    component: () => import('./views/timeline/timeline.tsx'),
    ...lazy,
  },
  {
    id: 'releases',
    pattern: '/releases/:id?',
    title: named('Releases'),
    key: 'r',
    nav: '/releases',
    component: () => import('./views/releases.tsx'),
    ...lazy,
  },
  {
    id: 'why',
    pattern: '/why/:name',
    title: named('Why'),
    component: () => import('./views/why/why.tsx'),
    ...lazy,
  },
  {
    id: 'capacity',
    pattern: '/capacity',
    title: named('Capacity'),
    key: 'c',
    nav: '/capacity',
    component: () => import('./views/capacity/capacity.tsx'),
    ...lazy,
  },
  {
    id: 'rehearsal',
    pattern: '/rehearsal/:id?',
    title: ({ id }) => (id === undefined ? 'Rehearsal' : `${id} · Rehearsal`),
    key: 'h',
    nav: '/rehearsal',
    component: () => import('./views/rehearsal/rehearsal.tsx'),
    ...lazy,
  },
  {
    id: 'models',
    pattern: '/models/:name?',
    title: named('Models'),
    key: 'm',
    nav: '/models',
    component: () => import('./views/models/models.tsx'),
    ...lazy,
  },
  {
    id: 'sign-in',
    pattern: '/sign-in',
    title: named('Sign in'),
    component: () => import('./views/sign-in.tsx'),
    ...lazy,
  },
];

export interface Found {
  readonly view: View;
  readonly params: Params;
}

export function find(path: string): Found | undefined {
  for (const view of views) {
    const params = match(view.pattern, path);
    if (params !== undefined) return { view, params };
  }
  return undefined;
}
