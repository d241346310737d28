/** Why, in a browser: the whole decision of now and of an earlier moment, and the case that is made of it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { assertAccessible, picture, withoutBrowser } from '../support/browser.ts';
import { runCli } from '../support/cli.ts';
import { call, growing, startConsolePlatform } from '../support/console-platform.ts';
import { looks, useConsole } from '../support/console-stage.ts';
import { until } from '../support/platform.ts';
import { startLoad } from '../support/steady-load.ts';

describe('Why', { skip: withoutBrowser }, () => {
  const stage = useConsole({
    start: () => startConsolePlatform({ deployments: { driven: growing({ targetOngoingRequests: 1 }), fixed: {} } }),
    path: '/why/driven',
    async ready(platform) {
      await using load = startLoad(call(platform, 'driven'));
      await until('more replicas', async () =>
        (await platform.status()).deployments.some(({ name, counts }) => name === 'driven' && counts.ready === 3)
          ? true
          : undefined,
      );
      void load;
    },
  });

  test('the decision is told stage by stage, and each bound says whether it bit', async () => {
    const { page } = stage;
    for (const name of ['Observed', 'Proposed', 'Agreed and cut', 'Executed', 'Verified', 'Others'])
      await page.getByRole('heading', { name, exact: true }).waitFor();
    await page.getByRole('row', { name: /offered load/ }).waitFor();
    await page.locator('.bounds').getByText('did not bite').first().waitFor();
    for (const policy of ['hpa', 'kpa', 'ray', 'thresholds'])
      await page
        .getByRole('row', { name: new RegExp(`^${policy} `) })
        .first()
        .waitFor();
  });

  test('the change before is a link away, with what the maximum cut of it', async () => {
    const { page } = stage;
    await page
      .getByRole('navigation', { name: /before and after/ })
      .getByRole('link')
      .first()
      .click();
    await page.waitForURL(/at=\d+/);
    await page.getByText(/The target was changed|Nothing was changed/).waitFor();
    await assertAccessible(page, 'Why of an earlier moment');
  });

  test('the case is a file whose chain holds and whose decisions can be made again without the platform', async () => {
    const { page } = stage;
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export the case' }).click(),
    ]);
    await page.getByRole('dialog', { name: 'The case' }).getByText('flyball journal replay').waitFor();
    await picture(page, 'case-light');
    await page.keyboard.press('Escape');
    const path = await file.path();
    assert.ok(readFileSync(path, 'utf8').split('\n').length > 3);
    const nowhere = { FLYBALL_URL: 'http://127.0.0.1:9' };
    const held = await runCli(['journal', 'verify', path], nowhere);
    assert.equal(held.code, 0, held.stdout + held.stderr);
    const again = await runCli(['journal', 'replay', path], nowhere);
    assert.equal(again.code, 0, again.stdout + again.stderr);
    assert.match(again.stdout, /byte for byte/);
  });

  test('one whose size is fixed says that there is no decision, and a stranger that it is not there', async () => {
    const { page } = stage;
    await page.goto(`${stage.platform.control}/why/fixed`);
    await page.getByText('There is no decision about it').waitFor();
  });

  test('it has no barrier that axe finds, in light, dark and on a phone', async () => {
    const { page } = stage;
    await page.goto(`${stage.platform.control}/why/driven`);
    await page.getByRole('heading', { name: 'Observed' }).waitFor();
    // Nobody asks any more: its policy gives back once that has lasted for five minutes, and says so before; or it has
    // given back, where the machine was so busy that three answered no more than one.
    const next = page.getByRole('region', { name: 'Next' });
    await next.getByText(/^(in \d( min.*)?, if load stays: 3 → 1|nothing in \d.*, if load stays)$/).waitFor();
    await looks(page, 'why');
  });

  test('the browser had nothing to complain of and asked nobody else', () => stage.assertClean());
});
