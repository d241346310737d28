/** Where everything runs and what it is made of, in a browser: Capacity and Models. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { assertAccessible, withoutBrowser } from '../support/browser.ts';
import { generateModel } from '../../src/onnx/generate.ts';
import { httpReceiver, type HttpReceiver } from '../../src/testing/http-receiver.ts';
import { startConsolePlatform } from '../support/console-platform.ts';
import { looks, useConsole } from '../support/console-stage.ts';
import { until } from '../support/platform.ts';

const budget = { amount: 24, periodMs: 86_400_000, pricePerHour: 0.12 };

describe('Capacity and Models', { skip: withoutBrowser }, () => {
  let receiver: HttpReceiver;
  before(async () => {
    receiver = await httpReceiver({ status: 200 });
  });
  after(() => receiver?.[Symbol.asyncDispose]());
  const stage = useConsole({
    start: () =>
      startConsolePlatform({
        specification: { notifications: { channels: { hook: { kind: 'webhook', url: receiver.url } } } },
        deployments: {
          free: {},
          paid: { replicas: { min: 2, max: 6 }, scaling: { budget } },
        },
      }),
    path: '/capacity',
  });

  test('the machine, each replica on it, the stages of a start, and what a budget has left', async () => {
    const { page } = stage;
    await page.getByRole('heading', { name: 'Capacity' }).waitFor();
    const marks = page.locator('.replica-grid .mark');
    await until('three replicas to be shown ready', async () =>
      (await page.locator('.replica-grid .mark.ready').count()) === 3 ? true : undefined,
    );
    await marks.first().focus();
    // Past the name of the next deployment, to its first replica.
    for (let presses = 0; presses < 2; presses += 1) await page.keyboard.press('Tab');
    await page.locator('.card', { hasText: 'of its allowance' }).waitFor();
    await page.getByRole('combobox', { name: 'Deployment' }).selectOption('paid');
    assert.match(page.url(), /of=paid/);
    await page.locator('.lag-table').getByText('load', { exact: false }).first().waitFor();
    await page.locator('.panel', { hasText: 'Budget per period' }).getByText('24.00').waitFor();
    await page.locator('.panel', { hasText: 'Operations' }).getByText('succeeded').first().waitFor();
  });

  test('a channel is tried from the first page, and what its receiver said is shown', async () => {
    const { page } = stage;
    await page.goto(`${stage.platform.control}/`);
    const channel = page.locator('[data-channel=hook]');
    await channel.getByRole('button', { name: 'Send a test' }).click();
    await channel.getByRole('status').getByText('sent').waitFor();
    assert.ok(receiver.received.length > 0);
    await assertAccessible(page, 'Now with a channel');
  });

  test('a model with its versions, what they take, and what differs between two', async () => {
    const { page } = stage;
    const added = await fetch(
      `${stage.platform.control}/api/v1/models/slow/versions?by=ada&source=upload&note=second`,
      {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body: Buffer.from(generateModel('mnist-cnn', 1)),
      },
    );
    assert.equal(added.status, 201, await added.text());
    await page.keyboard.press('g');
    await page.keyboard.press('m');
    await page.getByRole('heading', { name: 'Models' }).waitFor();
    await page.getByRole('link', { name: 'slow', exact: true }).click();
    await page.getByRole('heading', { name: 'slow' }).waitFor();
    await page.getByText('FP32 [any, 1]').first().waitFor();
    await page.locator('.panel', { hasText: 'Compare' }).getByText('ada').waitFor();
    await page.goto(`${stage.platform.control}/models/nobody`);
    await page.getByText('There is no model nobody').waitFor();
  });

  test('neither has a barrier that axe finds, in light, dark and on a phone', async () => {
    const { page } = stage;
    for (const [path, heading, name] of [
      ['/capacity?of=paid', 'Capacity', 'capacity'],
      ['/models', 'Models', 'models'],
      ['/models/slow', 'slow', 'model'],
    ] as const) {
      await page.goto(`${stage.platform.control}${path}`);
      await page.getByRole('heading', { name: heading, exact: true }).waitFor();
      await page.locator('.skeleton').first().waitFor({ state: 'detached' });
      await looks(page, name);
    }
  });

  test('the browser had nothing to complain of and asked nobody else', () => stage.assertClean());
});
