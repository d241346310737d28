/** Every address of the console, from its own table of views: one that is added there is walked by the tests that ask here. */
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { until } from './platform.ts';

/** Read as text: node does not run what the views are written in. */
const table = readFileSync(new URL('../../console/src/views.ts', import.meta.url), 'utf8');

export const patterns: readonly string[] = [...table.matchAll(/\bpattern: '([^']+)'/g)].map(([, found = '']) => found);

/** `names`: by the pattern's first segment, what its parameter may be. Throws for a view whose parameter nobody has named. */
export function addressesOf(names: Readonly<Record<string, readonly string[]>>): readonly string[] {
  return patterns.flatMap((pattern) => {
    const [, head = '', parameter] = /^\/([^/]*)(?:\/(:.+))?$/.exec(pattern) ?? [];
    if (parameter === undefined) return [pattern];
    const named = names[head];
    if (named === undefined) throw new Error(`${pattern}: say in the test what ${parameter} may be`);
    const each = named.map((name) => `/${head}/${encodeURIComponent(name)}`);
    return parameter.endsWith('?') ? [`/${head}`].concat(each) : each;
  });
}

/** Goes there, and waits until nothing of it is being fetched any more. */
export async function visit(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.locator('main h1').first().waitFor();
  await until(`${url} to have come`, async () =>
    (await page.locator('main [aria-busy=true]').count()) === 0 ? true : undefined,
  );
}
