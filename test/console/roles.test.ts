/** Where keys are required: signing in, and what those who may only look are offered, which is nothing. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { KeyCreated, KeyRequest } from '../../src/api/schemas.ts';
import {
  assertAccessible,
  picture,
  setTheme,
  startBrowser,
  withoutBrowser,
  type TestBrowser,
} from '../support/browser.ts';
import { startConsolePlatform } from '../support/console-platform.ts';
import type { Platform } from '../support/platform.ts';

describe('a console that asks for a key', { skip: withoutBrowser }, () => {
  let platform: Platform;
  let browser: TestBrowser;
  before(async () => {
    platform = await startConsolePlatform({
      deployments: { seen: { replicas: { min: 1, max: 2 } }, hidden: {} },
      specification: { auth: { keys: 'required' } },
    });
    browser = await startBrowser();
  });
  after(async () => {
    await browser?.[Symbol.asyncDispose]();
    await platform?.[Symbol.asyncDispose]();
  });

  async function keyFor(request: Pick<KeyRequest, 'name' | 'scopes' | 'deployments'>): Promise<string> {
    const response = await fetch(`${platform.control}/api/v1/keys`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${platform.adminKey()}` },
      body: JSON.stringify(request),
    });
    assert.equal(response.status, 201);
    return ((await response.json()) as KeyCreated).secret;
  }

  test('a reader signs in, comes back to the page that was asked for, and finds nothing to press that acts', async () => {
    const secret = await keyFor({ name: 'reader', scopes: ['read'] });
    await using opened = await browser.open(`${platform.control}/?filter=seen`, { expected: /401|Failed to load/ });
    const { page } = opened;
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    for (const theme of ['light', 'dark'] as const) {
      await setTheme(page, theme);
      await assertAccessible(page, `the sign-in, ${theme}`);
      await picture(page, `sign-in-${theme}`);
    }
    await page.getByLabel('API key').fill('fb_nonsense');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').filter({ hasText: 'UNAUTHENTICATED' }).waitFor();
    await page.getByLabel('API key').fill(secret);
    await page.keyboard.press('Enter');
    await page.locator('tr[data-deployment=seen]').waitFor();
    assert.match(page.url(), /filter=seen/);
    await page.locator('.governor').getByText('live').waitFor();

    const acting = /^(?:Stop|■ Stop|Release|Approve|Reject|Scale|Halt|Arm|Remove|Delete)/;
    for (const path of ['/', '/d/seen', '/releases']) {
      await page.goto(`${platform.control}${path}`);
      await page.locator('.governor').getByText('live').waitFor();
      assert.equal(await page.getByRole('button', { name: acting }).count(), 0, path);
    }
    await page.goto(`${platform.control}/d/seen?tab=playground`);
    await page.getByText('that takes the scope infer for seen').waitFor();
    assert.equal(await page.getByRole('button', { name: 'Send' }).count(), 0);
    await page.keyboard.press('.');
    assert.equal(await page.getByRole('dialog').count(), 0);
    const refused = await page.evaluate(async () => {
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch('/api/v1/governor/halt', { method: 'PUT', headers, body: '{}' });
      return answer.status;
    });
    assert.equal(refused, 403);

    const cookies = await opened.context.cookies();
    assert.deepEqual(
      cookies.map(({ httpOnly, sameSite }) => ({ httpOnly, sameSite })),
      [{ httpOnly: true, sameSite: 'Strict' }],
    );
    await page.getByRole('button', { name: /Sign out/ }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    opened.assertClean();
  });

  test('a key for one deployment sees that one, and is told why not the other', async () => {
    const secret = await keyFor({ name: 'narrow', scopes: ['operate'], deployments: ['seen'] });
    await using opened = await browser.open(`${platform.control}/sign-in`, { expected: /40[13]|Failed to load/ });
    const { page } = opened;
    await page.getByLabel('API key').fill(secret);
    await page.keyboard.press('Enter');
    await page.locator('tr[data-deployment=seen]').waitFor();
    assert.equal(await page.locator('tr[data-deployment=hidden]').count(), 0);
    assert.equal(await page.getByRole('button', { name: /Stop/ }).count(), 0);
    // What is of the whole platform says whose it is, and what to do; it is not asked for again and again.
    const told = 'Your key is for seen alone. Whoever administers the platform can make one for more';
    await page.locator('.panel', { hasText: 'Who is told' }).getByText(told).waitFor();
    await assertAccessible(page, 'Now with a key for one deployment');
    await page.goto(`${platform.control}/models`);
    await page.getByText(told).waitFor();
    await page.goto(`${platform.control}/models/slow`);
    await page.getByRole('heading', { name: 'slow' }).waitFor();
    await page.getByText(told).waitFor();
    await page.goto(`${platform.control}/d/seen?tab=playground`);
    await page.getByText('What the model takes is not shown to your key').waitFor();
    await page.goto(`${platform.control}/d/hidden`);
    await page.getByText('Your key is not for this deployment.').waitFor();
    await page.goto(`${platform.control}/d/seen`);
    await page.locator('figure.chart canvas').first().waitFor();
    opened.assertClean();
  });
});
