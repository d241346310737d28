/**
 * Schemathesis, from PyPI, on both OpenAPI documents of a real platform whose callers need keys: it makes up some
 * thousand requests from them and holds the answers against them. It must find nothing.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { doubler } from '../fixtures/models.ts';
import { startPlatform, type Platform } from '../support/platform.ts';

const install = fileURLToPath(new URL('../clients/install.sh', import.meta.url));
const config = fileURLToPath(new URL('../clients/schemathesis.toml', import.meta.url));
const place = spawnSync('bash', [install]).stdout?.toString().trim() ?? '';
const schemathesis = join(place, 'schemathesis', 'bin', 'schemathesis');
const missing = existsSync(schemathesis)
  ? false
  : `no ${schemathesis}; test/clients/install.sh schemathesis installs it`;

/** Made-up requests an operation in the last phase; the one before goes through every keyword of the document once. */
const examplesMax = 5;
/** An end for a run that hangs; a whole one takes half a minute on a machine that does nothing else. */
const runMsMax = 1_200_000;
/**
 * Not asked: whether everything that fits the document is taken. A name is free in the document, and only those that are
 * served are taken; the data of a tensor has to fit its shape, which no schema can say.
 */
const excluded = 'positive_data_acceptance';

function run(
  platform: Platform,
  url: string,
  key: string,
  ...more: readonly string[]
): Promise<{ readonly code: number | null; readonly text: string }> {
  const options = [
    '--config-file',
    config,
    '--no-color',
    'run',
    url,
    '-H',
    `Authorization: Bearer ${key}`,
    '--max-examples',
    String(examplesMax),
  ];
  const limits = ['--phases', 'coverage,fuzzing', '--seed', '1', '--continue-on-failure', '--warnings', 'off'];
  const child = spawn(schemathesis, [...options, ...limits, '--exclude-checks', excluded, ...more], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // It keeps what it has found where it runs.
    cwd: platform.folder,
    timeout: runMsMax,
  });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code, text }));
  });
}

test(
  'schemathesis is here where everything is checked',
  { skip: process.env['CI'] === 'true' ? false : missing },
  () => {
    assert.equal(missing, false);
  },
);

describe('the OpenAPI documents', { skip: missing }, () => {
  let platform: Platform;
  before(async () => {
    platform = await startPlatform({
      models: { 'doubler/1/model.onnx': doubler() },
      specification: {
        auth: { keys: 'required' },
        models: { doubler: { path: './models/doubler' } },
        deployments: { doubler: { model: 'doubler' } },
      },
    });
    await platform.serving();
  });
  after(() => platform[Symbol.asyncDispose]());

  const documents = [
    { name: 'inference', url: () => `${platform.http}/openapi.json`, options: [] },
    // Ending the platform, or taking the key away under it, would end the test; one that waits for what is to come, and
    // a stream that has no end, are held by tests of their own, this client gives up on them.
    {
      name: 'control',
      url: () => `${platform.control}/api/v1/openapi.json`,
      options: [
        '--exclude-operation-id',
        'shutdown',
        '--exclude-operation-id',
        'revokeKey',
        '--exclude-operation-id',
        'readJournal',
        '--exclude-operation-id',
        'events',
      ],
    },
  ];
  for (const { name, url, options } of documents)
    test(`of ${name} tells the truth: made-up requests find nothing`, async (context) => {
      const key = platform.adminKey() ?? '';
      // The document itself is fetched with the key as well.
      const { code, text } = await run(platform, url(), key, ...options);
      const [figures = '', generated = '0'] = /(\d[\d,]*) generated.*/.exec(text) ?? [];
      context.diagnostic(figures);
      assert.equal(code, 0, text.slice(-12_000));
      assert.ok(Number(generated.replaceAll(',', '')) > 300, `a run that tried hardly anything: ${text.slice(-2000)}`);
      assert.ok(!text.includes(key), 'and does not repeat the key');
    });
});
