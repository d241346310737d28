/**
 * Addresses. The address bar holds all that a person chose (view, range, filters, selection), so that a link reproduces
 * the screen. Matching is pure; the rest is a signal over the browser's history.
 */
import { batch, computed, signal } from '@preact/signals';

export type Params = Readonly<Record<string, string>>;

export interface Location {
  readonly path: string;
  readonly query: Params;
}

/**
 * `/d/:name` against `/d/digits` → { name: 'digits' }; `/models/:name?` takes one segment less too. Undefined: it does
 * not fit.
 */
export function match(pattern: string, path: string): Params | undefined {
  const wanted = pattern.split('/').filter((part) => part !== '');
  const given = path.split('/').filter((part) => part !== '');
  if (given.length > wanted.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index];
    if (value === undefined) {
      if (part.endsWith('?')) continue;
      return undefined;
    }
    if (part.startsWith(':')) {
      const decoded = decode(value);
      if (decoded === undefined) return undefined;
      params[part.slice(1).replace('?', '')] = decoded;
    } else if (part !== value) return undefined;
  }
  return params;
}

/** An address is what anybody may have typed. */
function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** `address('/d/digits', { range: '1h' })` → `/d/digits?range=1h`; what is empty or undefined is left out. */
export function address(path: string, query: Readonly<Record<string, string | undefined>> = {}): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => (entry[1] ?? '') !== '');
  const text = new URLSearchParams(given).toString();
  return text === '' ? path : `${path}?${text}`;
}

export function parse(href: string): Location {
  const { pathname, searchParams } = new URL(href, 'http://console');
  return { path: pathname, query: Object.fromEntries(searchParams) };
}

const current = signal<Location>({ path: '/', query: {} });
/** Counts what a person did: a page that only changed its filter keeps focus and scroll. */
const visits = signal(0);

export const location = computed(() => current.value);
export const visit = computed(() => visits.value);

/** To another page. */
export function go(href: string): void {
  history.pushState(null, '', href);
  batch(() => {
    current.value = parse(href);
    visits.value += 1;
  });
}

/** The same page with another choice: no new entry in the history, no move of the focus. */
export function choose(query: Readonly<Record<string, string | undefined>>): void {
  const { path, query: before } = current.value;
  const href = address(path, { ...before, ...query });
  history.replaceState(null, '', href);
  current.value = parse(href);
}

/** Follows links of this origin without leaving the page, and the browser's way back. */
export function startRouter(): void {
  const take = (): void => {
    current.value = parse(window.location.href);
  };
  take();
  window.addEventListener('popstate', () => {
    take();
    visits.value += 1;
  });
  document.addEventListener('click', (event) => {
    const target = event.target instanceof Element ? event.target.closest('a') : null;
    if (target === null || event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (target.origin !== window.location.origin || target.target !== '' || target.hasAttribute('download')) return;
    // What is not the console's: the API's own documents. A link within the page is the browser's own matter.
    if (target.pathname.startsWith('/api/') || target.getAttribute('href')?.startsWith('#') === true) return;
    event.preventDefault();
    go(target.pathname + target.search);
  });
}
