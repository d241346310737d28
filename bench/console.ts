/**
 * `npm run bench -- console`: what a browser has to fetch before anything is seen, how soon something is seen on loopback,
 * how smooth a thousand deployments scroll, and how many frames a second four charts of four series with 10,000 points
 * each keep when all of them are set anew for every frame. Needs a Chromium (Debian's package chromium).
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, preview } from 'vite';
import { startBrowser, type TestBrowser } from '../test/support/browser.ts';
import { startLargeConsole } from '../test/support/large-console.ts';
import { calibrate, report, row, slowness, type BenchmarkOptions, type Report } from './report.ts';

const dist = fileURLToPath(new URL('../console/dist/', import.meta.url));
const kb = 1000;
const what = '4 charts × 4 series × 10,000 points';

const gzipped = (path: string): number => gzipSync(readFileSync(`${dist}${path}`), { level: 9 }).length / kb;

/** What index.html names is fetched before the page is there; the rest when its view is looked at. */
function sizes(): { readonly script: number; readonly style: number; readonly all: number } {
  const html = readFileSync(`${dist}index.html`, 'utf8');
  const named = (pattern: RegExp): number =>
    [...html.matchAll(pattern)].reduce((sum, [, path]) => sum + gzipped((path ?? '').slice(1)), 0);
  const all = readdirSync(`${dist}assets`).reduce((sum, file) => sum + gzipped(`assets/${file}`), 0);
  return {
    script: named(/(?:src|modulepreload" [^>]*href)="(\/assets\/[^"]+\.js)"/g),
    style: named(/href="(\/assets\/[^"]+\.css)"/g),
    all,
  };
}

/** Milliseconds from the navigation's begin. */
async function firstPaint(
  browser: TestBrowser,
  url: string,
): Promise<{ readonly paint: number; readonly rows: number }> {
  await using opened = await browser.open('about:blank');
  const { page } = opened;
  await page.goto(url);
  await page.locator('tr[data-deployment]').first().waitFor();
  const rows = await page.evaluate<number>('performance.now()');
  const paint = await page.evaluate<number>(
    "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? Number.NaN",
  );
  return { paint, rows };
}

/** Frames a second while `step` is run in every frame. */
const framesWhile = (step: string, frames: number): string => `(async () => {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const first = await frame();
  let last = first;
  for (let index = 0; index < ${frames}; index += 1) { ${step}; last = await frame(); }
  return ${frames} * 1000 / (last - first);
})()`;

/** Frames a second. Each page is closed before the next is measured: a thousand deployments go on updating. */
async function scrolled(browser: TestBrowser, url: string): Promise<number> {
  await using opened = await browser.open(url);
  const { page } = opened;
  await page.locator('tr[data-deployment]').first().waitFor();
  return await page.evaluate<number>(framesWhile('window.scrollBy(0, index % 60 < 30 ? 100 : -100)', 120));
}

interface Drawn {
  readonly perSecond: number;
  readonly workMs: number;
}

async function drawnAnew(browser: TestBrowser, url: string): Promise<Drawn> {
  await using opened = await browser.open(url);
  const { page } = opened;
  await page.waitForFunction("typeof measure === 'function'");
  return await page.evaluate<Drawn>('measure(120)');
}

/** The console's charts alone, built as the console is. */
async function startChartPage(): Promise<AsyncDisposable & { readonly url: string }> {
  const stack = new AsyncDisposableStack();
  const folder = stack.adopt(mkdtempSync(join(tmpdir(), 'flyball-charts-')), (path) => {
    rmSync(path, { recursive: true });
  });
  const root = fileURLToPath(new URL('console-page/', import.meta.url));
  await build({
    root,
    configFile: false,
    base: './',
    logLevel: 'error',
    define: { __FLYBALL_VERSION__: '""' },
    build: { outDir: folder, emptyOutDir: true, modulePreload: { polyfill: false } },
  });
  const server = await preview({
    root,
    configFile: false,
    logLevel: 'error',
    build: { outDir: folder },
    preview: { host: '127.0.0.1', port: 0 },
  });
  stack.defer(() => server.close());
  const { port } = server.httpServer.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

export async function run({ rounds }: BenchmarkOptions): Promise<Report> {
  const calibrationMs = calibrate();
  const scale = slowness(calibrationMs);
  const { script, style, all } = sizes();
  await using server = await startLargeConsole({ deployments: 1000, entries: 1_000_000 });
  await using small = await startLargeConsole({ deployments: 5 });
  await using chartPage = await startChartPage();
  await using browser = await startBrowser();
  const paints: number[] = [];
  const rows: number[] = [];
  const scrolls: number[] = [];
  const charts: number[] = [];
  const works: number[] = [];
  // The first question has the files compressed, as after every start.
  await firstPaint(browser, `${small.url}/`);
  for (let round = 0; round < rounds; round += 1) {
    const painted = await firstPaint(browser, `${small.url}/`);
    paints.push(painted.paint);
    rows.push(painted.rows);

    scrolls.push(await scrolled(browser, `${server.url}/`));
    const drawn = await drawnAnew(browser, `${chartPage.url}/`);
    charts.push(drawn.perSecond);
    works.push(drawn.workMs);
  }
  return report('console', calibrationMs, [
    row('initial script, gzip', 'KB', [script], { kind: 'at-most', value: 60 }),
    row('initial style sheet, gzip', 'KB', [style], { kind: 'at-most', value: 12 }),
    row('everything, gzip', 'KB', [all]),
    row('first contentful paint on loopback', 'ms', paints, { kind: 'at-most', value: 200 }, scale),
    row('five deployments shown', 'ms', rows, { kind: 'at-most', value: 500 }, scale),
    row(
      'a thousand deployments, scrolled by 100 pixels a frame',
      'frames/s',
      scrolls,
      { kind: 'at-least', value: 55 },
      scale,
    ),
    row(`${what}: work of a frame`, 'ms', works, { kind: 'at-most', value: 12 }, scale),
    row(`${what}: set anew each frame`, 'frames/s', charts, { kind: 'at-least', value: 55 }, scale),
  ]);
}
