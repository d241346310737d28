/**
 * The console in a real Chromium, for tests: a page that fails when the console writes an error or asks anybody but the
 * platform, checks of accessibility by axe, and pictures that are kept under `artefacts/console`.
 * The browser is the distribution's own (Debian's package chromium): none is downloaded. Without one these tests are
 * skipped and say so; in CI they fail.
 */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import assert from 'node:assert/strict';
import type { AxeResults } from 'axe-core';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

const candidates = [
  process.env['CHROMIUM'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];
const executablePath = candidates.find((path) => path !== undefined && existsSync(path));

/** To be given to `test` as `skip`: a reason, or false. */
export const withoutBrowser: string | false =
  executablePath === undefined && process.env['CI'] !== 'true'
    ? 'there is no Chromium (apt-get install chromium, or CHROMIUM=/path)'
    : false;

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const artefacts = fileURLToPath(new URL('../../artefacts/console/', import.meta.url));

export type Theme = 'light' | 'dark';
export const desktop = { width: 1440, height: 900 };
export const phone = { width: 360, height: 740 };

export interface OpenOptions {
  readonly theme?: Theme;
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly timezoneId?: string;
  /** Messages on the browser's console that are meant to be there: of a connection that the test cuts. */
  readonly expected?: RegExp;
}

/** A page of its own: cookies, storage and all. */
export interface OpenPage extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Throws when the browser complained, or asked somebody else. */
  assertClean(): void;
}

export interface TestBrowser extends AsyncDisposable {
  readonly browser: Browser;
  /** `url`: with its path. */
  open(url: string, options?: OpenOptions): Promise<OpenPage>;
}

/** Plenty, for a machine that does other things too: a page may wait for the end of a rehearsal. Only a failure takes as long. */
const patienceMs = 120_000;

export async function startBrowser(): Promise<TestBrowser> {
  if (executablePath === undefined) throw new Error('there is no Chromium: apt-get install chromium');
  const browser = await chromium.launch({
    executablePath,
    // In a container there is often no second user to be, no display and little shared memory.
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking'],
  });
  return {
    browser,
    async open(url, { theme = 'light', viewport = desktop, timezoneId = 'UTC', expected } = {}) {
      const { origin } = new URL(url);
      const context = await browser.newContext({ viewport, colorScheme: theme, timezoneId, locale: 'en-GB' });
      context.setDefaultTimeout(patienceMs);
      const complaints: string[] = [];
      const page = await context.newPage();
      page.on('console', (message) => {
        if (message.type() !== 'error' && message.type() !== 'warning') return;
        if (expected?.test(message.text()) !== true) complaints.push(`${message.type()}: ${message.text()}`);
      });
      page.on('pageerror', (error) => complaints.push(`thrown: ${error.stack ?? error.message}`));
      page.on('request', (request) => {
        const asked = new URL(request.url());
        const isOwn = asked.origin === origin || asked.protocol === 'data:' || asked.protocol === 'blob:';
        if (!isOwn) complaints.push(`asked ${request.url()}`);
      });
      await page.goto(url);
      return {
        page,
        context,
        assertClean: () => assert.deepEqual(complaints, []),
        [Symbol.asyncDispose]: () => context.close(),
      };
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

/** WCAG 2.2 A and AA, and the best practices that axe knows; `where` for whoever reads the failure. */
export async function assertAccessible(page: Page, where: string): Promise<void> {
  // Evaluated by the test and not by the page: its policy allows no script that it did not bring.
  if (await page.evaluate<boolean>("typeof axe === 'undefined'")) await page.evaluate(axeSource);
  const { violations } = await page.evaluate<AxeResults>("axe.run(document, { resultTypes: ['violations'] })");
  const said = violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}\n${nodes.map(({ html, failureSummary }) => `    ${html}\n    ${failureSummary ?? ''}`).join('\n')}`,
  );
  assert.deepEqual(said, [], `axe on ${where}`);
}

/** Kept for whoever wants to see; a test never reads one. */
export async function picture(page: Page, name: string, fullPage = false): Promise<void> {
  mkdirSync(artefacts, { recursive: true });
  await page.screenshot({ path: `${artefacts}${name}.png`, animations: 'disabled', fullPage });
}

export async function setTheme(page: Page, theme: Theme): Promise<void> {
  await page.emulateMedia({ colorScheme: theme });
}
