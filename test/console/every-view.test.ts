/**
 * What holds on every view of the console, in each state that it can be in: an empty platform, one that serves, and one that
 * is looked at by somebody who may only read. Views come from the console's own table: none can be forgotten.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'playwright-core';
import { routes } from '../../src/api/routes.ts';
import type { ApprovalView } from '../../src/api/schemas.ts';
import { parseSpecification } from '../../src/config/load.ts';
import { ask } from '../support/ask.ts';
import { assertAccessible, setTheme, startBrowser, withoutBrowser, type TestBrowser } from '../support/browser.ts';
import { signIn, startComplaintPlatform, type ComplaintPlatform } from '../support/complaint-platform.ts';
import { addressesOf, patterns, visit } from '../support/console-views.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';

/** Of a page that asks before it is signed in, for what is not there, or for what its key does not hold. */
const expected = /status of (?:401|403|404)/;
const addresses = addressesOf({
  d: ['plain', 'nobody'],
  why: ['asked'],
  models: ['slow'],
  releases: ['1'],
  rehearsal: ['0000'],
});
/** What acts, by what it says; the words of a link that leads to it are not among them. */
const acting =
  /^(?:■ )?(?:Stop|Release…?|Approve.*|Reject.*|Scale.*|Deploy|Arm.*|Rehearse|Remove.*|Send.*|Halt.*|Set .*)$/;

/** Badges of the page, each as its tone, its shape and its word. */
const badges = (page: Page): Promise<readonly (readonly [string, string, string])[]> =>
  page.locator('.badge').evaluateAll((found) =>
    found.map((badge) => {
      const shape = badge.querySelector('[aria-hidden=true]')?.textContent ?? '';
      return [badge.className, shape, (badge.textContent ?? '').slice(shape.length).trim()] as const;
    }),
  );

