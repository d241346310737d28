/** The console while things go wrong: what is wanted is not what is there, a cause is shown, and STOP acts in every state. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { DeploymentView, JournalEntryView } from '../../src/api/schemas.ts';
import {
  assertAccessible,
  desktop,
  phone,
  picture,
  startBrowser,
  withoutBrowser,
  type OpenPage,
  type TestBrowser,
} from '../support/browser.ts';
import { runCli } from '../support/cli.ts';
import { signIn, startComplaintPlatform, stateOf, type ComplaintPlatform } from '../support/complaint-platform.ts';
import { assertNarrow } from '../support/console-stage.ts';
import { until } from '../support/platform.ts';
import { childPid } from '../support/processes.ts';

/** Before the sign-in, and while control is away. */
const expected = /status of (?:401|404|503)|ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY|network error/i;

describe('the console while things go wrong', { skip: withoutBrowser }, () => {
  let stage: ComplaintPlatform;
  let browser: TestBrowser;
  let opened: OpenPage;
  let key: string;
  before(async () => {
    stage = await startComplaintPlatform();
    browser = await startBrowser();
    opened = await browser.open(`${stage.platform.control}/`, { expected });
    key = await stage.keyFor('ada', 'operate');
    await signIn(opened.page, key);
    // Whoever reloads the page loses this.
    await opened.page.evaluate('window.neverReloaded = true');
  });
  after(async () => {
    await opened?.[Symbol.asyncDispose]();
    await browser?.[Symbol.asyncDispose]();
    await stage?.[Symbol.asyncDispose]();
  });
  const flyball = (...args: string[]): ReturnType<typeof runCli> =>
    runCli([...args, '--data-dir', stage.platform.dataDirectory]);

  test('replicas that never come: desired 10, starting 9, ready 1 are told apart, and never is the target a fact', async () => {
    const { page } = opened;
    const row = page.locator('tr[data-deployment=stalled]');
    await row.waitFor();
    // Each state that the row is ever in, also between two looks.
    await page.evaluate(() => {
      const seen: string[] = [];
      const look = (): void => {
        const cells = ['Desired', 'Starting', 'Ready', 'Serving'].map(
          (label) => document.querySelector(`tr[data-deployment=stalled] [data-label=${label}]`)?.textContent ?? '',
        );
        seen.push(cells.join(' '));
      };
      look();
      new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
      Object.assign(window, { seen });
    });
    await stage.api('POST', '/deployments/stalled/scale', { replicas: 10, by: 'ada' });
    await until('the page to show it', async () => {
      const [desired, starting, ready] = await Promise.all(
        ['Desired', 'Starting', 'Ready'].map((label) => row.locator(`[data-label=${label}]`).textContent()),
      );
      return desired === '10' && starting === '9' && ready === '1' ? true : undefined;
    });
    await page.waitForTimeout(3000);
    const seen = await page.evaluate<string[]>('window.seen');
    assert.ok(seen.includes('10 9 1 1'), seen.join('; '));
    // Desired and starting move one after the other, or together; what is ready and serves never does.
    for (const state of seen) assert.match(state, /^(?:1|10) \d 1 1$/, seen.join('; '));
    await page.getByRole('link', { name: 'stalled', exact: true }).click();
    const counts = page.locator('.counts');
    await counts.getByText('ready', { exact: true }).waitFor();
    const told = await counts
      .locator('> span')
      .evaluateAll((found) =>
        found.map((each) => `${each.querySelector('small')?.textContent} ${/\d+/.exec(each.textContent ?? '')?.[0]}`),
      );
    assert.deepEqual(told, ['desired 10', 'starting 9', 'ready 1', 'serving 1', 'draining 0']);
    assert.doesNotMatch(await page.locator('body').innerText(), /\b10 ?(?:\/|of) ?10\b/);
    await page.getByRole('link', { name: 'Now', exact: true }).click();
    await row.waitFor();
  });

  test('a model that throws on load: console, command line and API show its own message in the first line', async () => {
    const { page } = opened;
    const path = join(stage.platform.folder, 'models', 'unloadable.onnx');
    const deployed = await flyball('deploy', path, '--name', 'unloadable', '--timeout', '60s');
    assert.equal(deployed.code, 1, deployed.stderr);
    const said = /^flyball deploy: (.*NoSuchOperator.*)$/m.exec(deployed.stderr)?.[1];
    assert.ok(said !== undefined, deployed.stderr);
    assert.match(said, /NoSuchOperator/);
    const view = await until('the deployment to say why', async () => {
      const found = await stage.api<DeploymentView>('GET', '/deployments/unloadable');
      return found.reason === undefined ? undefined : found;
    });
    assert.match(view.reason?.split('\n')[0] ?? '', /NoSuchOperator/);
    const status = await flyball('status', 'unloadable');
    assert.equal(status.code, 1, status.stderr);
    assert.match(status.stdout.split('\n')[0] ?? '', /NoSuchOperator/, status.stdout);
    await page.locator('#operations ~ ul').getByText('NoSuchOperator').first().waitFor();
    await page.getByRole('link', { name: 'unloadable', exact: true }).click();
    const note = page.locator('.page-note');
    await note.getByText('NoSuchOperator').waitFor();
    assert.match((await note.innerText()).split('\n')[0] ?? '', /NoSuchOperator/);
    await page.getByRole('link', { name: 'Now', exact: true }).click();
    // On the first page, too, whole, by keyboard and on a phone.
    const row = page.locator('tr[data-deployment=unloadable]');
    const trouble = row.getByRole('button', { name: /NoSuchOperator/ });
    const whole = row.locator('[popover]');
    await trouble.focus();
    await page.keyboard.press('Enter');
    await whole.getByText('NoSuchOperator').waitFor();
    // What is being done about it, at its end, changes meanwhile.
    const own = view.reason?.replace(/ \(trying again.*/s, '') ?? '';
    assert.ok((await whole.locator('p').first().textContent())?.startsWith(own), own);
    await assertAccessible(page, 'the reason of a failed load');
    await page.keyboard.press('Escape');
    await whole.waitFor({ state: 'hidden' });
    await page.setViewportSize(phone);
    await trouble.click();
    await whole.getByText('NoSuchOperator').waitFor();
    await assertNarrow(page, 'the reason of a failed load on a phone');
    await picture(page, 'now-trouble-phone');
    await whole.getByRole('button', { name: 'Close' }).click();
    await whole.waitFor({ state: 'hidden' });
    await page.setViewportSize(desktop);
  });

  /** Stops on the page, sees it told by the stream, and releases; each act stands in the journal in ada's name. */
  async function stopAndRelease(reason: string): Promise<void> {
    const { page } = opened;
    await page.locator('.governor').getByRole('button', { name: 'Stop' }).click();
    const dialog = page.getByRole('dialog', { name: 'Stop the governor' });
    await dialog.getByLabel('Reason').fill(reason);
    await dialog.getByRole('button', { name: 'Stop', exact: true }).click();
    await page.locator('.banner', { hasText: `Stopped by ada` }).getByText(reason).waitFor();
    assert.equal((await stage.platform.status()).governor?.halt?.by, 'ada');
    await page.locator('.governor').getByRole('button', { name: 'Release…' }).click();
    await page.getByRole('dialog').getByLabel('Reason').fill(`no longer ${reason}`);
    await page.getByRole('dialog').getByRole('button', { name: 'Release', exact: true }).click();
    await page.locator('.banner', { hasText: reason }).waitFor({ state: 'detached' });
    const acts = await until('both acts in the journal', async () => {
      const entries = await stage.api<JournalEntryView[]>('GET', '/journal?kind=halt&order=newest&limit=10');
      const own = entries.filter((entry) => entry.reason.includes(reason));
      return own.length === 2 ? own : undefined;
    });
    for (const { by } of acts) assert.equal(by, 'ada');
    assert.equal(await page.evaluate('window.neverReloaded'), true, 'the page was loaded again');
  }

  test('STOP acts while replicas start', async () => {
    assert.equal((await stage.api<DeploymentView>('GET', '/deployments/stalled')).counts.starting, 9);
    await stopAndRelease('they do not come');
  });

  test('STOP acts while a deployment has failed', async () => {
    await stateOf(stage, 'unloadable', /failed|degraded/);
    await stopAndRelease('it cannot be loaded');
  });

  test('STOP acts while a version takes over', async () => {
    // Of the same model, whose first alone ever comes: what is to take over never does.
    const scaled = { model: 'stalled', replicas: { min: 1, max: 2 } };
    await stage.api('PUT', '/deployments/updated', { deployment: scaled, by: 'ada' });
    await stateOf(stage, 'updated', /updating/);
    await stopAndRelease('the new version is wrong');
  });

  test('STOP acts for all while one is halted, and releasing it leaves the one alone', async () => {
    await stage.api('PUT', '/deployments/asked/halt', { reason: 'looked at', by: 'ada' });
    await opened.page.locator('.governor').getByText('1 stopped').waitFor();
    await stopAndRelease('the others too');
    assert.ok((await stage.platform.status()).governor?.halts?.['asked'] !== undefined);
  });

  test('STOP acts once control was started again, without another sign-in and without a reload', async () => {
    const before = childPid(stage.platform, 'control');
    process.kill(before, 'SIGKILL');
    await until('another control', async () => {
      await stage.platform.status();
      return childPid(stage.platform, 'control') === before ? undefined : true;
    });
    // Sign-ins are in the store: the page as it stands finds its way back.
    await opened.page.locator('.governor').getByText('live').waitFor({ timeout: 60_000 });
    await stopAndRelease('control was gone');
  });
});
