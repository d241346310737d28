/** With nothing else installed the charts of the last hours are still there after the platform was started again. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { v2 } from '../support/ask.ts';
import { startBrowser, withoutBrowser } from '../support/browser.ts';
import { visit } from '../support/console-views.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import { startLoad } from '../support/steady-load.ts';

const text = `
platform: simulated
simulated:
  inputs: [{ name: x, datatype: FP32, shape: [-1, 1] }]
  outputs: [{ name: y, datatype: FP32, shape: [-1, 1] }]
  serviceMs: 2
`;
const body = v2({ name: 'x', datatype: 'FP32', shape: [1, 1], data: [1] });

test('the charts of the last 24 hours survive a restart of the platform', { skip: withoutBrowser }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-restart-'));
  const start = async (): Promise<Platform> => {
    const platform = await startPlatform({
      dataDirectory: join(folder, 'data'),
      models: { 'quick/model.yaml': text },
      specification: { models: { quick: { path: './models/quick' } }, deployments: { quick: { model: 'quick' } } },
    });
    await platform.serving();
    return platform;
  };
  try {
    {
      await using platform = await start();
      await using load = startLoad({ url: `${platform.http}/v2/models/quick/infer`, method: 'POST', body, callers: 4 });
      await load.passed(1000);
      // So that the second in which they came is over.
      await new Promise((resolve) => {
        setTimeout(resolve, 2000);
      });
      assert.deepEqual((await load.stop()).failures, []);
      assert.equal(await platform.end('SIGTERM'), 0);
    }
    await using platform = await start();
    await using browser = await startBrowser();
    await using opened = await browser.open(`${platform.control}/`);
    await visit(opened.page, `${platform.control}/d/quick?range=24h`);
    // Nobody has asked for anything since: what is shown was recorded before.
    const requests = opened.page.locator('figure', { hasText: 'Requests' }).locator('figcaption');
    await requests.filter({ hasText: 'highest' }).first().waitFor({ state: 'attached' });
    const words = (await requests.first().textContent()) ?? '';
    assert.match(words, /highest (?!0\b)[\d.]+/, words);
    opened.assertClean();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
