/**
 * What a test of a view begins with: a platform, a browser, and a page of it; all of them end with the tests. And how a page
 * is looked at: in both themes and as wide as a phone is, by axe and by whoever sees the pictures.
 */
import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { Page } from 'playwright-core';
import {
  assertAccessible,
  desktop,
  phone,
  picture,
  setTheme,
  startBrowser,
  type OpenOptions,
  type OpenPage,
  type TestBrowser,
} from './browser.ts';
import type { Platform } from './platform.ts';

export interface ConsoleStage extends OpenPage {
  readonly platform: Platform;
  readonly browser: TestBrowser;
}

interface StageOptions extends OpenOptions {
  readonly start: () => Promise<Platform>;
  /** What must have happened before somebody looks. */
  readonly ready?: (platform: Platform) => Promise<unknown>;
  readonly path?: string;
}

/** Inside `describe`: begins before its tests; what it gives may be read only in them. */
export function useConsole({ start, ready, path = '/', ...page }: StageOptions): ConsoleStage {
  const stack = new AsyncDisposableStack();
  let stage: Omit<ConsoleStage, keyof AsyncDisposable> | undefined;
  before(async () => {
    const platform = stack.use(await start());
    await ready?.(platform);
    const browser = stack.use(await startBrowser());
    const opened = stack.use(await browser.open(`${platform.control}${path}`, page));
    stage = { ...opened, platform, browser };
  });
  after(() => stack.disposeAsync());
  const begun = (): Omit<ConsoleStage, keyof AsyncDisposable> => {
    assert.ok(stage !== undefined, 'the console is there only inside tests');
    return stage;
  };
  return {
    get platform() {
      return begun().platform;
    },
    get browser() {
      return begun().browser;
    },
    get page() {
      return begun().page;
    },
    get context() {
      return begun().context;
    },
    assertClean: () => begun().assertClean(),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Nothing may run out of its side: there is no scrolling to what is beside it. */
export async function assertNarrow(page: Page, name: string): Promise<void> {
  const wide = await page.evaluate<number>('document.documentElement.scrollWidth - window.innerWidth');
  assert.ok(wide <= 0, `${name} runs ${wide} px out of its side`);
}

/** Light, dark and on a phone: no barrier that axe finds, nothing beside the page, and a picture of each. */
export async function looks(page: Page, name: string): Promise<void> {
  await page.evaluate('window.scrollTo(0, 0)');
  for (const theme of ['dark', 'light'] as const) {
    await setTheme(page, theme);
    await assertAccessible(page, `${name}, ${theme}`);
    await picture(page, `${name}-${theme}`, true);
  }
  await page.setViewportSize(phone);
  try {
    await assertAccessible(page, `${name} on a phone`);
    await picture(page, `${name}-phone`, true);
    await assertNarrow(page, `${name} on a phone`);
  } finally {
    await page.setViewportSize(desktop);
  }
}
