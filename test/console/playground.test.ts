/** The playground and single requests in a browser, on a platform that reads digits with the model of the examples. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { assertAccessible, picture, withoutBrowser } from '../support/browser.ts';
import { looks, useConsole } from '../support/console-stage.ts';
import { startPlatform, until } from '../support/platform.ts';
import { findPython } from '../support/python.ts';

const example = (path: string): string => fileURLToPath(new URL(`../../examples/digits/${path}`, import.meta.url));
const slow = `
platform: simulated
simulated:
  inputs: [{ name: x, datatype: INT32, shape: [-1, 2] }]
  outputs: [{ name: y, datatype: INT32, shape: [-1, 2] }]
  serviceMs: 300
`;

/** A seven, with the pointer, in the upper left of the pad. */
async function drawSeven(page: Page): Promise<void> {
  const pad = page.getByRole('application', { name: /^Drawing/ });
  await pad.scrollIntoViewIfNeeded();
  const box = await pad.boundingBox();
  assert.ok(box !== null);
  const at = (x: number, y: number): [number, number] => [box.x + box.width * x, box.y + box.height * y];
  await page.mouse.move(...at(0.2, 0.2));
  await page.mouse.down();
  await page.mouse.move(...at(0.6, 0.19), { steps: 8 });
  await page.mouse.move(...at(0.4, 0.75), { steps: 8 });
  await page.mouse.up();
}

