/** Rehearse and arm, in a browser, of a real model on a platform that asks for keys; and what whoever only reads sees. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import type { JournalEntryView, OperationView } from '../../src/api/schemas.ts';
import { assertAccessible, picture, withoutBrowser } from '../support/browser.ts';
import { looks, useConsole } from '../support/console-stage.ts';
import { startPlatform, until } from '../support/platform.ts';
import { startLoad } from '../support/steady-load.ts';

const digits = fileURLToPath(new URL('../../examples/digits', import.meta.url));
/** Of a page that asks before it is signed in, and for what is not there. */
const expected = /status of (?:401|403|404|409)/;

describe('Rehearsal', { skip: withoutBrowser }, () => {
  const stage = useConsole({
    start: () =>
      startPlatform({
        specification: {
          auth: { keys: 'required' },
          models: { digits: { path: digits } },
          deployments: {
            digits: {
              model: 'digits',
              replicas: { min: 1, max: 8 },
              slo: { p99Ms: 200 },
              // What may be missed is the policy's own: a fleet that grows within the crowd keeps it.
              scaling: { policy: 'slo', parameters: { tolerated: 0.4 } },
            },
          },
        },
      }),
    ready: (platform) => platform.serving(),
    path: '/rehearsal',
    expected,
  });

  const api = async <Answer>(method: string, path: string, key: string, body?: object): Promise<Answer> => {
    const answer = await fetch(`${stage.platform.control}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return (await answer.json()) as Answer;
  };
  const admin = (): string => stage.platform.adminKey() ?? '';
  const signIn = async (page: Page, key: string): Promise<void> => {
    await page.getByLabel('API key').fill(key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Rehearsal', exact: true }).waitFor();
  };
  const rehearsed = async (request: object): Promise<OperationView> => {
    const begun = await api<OperationView>('POST', '/deployments/digits/rehearsals/run', admin(), request);
    assert.equal(begun.kind, 'rehearse', JSON.stringify(begun));
    return until('the rehearsal to end', async () => {
      const view = await api<OperationView>('GET', `/operations/${begun.id}`, admin());
      return view.state === 'running' ? undefined : view;
    });
  };

  test('a sign-in leads back, and what was never rehearsed says how to begin', async () => {
    const { page } = stage;
    await signIn(page, admin());
    await page.getByText('Nothing was rehearsed yet').waitFor();
    await looks(page, 'rehearsal-empty');
  });

  test('policies go through a crowd, a step at a time, and what came of it is one press away', async () => {
    const { page } = stage;
    // Calls that are on record: what they take is what the rehearsal draws from.
    await using load = startLoad({
      url: `${stage.platform.http}/predictions/digits`,
      method: 'POST',
      body: readFileSync(`${digits}/samples/three.png`),
      headers: { 'content-type': 'image/png', authorization: `Bearer ${admin()}` },
      callers: 2,
    });
    await load.passed(200);
    await load.stop();
    await page.getByLabel('Load').selectOption('shape:flash');
    await page.getByLabel('Requests a second, mean').fill('80');
    await page.getByLabel('Length, minutes').fill('10');
    for (const policy of ['slo', 'kpa', 'hpa', 'thresholds', 'fixed'])
      await page.getByRole('checkbox', { name: policy, exact: true }).check();
    const kpa = page.locator('.rehearsal-choice', { hasText: 'kpa' });
    await kpa.getByText('Parameters').click();
    await kpa.getByLabel('target', { exact: true }).fill('none');
    await page.getByRole('checkbox', { name: 'crash' }).check();
    await page.getByLabel('Lag').selectOption('process');
    await page.getByRole('button', { name: 'Rehearse' }).click();
    await page.getByRole('alert').getByText('expected a number, got none').waitFor();
    await kpa.getByLabel('target', { exact: true }).fill('2');
    await picture(page, 'rehearsal-form-light', true);
    await page.getByRole('button', { name: 'Rehearse' }).focus();
    await page.keyboard.press('Enter');
    const progress = page.locator('.rehearsal-progress');
    await progress.getByText('kpa target=2 (4 of 5)').waitFor();
    assert.match(page.url(), /run=/);
    const result = progress.getByRole('link', { name: 'See what came of it' });
    await result.waitFor();
    await assertAccessible(page, 'the end of a rehearsal');
    await picture(page, 'rehearsal-done-light', true);
    await page.getByRole('table').getByText('shape:flash').waitFor();
    await result.click();
    await page.getByRole('heading', { name: 'Policies against each other' }).waitFor();
  });

  test('the table is sorted by what is asked, the picture names who is beaten by nobody, and time can be moved', async () => {
    const { page } = stage;
    const policies = page.locator('tr[data-policy]');
    assert.equal(await policies.count(), 5);
    await page.getByRole('button', { name: 'Replica-hours' }).click();
    await page
      .getByRole('columnheader', { name: 'Replica-hours' })
      .and(page.locator('[aria-sort=ascending]'))
      .waitFor();
    const hours = await page.locator('tr[data-policy] td:nth-of-type(6)').allTextContents();
    const numbers = hours.map((text) => Number.parseFloat(text.replaceAll(',', '')));
    assert.deepEqual(
      numbers,
      numbers.toSorted((one, other) => one - other),
    );
    assert.match(page.url(), /sort=hours/);
    await page.locator('tr.own', { hasText: 'slo' }).getByText('its own').waitFor();
    await page.getByRole('img', { name: /Beaten by nobody in both: / }).waitFor();
    await page.getByText('the same as runs here').waitFor();
    await page.locator('dd', { hasText: 'crash everySeconds=600' }).waitFor();
    const slider = page.getByRole('slider', { name: 'Moment' });
    await slider.focus();
    await page.keyboard.press('Home');
    await page.locator('.scrubber-time', { hasText: '0:00 after the beginning' }).waitFor();
    await page.keyboard.press('ArrowRight');
    await page.locator('.scrubber-time', { hasText: /0:0[1-9] after/ }).waitFor();
    await page.keyboard.press('PageUp');
    await page.getByRole('button', { name: 'Replay' }).click();
    await page.getByRole('button', { name: 'Pause', exact: true }).click();
    await page.getByRole('checkbox', { name: /^fixed/ }).check();
    assert.match(page.url(), /show=/);
    await looks(page, 'rehearsal-one');
  });

  test('it arms its deployment once it is said what will happen, and the journal keeps on what that rests', async () => {
    const { page } = stage;
    const id = /rehearsal\/(\w+)/.exec(page.url())?.[1] ?? '';
    await page.getByText('It is ground enough').waitFor();
    await page.getByRole('button', { name: 'Arm by this rehearsal' }).click();
    const dialog = page.getByRole('dialog', { name: 'Arm digits' });
    await dialog.getByText('goes from advise to auto').waitFor();
    assert.equal(await page.evaluate(() => document.activeElement?.textContent), 'Cancel');
    await assertAccessible(page, 'the dialog that arms');
    await picture(page, 'rehearsal-arm-light');
    await dialog.getByRole('button', { name: 'Arm', exact: true }).click();
    await page.locator('.rehearsal-arming .mode-chip.auto').waitFor();
    const [entry] = await api<JournalEntryView[]>('GET', '/journal?kind=mode&order=newest&limit=1', admin());
    assert.partialDeepStrictEqual(entry?.details, { rehearsal: id, policy: 'slo', passed: true });
    assert.match(String((entry?.details as { build?: string } | undefined)?.build), /^[0-9a-f]{12}$/);
  });

  test('one that has not tried the own policy says so, and arming without it needs a reason', async () => {
    const { page } = stage;
    const { rehearsal } = await rehearsed({ trace: 'last:10m', policies: [{ name: 'kpa' }] });
    await page.goto(`${stage.platform.control}/rehearsal/${rehearsal}`);
    await page.getByText('it has not tried slo, by which digits is governed').first().waitFor();
    await page.getByRole('button', { name: 'Arm without it' }).click();
    const dialog = page.getByRole('dialog', { name: 'Arm digits' });
    const arm = dialog.getByRole('button', { name: 'Arm', exact: true });
    assert.equal(await arm.isDisabled(), true);
    await dialog.getByLabel('Reason').fill('it is watched');
    assert.equal(await arm.isDisabled(), false);
    await assertAccessible(page, 'arming without a rehearsal');
    await picture(page, 'rehearsal-unfit-light');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
  });

  test('one that is under way is cancelled', async () => {
    const { page } = stage;
    const long = { trace: 'shape:constant', durationSeconds: 604_800, mean: 100, policies: [{ name: 'hpa' }] };
    await api('POST', '/deployments/digits/rehearsals/run', admin(), long);
    await page.goto(`${stage.platform.control}/rehearsal`);
    const progress = page.locator('.rehearsal-progress');
    await progress.getByText('Under way').waitFor();
    await assertAccessible(page, 'a rehearsal under way');
    await picture(page, 'rehearsal-running-light', true);
    await progress.getByRole('button', { name: 'Cancel' }).click();
    await until('nothing to be under way', async () => {
      const all = await api<OperationView[]>('GET', '/operations', admin());
      return all.some(({ kind, state }) => kind === 'rehearse' && state === 'running') ? undefined : true;
    });
  });

  test('what is not there says so', async () => {
    const { page } = stage;
    await page.goto(`${stage.platform.control}/rehearsal/00000000`);
    await page.getByText('REHEARSAL_NOT_FOUND').waitFor();
    await assertAccessible(page, 'a rehearsal that is not there');
  });

  test('whoever reads sees what was rehearsed and no way to act, and the API refuses it, too', async () => {
    const request = { name: 'reader', scopes: ['read'], by: 'test' };
    const { secret } = await api<{ secret: string }>('POST', '/keys', admin(), request);
    const refused = await api<{ code: string }>('POST', '/deployments/digits/rehearsals/run', secret, {});
    assert.equal(refused.code, 'FORBIDDEN');
    await using reading = await stage.browser.open(`${stage.platform.control}/rehearsal`, { expected });
    const { page } = reading;
    await signIn(page, secret);
    await page.getByRole('table').getByText('shape:flash').waitFor();
    assert.equal(await page.getByRole('button', { name: /Rehearse|Cancel/ }).count(), 0);
    await assertAccessible(page, 'rehearsals as a reader');
    await page
      .getByRole('row', { name: /shape:flash/ })
      .getByRole('link')
      .click();
    await page.getByText('It is ground enough').waitFor();
    assert.equal(await page.getByRole('button', { name: /Arm/ }).count(), 0);
    await assertAccessible(page, 'one rehearsal as a reader');
    reading.assertClean();
  });

  test('the browser had nothing to complain of and asked nobody else', () => stage.assertClean());
});
