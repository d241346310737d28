/** What happened and when, in a browser: Timeline, with its lanes, its brush, its list and its entries. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { JournalEntryView } from '../../src/api/schemas.ts';
import { v2 } from '../support/ask.ts';
import {
  assertAccessible,
  desktop,
  phone,
  picture,
  setTheme,
  startBrowser,
  withoutBrowser,
  type OpenPage,
  type TestBrowser,
} from '../support/browser.ts';
import { startConsolePlatform } from '../support/console-platform.ts';
import { until, type Platform } from '../support/platform.ts';
import { startLoad } from '../support/steady-load.ts';

const body = v2({ name: 'x', datatype: 'FP32', shape: [1, 1], data: [1] });
const rule = {
  policy: 'ray',
  parameters: { targetOngoingRequests: 2, upscaleDelaySeconds: 0, downscaleDelaySeconds: 300, lookBackSeconds: 2 },
};

describe('Timeline', { skip: withoutBrowser }, () => {
  let platform: Platform;
  let browser: TestBrowser;
  let opened: OpenPage;
  let moved: JournalEntryView;
  before(async () => {
    platform = await startConsolePlatform({
      deployments: {
        driven: {
          replicas: { min: 1, max: 3 },
          batching: { sizeMax: 1 },
          scaling: { ...rule, mode: 'auto', modeReason: 'a test' },
        },
        still: {},
      },
    });
    await using load = startLoad({ url: `${platform.http}/v2/models/driven/infer`, method: 'POST', body, callers: 8 });
    moved = await until('a decision to be in the journal', async () => {
      const found = await fetch(`${platform.control}/api/v1/journal?kind=decision&subject=driven&order=newest`);
      return ((await found.json()) as JournalEntryView[]).find(({ action }) => action.startsWith('1 → '));
    });
    void load;
    browser = await startBrowser();
    opened = await browser.open(`${platform.control}/`, { timezoneId: 'Pacific/Auckland' });
  });
  after(async () => {
    await opened?.[Symbol.asyncDispose]();
    await browser?.[Symbol.asyncDispose]();
    await platform?.[Symbol.asyncDispose]();
  });
  const row = (id: number) => opened.page.locator(`[data-entry="${id}"]`);
  const slider = () => opened.page.getByRole('slider', { name: 'Cursor of the lanes' });

  test('g t goes there; the decision is in the list, and its drawer tells all of it', async () => {
    const { page } = opened;
    await page.getByRole('heading', { name: 'Now' }).waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('t');
    await page.getByRole('heading', { name: 'Timeline' }).waitFor();
    await page.getByRole('combobox', { name: 'Kind' }).selectOption('decision');
    await row(moved.id).getByRole('button').click();
    assert.match(page.url(), new RegExp(`kind=decision.*entry=${moved.id}|entry=${moved.id}.*kind=decision`));
    const drawer = page.getByRole('dialog');
    await drawer.getByText(moved.reason).first().waitFor();
    await drawer.getByText(`flyball journal replay ${moved.id}`).waitFor();
    const why = await drawer.getByRole('link', { name: 'Why this decision?' }).getAttribute('href');
    assert.equal(why, `/why/driven?at=${moved.at}`);
    await assertAccessible(page, 'an entry in the drawer');
    await picture(page, 'timeline-entry');
    await page.keyboard.press('Escape');
    await drawer.waitFor({ state: 'detached' });
  });

  test('what happens while one looks comes by itself, and while updates are paused it does not', async () => {
    const { page } = opened;
    await page.goto(`${platform.control}/timeline`);
    await page.locator('[data-entry]').first().waitFor();
    const act = async (mode: string): Promise<void> => {
      const answer = await fetch(`${platform.control}/api/v1/deployments/still/mode`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ mode, reason: `for ${mode}`, by: 'ada' }),
      });
      assert.ok(answer.ok, await answer.text());
    };
    await act('approve');
    await page.getByText('for approve').waitFor();
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('paused', { exact: false }).first().waitFor();
    await act('advise');
    await until('the journal to have it', async () => {
      const found = await fetch(`${platform.control}/api/v1/journal?kind=mode&subject=still&order=newest&limit=1`);
      return ((await found.json()) as JournalEntryView[]).some(({ reason }) => reason === 'for advise') || undefined;
    });
    assert.equal(await page.getByText('for advise').count(), 0);
    await picture(page, 'timeline-paused');
    await page.getByRole('button', { name: 'Resume' }).first().click();
    await page.getByText('for advise').waitFor();
  });

  test('the brush by keyboard, by pointer and by inputs is in the address, and a link reproduces it', async () => {
    const { page } = opened;
    await page.goto(`${platform.control}/timeline?range=15m`);
    await slider().focus();
    await page.keyboard.press('ArrowLeft');
    await page.locator('.lanes-cursor').waitFor({ state: 'attached' });
    await page.keyboard.down('Shift');
    for (let presses = 0; presses < 20; presses += 1) await page.keyboard.press('ArrowLeft');
    await page.keyboard.up('Shift');
    await page.waitForURL(/from=\d+&to=\d+/);
    const { searchParams } = new URL(page.url());
    const length = Number(searchParams.get('to')) - Number(searchParams.get('from'));
    assert.ok(Math.abs(length - (20 * 900_000) / 120) < 2000, `${length} ms`);
    await page.locator('.lanes-brush').waitFor({ state: 'attached' });
    await page.getByRole('heading', { name: /Entries of the slice/ }).waitFor();
    const before = await page.locator('.lanes-brush').getAttribute('width');
    await page.reload();
    await page.locator('.lanes-brush').waitFor({ state: 'attached' });
    assert.equal(await page.locator('.lanes-brush').getAttribute('width'), before);
    await slider().focus();
    await page.keyboard.press('Escape');
    await page.waitForURL((url) => !url.searchParams.has('from'));

    const box = (await slider().boundingBox()) as { x: number; y: number; width: number; height: number };
    await page.mouse.move(box.x + box.width * 0.5, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.8, box.y + 60, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/from=\d+&to=\d+/);
    await page.getByRole('group', { name: 'Span' }).getByRole('button', { name: '6 h' }).click();
    await page.waitForURL((url) => !url.searchParams.has('from') && url.searchParams.get('range') === '6h');

    await page.getByLabel('From, UTC').fill('2026-11-01T10:00:00');
    await page.getByLabel('To, UTC').fill('2026-11-01T09:00:00');
    await page.getByRole('button', { name: 'Show', exact: true }).click();
    await page.getByText('expected the first time before the second').waitFor();
    await page.getByLabel('To, UTC').fill('2026-11-01T10:30:00');
    await page.getByRole('button', { name: 'Show', exact: true }).click();
    await page.waitForURL(/from=1793527200000&to=1793529000000/);
    await page.getByText('Nothing was written in this span.').waitFor();
    await assertAccessible(page, 'an empty span');
    await picture(page, 'timeline-empty', true);
  });

  test('t shows the lanes as a table, and the arrow keys go through the list', async () => {
    const { page } = opened;
    await page.goto(`${platform.control}/timeline`);
    await slider().focus();
    await page.keyboard.press('t');
    await page.getByRole('table', { name: /What happened, in 24 equal parts/ }).waitFor();
    assert.equal(await page.locator('.chart-table tbody tr').count(), 24);
    await assertAccessible(page, 'the lanes as a table');
    await page.getByRole('button', { name: 'Table' }).click();
    const first = page.locator('[data-row="0"]');
    await first.focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('searchbox', { name: 'Search what is loaded' }).fill(`driven ${moved.action}`);
    await page.getByText(/of the \d+ that are loaded/).waitFor();
    await row(moved.id).waitFor();
  });

  test('another zone in the bar: all times change together, each with its zone', async () => {
    const { page } = opened;
    const brush = { from: moved.at - 60_000, to: moved.at + 60_000 };
    await page.goto(`${platform.control}/timeline?from=${brush.from}&to=${brush.to}&entry=${moved.id}`);
    await page.getByRole('dialog').getByText(moved.reason).first().waitFor();
    const shown = async (): Promise<{
      readonly machine: readonly string[];
      readonly text: string;
      readonly fields: readonly string[];
    }> => ({
      machine: await page
        .locator('main time, dialog time')
        .evaluateAll((all) => all.map((each) => each.getAttribute('datetime') ?? '')),
      text: await page.evaluate(
        () => `${document.querySelector('main')?.textContent} ${document.querySelector('dialog')?.textContent}`,
      ),
      fields: await page
        .locator('input[type=datetime-local]')
        .evaluateAll((all) => all.map((each) => (each as HTMLInputElement).value)),
    });
    const utc = await shown();
    assert.ok(utc.machine.length > 4);
    for (const each of utc.machine) assert.match(each, /Z$/);
    assert.doesNotMatch(utc.text, /GMT/);
    await page.keyboard.press('Escape');
    await page.getByRole('combobox', { name: 'Time zone' }).selectOption('local');
    await row(moved.id).getByRole('button').click();
    await page.getByRole('dialog').getByText(moved.reason).first().waitFor();
    const local = await shown();
    assert.equal(local.machine.length, utc.machine.length);
    for (const each of local.machine) assert.match(each, /\+13:00$/);
    assert.deepEqual(
      local.machine.map((each) => Date.parse(each)),
      utc.machine.map((each) => Date.parse(each)),
      'the moments are the same',
    );
    assert.doesNotMatch(local.text, /UTC/);
    // The head of the list, the end of the axis, both fields, the slice and the drawer.
    assert.ok((local.text.match(/GMT\+13/g) ?? []).length >= 7);
    for (const [index, field] of local.fields.entries())
      assert.equal(Date.parse(`${field}Z`) - Date.parse(`${utc.fields[index]}Z`), 13 * 3_600_000);
    await picture(page, 'timeline-zone');
    await page.keyboard.press('Escape');
    await page.getByRole('combobox', { name: 'Time zone' }).selectOption('utc');
  });

  test('a slice is exported whole, as JSON lines whose chain holds', async () => {
    const { page } = opened;
    await page.goto(`${platform.control}/timeline`);
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export this slice' }).click(),
    ]);
    assert.match(file.suggestedFilename(), /^flyball-journal-.*\.ndjson$/);
    const chunks: Buffer[] = [];
    for await (const chunk of await file.createReadStream()) chunks.push(chunk as Buffer);
    const lines = Buffer.concat(chunks).toString().trim().split('\n');
    const entries = lines.map((line) => JSON.parse(line) as JournalEntryView);
    assert.ok(entries.some(({ id }) => id === moved.id));
    for (const [index, { before }] of entries.entries()) {
      if (index > 0) assert.equal(before, entries[index - 1]?.hash);
    }
    await page.getByRole('dialog').getByText('flyball journal verify').waitFor();
    await page.keyboard.press('Escape');
  });

  test('it has no barrier that axe finds, in light, dark and on a phone', async () => {
    const { page } = opened;
    await page.goto(`${platform.control}/timeline?range=15m`);
    await page.locator('[data-entry]').first().waitFor();
    await page.locator('.event').first().waitFor({ state: 'attached' });
    for (const theme of ['light', 'dark'] as const) {
      await setTheme(page, theme);
      await assertAccessible(page, `timeline, ${theme}`);
      await picture(page, `timeline-${theme}`, true);
    }
    await page.setViewportSize(phone);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), 'it is narrow');
    await assertAccessible(page, 'timeline on a phone');
    await picture(page, 'timeline-phone', true);
    await page.setViewportSize(desktop);
  });

  test('the browser had nothing to complain of and asked nobody else', () => opened.assertClean());
});
