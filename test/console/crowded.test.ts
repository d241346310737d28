/**
 * Very much of everything: a thousand deployments and a journal that nobody can read whole. What the pages cost is
 * bounded by construction: they build rows for what is seen and ask for pages of a hundred, so that these 100,000 entries
 * (which keep the test short) stand for a million, for which book.test.ts holds the same bounds. No time is measured.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  assertAccessible,
  picture,
  startBrowser,
  withoutBrowser,
  type OpenPage,
  type TestBrowser,
} from '../support/browser.ts';
import { clusterOf } from '../../src/testing/cluster.ts';
import { startCrowdedControl, type CrowdedControl } from '../support/crowded-control.ts';

const entries = 100_000;
const rowsMax = 200;

describe('a thousand deployments and a hundred thousand entries', { skip: withoutBrowser }, () => {
  let control: CrowdedControl;
  let browser: TestBrowser;
  let opened: OpenPage;
  before(async () => {
    control = await startCrowdedControl({
      deployments: 1000,
      entries,
      spanMs: 20 * 3_600_000,
      nodes: clusterOf(['d0-1', 'd1-1']),
    });
    browser = await startBrowser();
    opened = await browser.open(`${control.url}/`, { expected: /status of (?:500|503)|ERR_/ });
  });
  after(async () => {
    await opened?.[Symbol.asyncDispose]();
    await browser?.[Symbol.asyncDispose]();
    await control?.[Symbol.asyncDispose]();
  });

  test('Now builds few rows, and its last deployment is where its end is', async () => {
    const { page } = opened;
    const rows = page.locator('tr[data-deployment]');
    await rows.first().waitFor();
    assert.ok((await rows.count()) <= rowsMax, `${await rows.count()} rows`);
    await page.evaluate(() => {
      const body = document.querySelector('.now-table tbody') as HTMLElement;
      window.scrollTo(0, window.scrollY + body.getBoundingClientRect().bottom - window.innerHeight);
    });
    await page.locator('tr[data-deployment=d999]').waitFor();
    assert.ok((await rows.count()) <= rowsMax, `${await rows.count()} rows`);
  });

  test('Capacity shows each node of a cluster, what is promised on it, and why a replica is there', async () => {
    const { page } = opened;
    await page.goto(`${control.url}/capacity`);
    const words = async (name: string): Promise<string> => page.getByLabel(`Node ${name}`, { exact: true }).innerText();
    await page.getByLabel('Node node4', { exact: true }).waitFor();
    assert.match(await words('node1'), /ready[^]*manager at 10\.99\.0\.1[^]*0\.5\s+of 4[^]*Processor/);
    assert.doesNotMatch(await words('node2'), /Processor|Disk/, 'what is not measured is not shown');
    assert.match(await words('node2'), /gpu promised\s+1 of 2/);
    assert.match(await words('node3'), /down[^]*No replica runs here/);
    assert.match(await words('node4'), /drained/);
    await page.getByRole('img', { name: /^d1-1: ready.*here: any of 4 nodes may have it/ }).waitFor();
    await assertAccessible(page, 'capacity of a cluster');
  });

  test('Timeline builds few rows and asks for few pages, and its end is the first of all entries', async () => {
    const { page } = opened;
    await page.goto(`${control.url}/timeline?range=24h`);
    const rows = page.locator('[data-entry]');
    await page.locator(`[data-entry="${entries}"]`).waitFor();
    await page.getByText('100,000 entries').waitFor();
    assert.ok((await rows.count()) <= rowsMax, `${await rows.count()} rows`);
    const { pages } = control.asked;
    const scroll = (to: 'end' | 'middle'): Promise<void> =>
      page.evaluate((where) => {
        const frame = document.querySelector('.entries-frame') as HTMLElement;
        frame.scrollTop = where === 'end' ? frame.scrollHeight : frame.scrollHeight / 2;
      }, to);
    await scroll('end');
    await page.locator('[data-entry="1"]').waitFor();
    await scroll('middle');
    await page.locator('[data-entry="50000"]').waitFor();
    assert.ok((await rows.count()) <= rowsMax, `${await rows.count()} rows`);
    assert.ok(control.asked.pages - pages <= 10, `${control.asked.pages - pages} pages for two jumps`);
    assert.ok(control.asked.longest <= 200);
    const all = await page.evaluate(() => document.querySelectorAll('main *').length);
    assert.ok(all < 3000, `${all} elements`);
  });

  test('Home and End go to the newest and the oldest by keyboard', async () => {
    const { page } = opened;
    await page.goto(`${control.url}/timeline?range=24h`);
    await page.locator('[data-row="0"]').focus();
    await page.keyboard.press('End');
    await page.locator('[data-entry="1"] button:focus').waitFor();
    await page.keyboard.press('ArrowUp');
    await page.locator('[data-entry="2"] button:focus').waitFor();
    await page.keyboard.press('Home');
    await page.locator(`[data-entry="${entries}"] button:focus`).waitFor();
    await page.keyboard.press('PageDown');
    await page.locator('.entry button:focus').waitFor();
    for (let presses = 0; presses < 30; presses += 1) await page.keyboard.press('ArrowDown');
    const there = page.locator('.entry button:focus');
    assert.ok(Number(await there.getAttribute('data-row')) > 30);
    const box = await there.boundingBox();
    const frame = await page.locator('.entries-frame').boundingBox();
    assert.ok(box !== null && frame !== null && box.y >= frame.y && box.y + box.height <= frame.y + frame.height + 1);
    await page.keyboard.press('Home');
    await page.locator(`[data-entry="${entries}"] button:focus`).waitFor();
  });

  test('with a filter the rows go on as one scrolls, and only what fits is among them', async () => {
    const { page } = opened;
    await page.goto(`${control.url}/timeline?range=24h&subject=d7`);
    // One in a thousand: all hundred of them are one page.
    await page.locator('[data-entry="99007"]').waitFor();
    await page.locator('.entries-frame').evaluate((frame) => (frame.scrollTop = frame.scrollHeight));
    await page.locator('[data-entry="7"]').waitFor();
    await page.goto(`${control.url}/timeline?range=24h&kind=change`);
    await page.locator('[data-entry="99998"]').waitFor();
    for (const below of [99_500, 99_000, 98_500]) {
      await page.locator('.entries-frame').evaluate((frame) => (frame.scrollTop = frame.scrollHeight));
      await page.locator('[data-entry]').first().waitFor();
      await page.waitForFunction(
        (number) =>
          [...document.querySelectorAll('[data-entry]')].some((row) => Number(row.getAttribute('data-entry')) < number),
        below,
      );
    }
    const kinds = await page.locator('[data-entry] .entry-kind').allTextContents();
    assert.deepEqual([...new Set(kinds)], ['change']);
  });

  test('a journal that cannot be read says so, and is read again when one asks', async () => {
    const { page } = opened;
    control.broken = true;
    await page.goto(`${control.url}/timeline?range=24h`);
    await page.getByText('the store is gone').first().waitFor();
    control.broken = false;
    for (const panel of ['.timeline-lanes', '.timeline-entries'])
      await page.locator(panel).getByRole('button', { name: 'Try again' }).click();
    await page.locator(`[data-entry="${entries}"]`).waitFor();
    await page.locator('.lanes-frame').waitFor();
  });

  test('when the connection is lost Timeline keeps what it has and says that nothing newer is there', async () => {
    const { page } = opened;
    await page.locator('.page-head').getByText('as it happens').waitFor();
    control.connect(false);
    await page.locator('.page-head').getByText('not connected').waitFor();
    await page.locator(`[data-entry="${entries}"]`).waitFor();
    await assertAccessible(page, 'a timeline without a connection');
    await picture(page, 'timeline-disconnected');
    control.connect(true);
    await page.locator('.page-head').getByText('as it happens').waitFor();
    await page.locator(`[data-entry="${entries}"]`).waitFor();
  });

  test('the browser had nothing to complain of and asked nobody else', () => opened.assertClean());
});