describe('Playground and requests', { skip: withoutBrowser }, () => {
  const settings = readFileSync(example('model.yaml'), 'utf8');
  const stage = useConsole({
    start: () =>
      startPlatform({
        models: {
          'digits/1/model.onnx': readFileSync(example('1/model.onnx')),
          'digits/model.yaml': settings.slice(0, settings.indexOf('warmUp:')),
          'slow/1/model.yaml': slow,
          'slow/model.yaml': slow,
        },
        specification: {
          models: { digits: { path: './models/digits' }, slow: { path: './models/slow' } },
          deployments: {
            digits: { model: 'digits' },
            slow: {
              model: 'slow',
              replicas: { min: 1, max: 3 },
              scaling: { policy: 'kpa', parameters: { target: 1 } },
            },
          },
        },
      }),
    ready: (platform) => platform.serving(),
    path: '/d/digits?tab=playground',
    // The browser's own words about an answer that is no success.
    expected: /Failed to load resource: (?:the server responded with a status of 4\d\d|net::ERR_FAILED)/,
  });

  const answer = (page: Page) => page.getByRole('region', { name: 'Answer', exact: true });
  const send = (page: Page) => page.getByRole('button', { name: 'Send' }).click();

  test('a seven that is drawn is read as seven, with where its time went', async () => {
    const { page } = stage;
    await page.getByRole('heading', { name: 'Ask it' }).waitFor();
    assert.ok(await page.getByRole('button', { name: 'Send' }).isDisabled());
    await drawSeven(page);
    await send(page);
    await answer(page).locator('.labels .first', { hasText: 'seven' }).waitFor();
    await answer(page).getByText('computing').waitFor();
    await answer(page).getByText('1 row, alone').waitFor();
    assert.match(await answer(page).locator('.trace').innerText(), /^[0-9a-f]{32}$/);
  });

  test('keys draw too', async () => {
    const { page } = stage;
    await page.getByRole('button', { name: 'Clear' }).click();
    const pad = page.getByRole('application', { name: /^Drawing/ });
    await pad.focus();
    for (let step = 0; step < 10; step += 1) await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Space');
    for (let step = 0; step < 20; step += 1) await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Space');
    await send(page);
    await answer(page).locator('.labels .first', { hasText: 'one' }).waitFor();
  });

  test('a picture that is dropped is sent as it is, and the call that is shown gives the same answer', async () => {
    const { page } = stage;
    await page.getByRole('button', { name: 'File', exact: true }).click();
    assert.match(page.url(), /input=file/);
    const bytes = readFileSync(example('samples/three.png'));
    const transfer = await page.evaluateHandle((base64) => {
      const held = new DataTransfer();
      const content = Uint8Array.from(atob(base64), (character) => character.codePointAt(0) ?? 0);
      held.items.add(new File([content], "it's three.png", { type: 'image/png' }));
      return held;
    }, bytes.toString('base64'));
    await page.locator('.drop').dispatchEvent('drop', { dataTransfer: transfer });
    await page.getByRole('img', { name: /Preview/ }).waitFor();
    await send(page);
    await answer(page).locator('.labels .first', { hasText: 'three' }).waitFor();
    const shown = await page.getByRole('region', { name: 'The call in curl' }).innerText();
    writeFileSync(join(stage.platform.folder, "it's three.png"), bytes);
    const said = execFileSync('sh', ['-c', shown], { cwd: stage.platform.folder, stdio: ['ignore', 'pipe', 'ignore'] });
    assert.match(said.toString(), /"label":"three"/);
    await page.getByRole('button', { name: 'TypeScript' }).click();
    const script = await page.getByRole('region', { name: 'The call in TypeScript' }).innerText();
    // Here the package is not installed under its name.
    const here = script
      .replace("'flyball/client'", JSON.stringify(import.meta.resolve('../../src/client/client.ts')))
      .replace("'sharp'", JSON.stringify(import.meta.resolve('sharp')));
    writeFileSync(
      join(stage.platform.folder, 'call.ts'),
      `${here}\nprocess.stdout.write(String(result.output('scores', 'FP32').indexOf(Math.max(...result.output('scores', 'FP32')))));\n`,
    );
    const printed = execFileSync(process.execPath, ['call.ts'], { cwd: stage.platform.folder, encoding: 'utf8' });
    assert.match(printed, /scores.*Float32Array\(10\)[^]*3$/);
    await page.getByRole('button', { name: 'Python' }).click();
    await page.getByRole('region', { name: 'The call in Python' }).getByText('InferInput("image"').waitFor();
  });

  test('tensors that do not fit are refused with what was expected and what came; those that do are answered', async (t) => {
    const { page } = stage;
    await page.goto(`${stage.platform.control}/d/slow?tab=playground`);
    const editor = page.getByRole('textbox', { name: /Body of the request/ });
    await editor.waitFor();
    assert.match(await editor.inputValue(), /"name": "x", "datatype": "INT32", "shape": \[1,2\]/);
    await editor.fill('{"inputs": [{"name": "x", "datatype": "INT32", "shape": [1, 3], "data": [1, 2, 3]}]}');
    await page.getByText('inputs[0].shape: expected [any, 2], came [1,3]').waitFor();
    assert.ok(await page.getByRole('button', { name: 'Send' }).isDisabled());
    await picture(page, 'playground-wrong', true);
    await editor.fill('{"inputs": [{"name": "x", "datatype": "INT32", "shape": [1, 2], "data": [41, 42]}]}');
    await send(page);
    await answer(page).getByRole('cell', { name: '42' }).waitFor();
    const shown = await page.getByRole('region', { name: 'The call in curl' }).innerText();
    const said = execFileSync('sh', ['-c', shown], { stdio: ['ignore', 'pipe', 'ignore'] });
    assert.match(said.toString(), /\[41,42\]/);
    await page.getByRole('button', { name: 'Python' }).click();
    const script = await page.getByRole('region', { name: 'The call in Python' }).innerText();
    const python = findPython('tritonclient');
    if (python.skip !== false) t.diagnostic(`the call in Python was not run: ${python.skip}`);
    else assert.match(execFileSync(python.path, ['-c', script], { encoding: 'utf8' }), /\[\[41 42\]\]/);
  });

  test('a call that fails says how long it took, and shows each stage that it reached', async () => {
    const { page } = stage;
    await page.goto(`${stage.platform.control}/d/digits?tab=playground&input=file`);
    await page.locator('input[type=file]').setInputFiles({
      name: 'broken.png',
      mimeType: 'image/png',
      buffer: Buffer.from('no picture'),
    });
    await send(page);
    await answer(page).getByRole('alert').waitFor();
    await answer(page).getByText('as this page saw it').waitFor();
    await answer(page).locator('.stage-names li').first().waitFor();
    assert.match(await answer(page).locator('.trace').innerText(), /^[0-9a-f]{32}$/);
    await assertAccessible(page, 'a call that failed');
    await picture(page, 'playground-failed', true);
    await page.route('**/infer', (route) => route.abort());
    await send(page);
    await answer(page).getByText('It reached no gateway').waitFor();
    await page.unroute('**/infer');
  });

  test('a slow request is found, and leads over queue, batch and replica to why', async () => {
    const { page } = stage;
    await page.goto(`${stage.platform.control}/d/slow`);
    const body = JSON.stringify({ inputs: [{ name: 'x', datatype: 'INT32', shape: [1, 2], data: [1, 2] }] });
    const infer = () => fetch(`${stage.platform.http}/v2/models/slow/infer`, { method: 'POST', body });
    await until('a decision', async () => {
      await Promise.all([infer(), infer(), infer()]);
      const answered = await fetch(`${stage.platform.control}/api/v1/journal?subject=slow&kind=decision`);
      return ((await answered.json()) as unknown[]).length > 0 ? true : undefined;
    });
    // In the minutes' slowest by waiting, behind others and with some.
    await Promise.all(Array.from({ length: 6 }, infer));
    await page.getByRole('link', { name: 'Requests', exact: true }).click();
    const row = page.getByRole('link', { name: /^Request [0-9a-f]{12}/ }).first();
    await row.click();
    const drawer = page.getByRole('dialog', { name: 'One request' });
    await drawer.getByText('remembered because').waitFor();
    for (const heading of ['Request', 'Queue', 'Batch', 'Replica', 'The decision in force'])
      await drawer.getByRole('heading', { name: heading, exact: true }).waitFor();
    const why = drawer.getByRole('link', { name: /^Why/ });
    await why.waitFor();
    const href = (await why.getAttribute('href')) ?? '';
    assert.match(href, /^\/why\/slow\?at=\d+$/);
    await drawer.getByText(/^Entry \d+/).waitFor();
    await picture(page, 'request-slow');
    const trace = /trace=([0-9a-f]{32})/.exec(page.url())?.[1];
    await page.goto(`${stage.platform.control}/d/slow?trace=${trace}`);
    await drawer.getByText(trace ?? 'none').waitFor();
    await page.keyboard.press('Escape');
    await drawer.waitFor({ state: 'detached' });
    assert.doesNotMatch(page.url(), /trace=/);
    await page.goto(`${stage.platform.control}${href}`);
    await page.getByRole('heading', { level: 1, name: /slow/ }).waitFor();
    await page.getByText('kpa').first().waitFor();
  });

  test('one that is not remembered says so', async () => {
    const { page } = stage;
    await page.goto(`${stage.platform.control}/d/slow?trace=${'0'.repeat(31)}1`);
    await page.getByRole('dialog').getByText('REQUEST_NOT_FOUND').waitFor();
  });

  test('neither has a barrier that axe finds, in light, dark and on a phone', async () => {
    const { page } = stage;
    const trace = await until('a request to be remembered', async () => {
      const answered = await fetch(`${stage.platform.control}/api/v1/deployments/digits/requests`);
      return ((await answered.json()) as { traceId: string }[])[0]?.traceId;
    });
    await page.goto(`${stage.platform.control}/d/digits?tab=playground`);
    await page.getByRole('heading', { name: 'Ask it' }).waitFor();
    await drawSeven(page);
    await send(page);
    await answer(page).locator('.labels').waitFor();
    await page.mouse.move(0, 0);
    await looks(page, 'playground');
    await page.goto(`${stage.platform.control}/d/slow?tab=playground`);
    await send(page);
    await answer(page).locator('.tensor-table').waitFor();
    await looks(page, 'playground-tensors');
    await page.goto(`${stage.platform.control}/d/digits?tab=requests`);
    await page.locator('.requests tbody tr').first().waitFor();
    await looks(page, 'requests');
    await page.goto(`${stage.platform.control}/d/digits?tab=requests&trace=${trace}`);
    await page.getByRole('dialog').getByText('remembered because').waitFor();
    await looks(page, 'request');
  });

  test('the browser had nothing to complain of and asked nobody else', () => stage.assertClean());
});
