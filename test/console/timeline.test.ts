/** What happened and when, in a browser: Timeline, with its lanes, its brush, its list and its entries. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { JournalEntryView } from '../../src/api/schemas.ts';
import { assertAccessible, picture, withoutBrowser } from '../support/browser.ts';
import { call, growing, startConsolePlatform } from '../support/console-platform.ts';
import { looks, useConsole } from '../support/console-stage.ts';
import { until } from '../support/platform.ts';
import { startLoad } from '../support/steady-load.ts';

describe('Timeline', { skip: withoutBrowser }, () => {
  let moved: JournalEntryView;
  const stage = useConsole({
    start: () => startConsolePlatform({ deployments: { driven: growing(), still: {} } }),
    timezoneId: 'Pacific/Auckland',
    async ready(platform) {
      await using load = startLoad(call(platform, 'driven'));
      moved = await until('a decision to be in the journal', async () => {
        const found = await fetch(`${platform.control}/api/v1/journal?kind=decision&subject=driven&order=newest`);
        return ((await found.json()) as JournalEntryView[]).find(({ action }) => action.startsWith('1 → '));
      });
      void load;
    },
  });
  const row = (id: number) => stage.page.locator(`[data-entry="${id}"]`);
  const slider = () => stage.page.getByRole('slider', { name: 'Cursor of the lanes' });

  test('g t goes there; the decision is in the list, and its drawer tells all of it', async () => {
    const { page } = stage;
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
    const { page } = stage;
    await page.goto(`${stage.platform.control}/timeline`);
    await page.locator('[data-entry]').first().waitFor();
    const act = async (mode: string): Promise<void> => {
      const answer = await fetch(`${stage.platform.control}/api/v1/deployments/still/mode`, {
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
      const found = await fetch(
        `${stage.platform.control}/api/v1/journal?kind=mode&subject=still&order=newest&limit=1`,
      );
      return ((await found.json()) as JournalEntryView[]).some(({ reason }) => reason === 'for advise') || undefined;
    });
    assert.equal(await page.getByText('for advise').count(), 0);
    await picture(page, 'timeline-paused');
    await page.getByRole('button', { name: 'Resume' }).first().click();
    await page.getByText('for advise').waitFor();
  });

  test('the brush by keyboard, by pointer and by inputs is in the address, and a link reproduces it', async () => {
    const { page } = stage;
    await page.goto(`${stage.platform.control}/timeline?range=15m`);
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
    const { page } = stage;
    await page.goto(`${stage.platform.control}/timeline`);
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
    const { page } = stage;
    const brush = { from: moved.at - 60_000, to: moved.at + 60_000 };
    await page.goto(`${stage.platform.control}/timeline?from=${brush.from}&to=${brush.to}&entry=${moved.id}`);
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
    const { page } = stage;
    await page.goto(`${stage.platform.control}/timeline`);
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
    const { page } = stage;
    await page.goto(`${stage.platform.control}/timeline?range=15m`);
    await page.locator('[data-entry]').first().waitFor();
    await page.locator('.event').first().waitFor({ state: 'attached' });
    await looks(page, 'timeline');
  });

  test('the browser had nothing to complain of and asked nobody else', () => stage.assertClean());
});