describe('every view of the console', { skip: withoutBrowser }, () => {
  let stage: ComplaintPlatform;
  let empty: Platform;
  let browser: TestBrowser;
  const started = new AsyncDisposableStack();
  before(async () => {
    // Both are waited for: one that comes after the other has failed would stay.
    const [first, second] = await Promise.allSettled([startComplaintPlatform(), startPlatform({ specification: {} })]);
    if (first.status === 'fulfilled') stage = started.use(first.value);
    if (second.status === 'fulfilled') empty = started.use(second.value);
    for (const each of [first, second]) if (each.status === 'rejected') throw each.reason;
    browser = started.use(await startBrowser());
    await until('a change that waits', async () => {
      const { approvals } = await stage.api<{ approvals: ApprovalView[] }>('GET', '/governor');
      return approvals.length > 0 ? true : undefined;
    });
  });
  after(() => started.disposeAsync());

  /** In both themes; whatever is said by colour is said by a shape and a word as well. */
  async function look(page: Page, url: string, tones: Map<string, string>): Promise<void> {
    await visit(page, url);
    for (const theme of ['light', 'dark'] as const) {
      await setTheme(page, theme);
      await assertAccessible(page, `${url}, ${theme}`);
    }
    for (const [tone, shape, word] of await badges(page)) {
      assert.match(word, /\p{L}/u, `${url}: a badge without a word`);
      assert.equal(tones.get(tone) ?? shape, shape, `${url}: ${tone} has two shapes`);
      tones.set(tone, shape);
    }
  }

  test('the table of views was read', () => assert.ok(patterns.length >= 8, patterns.join(' ')));

  test('axe finds nothing, in light and dark: while nothing is served', async () => {
    await using opened = await browser.open(`${empty.control}/`, { expected });
    for (const address of addresses) await look(opened.page, `${empty.control}${address}`, new Map());
    opened.assertClean();
  });

  test('axe finds nothing, in light and dark: while it serves; tones have a shape of their own, and nobody else is asked', async () => {
    const { control } = stage.platform;
    await using opened = await browser.open(`${control}/`, { expected });
    await signIn(opened.page, stage.admin);
    const tones = new Map<string, string>();
    for (const address of addresses) {
      await look(opened.page, `${control}${address}`, tones);
      await opened.page.emulateMedia({ forcedColors: 'active' });
      await assertAccessible(opened.page, `${address}, in the person's own colours`);
      await opened.page.emulateMedia({ forcedColors: 'none' });
    }
    assert.ok(tones.size >= 3, [...tones.keys()].join());
    assert.equal(new Set(tones.values()).size, tones.size, 'two tones share a shape');
    // That what follows can fail: whoever may act is offered it.
    await visit(opened.page, `${control}/`);
    assert.ok((await offered(opened.page)).length > 0);
    opened.assertClean();
  });

  test('axe finds nothing where nothing can be read; each view says what is the matter and what to do', async () => {
    const { control } = stage.platform;
    await using opened = await browser.open(`${control}/`, { expected: /status of (?:401|500)/ });
    const { page } = opened;
    await signIn(page, stage.admin);
    const detail = 'the store cannot be read';
    const body = JSON.stringify({ type: 'about:blank', title: 'Internal', status: 500, code: 'INTERNAL', detail });
    await page.route(/\/api\/v1\/(?!caller|events)/, (route) =>
      route.fulfill({ status: 500, contentType: 'application/problem+json', body }),
    );
    // These ask for nothing that may fail.
    const quiet = new Set(['/d', '/d/nobody', '/releases', '/releases/1', '/sign-in']);
    for (const address of addresses) {
      await visit(page, `${control}${address}`);
      if (!quiet.has(address)) {
        const notice = page.locator('main .notice.bad').first();
        await notice.getByText(detail).waitFor();
        await notice.getByRole('button', { name: 'Try again' }).waitFor();
      }
      await assertAccessible(page, `${address}, where nothing can be read`);
    }
    opened.assertClean();
  });

  /** Names of the controls that act, of the page as it is. */
  const offered = async (page: Page): Promise<readonly string[]> => {
    const names = await page
      .locator('button, input[type=submit], [role=button]')
      .evaluateAll((found) => found.map((each) => (each.textContent ?? '').trim()));
    return names.filter((name) => acting.test(name));
  };

  test('axe finds nothing for whoever may only read; there is nothing to act with, and no press sends an act', async () => {
    const { control } = stage.platform;
    // A press may take away the form that its button is of.
    const canceled = new RegExp(`${expected.source}|form is not connected`);
    await using opened = await browser.open(`${control}/`, { expected: canceled });
    const { page } = opened;
    await signIn(page, await stage.keyFor('reader', 'read'));
    const acts: string[] = [];
    page.on('request', (request) => {
      if (!['GET', 'HEAD'].includes(request.method())) acts.push(`${request.method()} ${request.url()}`);
    });
    for (const address of addresses.filter((each) => each !== '/sign-in')) {
      await look(page, `${control}${address}`, new Map());
      assert.deepEqual(await offered(page), [], address);
      // Each button is pressed, and those that its dialog brings; the way out alone is left.
      for (let round = 0; round < 2; round += 1) {
        await page.evaluate(async () => {
          for (const button of document.querySelectorAll('button')) {
            if (!button.isConnected || (button.textContent ?? '').startsWith('Sign out')) continue;
            button.click();
            await new Promise((resolve) => {
              setTimeout(resolve, 20);
            });
          }
        });
        assert.deepEqual(await offered(page), [], `${address}, after ${round + 1} rounds of presses`);
      }
      assert.deepEqual(acts, [], address);
    }
    // By key neither.
    await visit(page, `${control}/`);
    await page.keyboard.press('.');
    await page.locator('.governor').getByRole('button', { name: '1 waits' }).click();
    await page.getByRole('dialog', { name: 'Waiting for approval' }).waitFor();
    assert.equal(await page.getByRole('dialog').count(), 1);
    assert.deepEqual(await offered(page), []);
    opened.assertClean();
  });

  test('the API refuses each route that acts, and inference, to a key that may only read: 403', async () => {
    const authorization = `Bearer ${await stage.keyFor('another reader', 'read')}`;
    const values: Readonly<Record<string, string>> = {
      name: 'plain',
      version: '1',
      alias: 'a',
      id: '1',
      digest: 'sha256:0',
    };
    const closed = routes.filter(({ scope }) => ['operate', 'admin', 'infer'].includes(scope));
    for (const { method, path, acts, scope } of routes)
      if (acts !== undefined) assert.notEqual(scope, 'read', `${method} ${path} acts and asks for read`);
    assert.ok(closed.length > 20, `${closed.length}`);
    for (const { method, path } of closed) {
      const url = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? 'x');
      const answer = await ask(`${stage.platform.control}/api/v1${url}`, {
        method,
        headers: { authorization, 'content-type': 'application/json' },
        ...(['POST', 'PUT'].includes(method) && { body: '{}' }),
      });
      assert.equal(answer.status, 403, `${method} ${path}: ${answer.body.toString()}`);
    }
  });

  test('where nothing is said, nothing listens outside loopback', () => {
    const { listeners } = parseSpecification('{}', 'empty');
    for (const [name, listener] of Object.entries(listeners))
      if (listener !== undefined) assert.equal((listener as { host: string }).host, '127.0.0.1', name);
  });
});
