/** Now, Deployment and the bar in a browser, against a platform that runs. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { StatusView } from '../../src/api/schemas.ts';
import { assertAccessible, desktop, picture, withoutBrowser } from '../support/browser.ts';
import { call, growing, startConsolePlatform } from '../support/console-platform.ts';
import { assertNarrow, looks, useConsole } from '../support/console-stage.ts';
import { childPid } from '../support/processes.ts';
import { until } from '../support/platform.ts';
import { startLoad } from '../support/steady-load.ts';

describe('the console', { skip: withoutBrowser }, () => {
  const stage = useConsole({
    start: () =>
      startConsolePlatform({
        deployments: {
          asked: { ...growing(), slo: { p99Ms: 100 }, scaling: { ...growing().scaling, mode: 'approve' } },
          driven: growing(),
          still: {},
        },
      }),
  });
  const status = (): Promise<StatusView> => stage.platform.status();

  test('shows every deployment, live, and its five counts of replicas apart', async () => {
    const { page } = stage;
    await page.getByRole('heading', { name: 'Now' }).waitFor();
    for (const name of ['asked', 'driven', 'still']) await page.getByRole('link', { name, exact: true }).waitFor();
    const row = page.locator('tr[data-deployment=driven]');
    for (const [label, value] of [
      ['Desired', '1'],
      ['Starting', '0'],
      ['Ready', '1'],
      ['Serving', '1'],
      ['Draining', '0'],
    ] as const) {
      assert.equal(await row.locator(`[data-label=${label}]`).textContent(), value, label);
    }
    await page.locator('.governor').getByText('live').waitFor();
  });

  test('a flash of load grows the replicas on the page by itself, and the decision says why', async () => {
    const { page } = stage;
    await using load = startLoad(call(stage.platform, 'driven'));
    const row = page.locator('tr[data-deployment=driven]');
    await row.locator('[data-label=Ready]', { hasText: '3' }).waitFor();
    await row.locator('.decision', { hasText: /→ 3/ }).waitFor();
    await page.locator('.feed', { hasText: 'driven 1 → ' }).waitFor();
    await row.locator('[data-label=Load] .figure').focus();
    await page.keyboard.press('ArrowRight');
    await page.locator('.card', { hasText: 'median latency' }).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.card').waitFor({ state: 'hidden' });
    void load;
  });

  test('a change that waits is approved by keyboard alone', async () => {
    const { page } = stage;
    await using load = startLoad(call(stage.platform, 'asked'));
    const waiting = page.locator('.governor').getByRole('button', { name: /waits/ });
    await waiting.waitFor();
    await waiting.focus();
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Waiting for approval' });
    await dialog.getByText('more would be started').waitFor();
    await assertAccessible(page, 'approvals');
    await picture(page, 'approvals-light');
    const approve = dialog.getByRole('button', { name: /^Approve/ });
    for (let presses = 0; presses < 12; presses += 1) {
      if (await approve.evaluate((button) => button === document.activeElement)) break;
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    await until('the change to be carried out', async () =>
      (await status()).deployments.some(({ name, desired }) => name === 'asked' && desired > 1) ? true : undefined,
    );
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    void load;
  });

  test('stop asks first with the focus on Cancel, stops, says so, and is released', async () => {
    const { page } = stage;
    await page.keyboard.press('.');
    const dialog = page.getByRole('dialog', { name: 'Stop the governor' });
    await dialog.getByText('go on serving').waitFor();
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Cancel');
    await assertAccessible(page, 'the stop dialog');
    await picture(page, 'stop-light');
    await dialog.getByLabel('Reason').fill('a test of the stop');
    await dialog.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.locator('.banner', { hasText: 'a test of the stop' }).waitFor();
    assert.equal((await status()).governor?.halt?.reason, 'a test of the stop');
    await assertAccessible(page, 'Now while stopped');
    await picture(page, 'now-stopped-light');
    await page.getByRole('button', { name: 'Release…' }).click();
    await page.getByLabel('Reason').fill('done');
    await page.getByRole('button', { name: 'Release', exact: true }).click();
    await page.locator('.banner', { hasText: 'a test of the stop' }).waitFor({ state: 'detached' });
    assert.equal((await status()).governor?.halt, undefined);
  });

  test('updates can be paused, the zone of every time changes at once, and the filter is in the address', async () => {
    const { page } = stage;
    await page.getByRole('button', { name: /Pause updates/ }).click();
    await page.locator('.banner', { hasText: 'paused' }).waitFor();
    await page.getByRole('button', { name: 'Resume', exact: true }).click();
    await page.keyboard.press('/');
    await page.keyboard.type('still');
    await page.locator('tr[data-deployment=driven]').waitFor({ state: 'detached' });
    assert.match(page.url(), /filter=still/);
    await page.getByRole('searchbox').fill('');
    assert.doesNotMatch(page.url(), /filter/);
  });

  test('Now has no barrier that axe finds and looks as it should in light, dark and on a phone', async () => {
    const { page } = stage;
    await looks(page, 'now');
    await page.setViewportSize({ width: 320, height: 640 });
    await assertNarrow(page, 'Now at 320 px');
    await page.setViewportSize(desktop);
    await page.goto(`${stage.platform.control}/releases`);
    await page.getByText('no staged releases').waitFor();
    await assertAccessible(page, 'Releases');
    await picture(page, 'releases-light');
  });

  test('a deployment’s charts share a cursor, their span is in the address, and each is a table too', async () => {
    const { page } = stage;
    await page.goto(`${stage.platform.control}/`);
    await page.getByRole('link', { name: 'driven', exact: true }).click();
    await page.getByRole('heading', { name: 'driven' }).waitFor();
    for (const title of ['Requests', 'Latency', 'Where time goes', 'Replicas']) {
      await page.locator('figure.chart', { hasText: title }).locator('canvas').waitFor();
    }
    const cursor = page.getByRole('slider', { name: 'Cursor of Requests' });
    await cursor.focus();
    await page.keyboard.press('End');
    await page.keyboard.press('Shift+ArrowLeft');
    assert.match((await cursor.getAttribute('aria-valuetext')) ?? '', /UTC: offered .*served/);
    const other = page.getByRole('slider', { name: 'Cursor of Replicas' });
    assert.equal(await other.getAttribute('aria-valuenow'), await cursor.getAttribute('aria-valuenow'));
    await page.getByRole('switch', { name: /HPA, KPA, Ray/ }).check();
    await page.locator('.chart-read', { hasText: 'HPA' }).waitFor();
    await page.getByRole('button', { name: '1 h', exact: true }).click();
    await page.waitForURL(/range=1h/);
    assert.match(page.url(), /others=1/);
    await page.locator('.panel', { hasText: 'Proposed now' }).getByText('compared').first().waitFor();
    await looks(page, 'deployment');
    await cursor.focus();
    await page.keyboard.press('t');
    await page
      .getByRole('group', { name: 'Table: Requests' })
      .getByRole('columnheader', { name: 'Time, UTC' })
      .waitFor();
    await assertAccessible(page, 'Deployment with a table');
  });

  test('a span is chosen on a chart by keys and by inputs, and is in the address', async () => {
    const { page } = stage;
    await page.goto(`${stage.platform.control}/d/driven`);
    const cursor = page.getByRole('slider', { name: 'Cursor of Requests' });
    await page.locator('figure.chart canvas').first().waitFor();
    await cursor.focus();
    await page.keyboard.press('End');
    await page.keyboard.down('Shift');
    for (let presses = 0; presses < 3; presses += 1) await page.keyboard.press('PageUp');
    assert.match((await cursor.getAttribute('aria-valuetext')) ?? '', /UTC to .*UTC: offered/);
    await page.keyboard.up('Shift');
    await page.waitForURL(/from=\d+&to=\d+/);
    const { searchParams } = new URL(page.url());
    const length = Number(searchParams.get('to')) - Number(searchParams.get('from'));
    assert.ok(length >= 30_000 && length < 900_000, `${length} ms`);
    await page.getByLabel('From, UTC').fill('2026-11-01T10:00:00');
    await page.getByLabel('To, UTC').fill('2026-11-01T10:00:05');
    await page.getByRole('button', { name: 'Show', exact: true }).click();
    await page.getByText('expected 10 seconds between the two at least').waitFor();
    await page.getByLabel('To, UTC').fill('2026-11-01T10:30:00');
    await page.getByRole('button', { name: 'Show', exact: true }).click();
    await page.waitForURL(/from=1793527200000&to=1793529000000/);
    await page.getByRole('button', { name: 'Back to now' }).click();
    await page.waitForURL((url) => !url.searchParams.has('from'));
    await page.goto(`${stage.platform.control}/d/driven?range=1h&others=1`);
  });

  test('a link reproduces the screen, and what is not there says what to do', async () => {
    const { page } = stage;
    await page.reload();
    await page.getByRole('switch', { name: /HPA, KPA, Ray/, checked: true }).waitFor();
    await page.getByRole('button', { name: '1 h', exact: true, pressed: true }).waitFor();
    await page.goto(`${stage.platform.control}/d/nothing`);
    await page.getByText('There is no deployment nothing.').waitFor();
    await assertAccessible(page, 'a deployment that is not there');
    await page.goto(`${stage.platform.control}/nowhere`);
    await page.getByText('nothing at /nowhere').waitFor();
    await page.keyboard.press('g');
    await page.keyboard.press('n');
    await page.getByRole('heading', { name: 'Now' }).waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
    await assertAccessible(page, 'the help');
    await page.getByRole('checkbox', { name: /single key/ }).uncheck();
    await page.keyboard.press('Escape');
    await page.keyboard.press('.');
    assert.equal(await page.getByRole('dialog').count(), 0);
  });

  test('the browser had nothing to complain of and asked nobody else', () => stage.assertClean());

  test('all times of a page change their zone together', async () => {
    await using far = await stage.browser.open(`${stage.platform.control}/d/driven`, {
      timezoneId: 'Pacific/Tongatapu',
    });
    const { page } = far;
    await page.locator('figure.chart canvas').first().waitFor();
    const zones = async (): Promise<string[]> => [
      ...new Set((await page.locator('main').innerText()).match(/\b(?:UTC|GMT[+-]\d+)\b/g)),
    ];
    assert.deepEqual(await zones(), ['UTC']);
    await page.getByLabel('Time zone').selectOption('local');
    await page.locator('time', { hasText: 'GMT+13' }).first().waitFor();
    assert.deepEqual(await zones(), ['GMT+13']);
    // Where nothing moves, lines keep their colours.
    await page.emulateMedia({ reducedMotion: 'reduce', contrast: 'more' });
    await page.reload();
    await page.locator('figure.chart canvas').first().waitFor();
    await until('a line to be drawn in its colour', () =>
      page.evaluate(() => {
        const canvas = document.querySelector('figure.chart canvas') as HTMLCanvasElement;
        const { data } = (canvas.getContext('2d') as CanvasRenderingContext2D).getImageData(
          0,
          0,
          canvas.width,
          canvas.height,
        );
        return data.some((red, at) => at % 4 === 0 && Math.abs(red - (data[at + 2] as number)) > 60) || undefined;
      }),
    );
    far.assertClean();
  });

  test('tabs of a browser share one stream, and another takes it over when its reader is closed', async () => {
    await using own = await stage.browser.open('about:blank');
    const streams: string[] = [];
    own.context.on('request', (request) => {
      if (request.url().includes('/api/v1/events')) streams.push(request.url());
    });
    const [first, second] = [own.page, await own.context.newPage()];
    for (const page of [first, second]) {
      await page.goto(`${stage.platform.control}/`);
      await page.locator('tr[data-deployment=driven]').waitFor();
      await page.locator('.governor').getByText('live').waitFor();
    }
    assert.equal(streams.length, 1);
    await first.close();
    await until('the second tab to read the stream', () => (streams.length === 2 ? true : undefined));
    await second.locator('.governor').getByText('live').waitFor();
  });

  test('a lost connection is seen, keeps what was known as old, and heals by itself', async () => {
    const expected = /ERR_|Failed to load resource/;
    await using own = await stage.browser.open(`${stage.platform.control}/`, { expected });
    const { page } = own;
    await page.locator('tr[data-deployment=driven]').waitFor();
    // Whoever would start it anew holds still, so that it is seen what is shown meanwhile.
    const supervisor = stage.platform.process.pid as number;
    process.kill(supervisor, 'SIGSTOP');
    try {
      process.kill(childPid(stage.platform, 'control'), 'SIGKILL');
      await page.locator('.banner', { hasText: 'The connection is lost' }).waitFor();
      await page.locator('main[data-live=false] tr[data-deployment=driven]').waitFor();
      await assertAccessible(page, 'Now without a connection');
      await picture(page, 'now-lost-light');
    } finally {
      process.kill(supervisor, 'SIGCONT');
    }
    await page.locator('.governor').getByText('live').waitFor({ timeout: 60_000 });
    await page.locator('.banner', { hasText: 'The connection is lost' }).waitFor({ state: 'detached' });
    own.assertClean();
  });
});
