/** What a verb says before or without a server: one that is not there, keys, init, explain, doctor. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FlyballError } from '../errors.ts';
import { startFakeControl } from '../testing/fake-control.ts';
import { flyball, openVerbFiles, withDigits } from '../testing/verb-world.ts';

const files = await openVerbFiles();
after(() => files[Symbol.asyncDispose]());
const { folder, modelPath } = files;

test('a name that is not there is answered with the nearest', async () => {
  await using fake = await withDigits();
  const { code, out, err } = await flyball(fake, ['status', 'digit']);
  assert.equal(code, 1);
  assert.equal(out, '');
  assert.match(err, /no deployment is called digit; did you mean digits\?/);
  assert.match(err, /docs\/errors\.md#deployment_not_found/);
});

test('a server that is not there exits 5 and says what to do', async () => {
  const fake = await startFakeControl();
  await fake[Symbol.asyncDispose]();
  const { code, out, err } = await flyball(fake, ['status']);
  assert.equal(code, 5);
  assert.equal(out, '');
  assert.match(err.split('\n')[0] ?? '', /cannot be reached: nothing listens there/);
  assert.match(err, /flyball up/);
  assert.doesNotMatch(err, /at .*\.ts:\d+/);
});

test('the trace is shown with -v and only then', async () => {
  const fake = await startFakeControl();
  await fake[Symbol.asyncDispose]();
  assert.match((await flyball(fake, ['status', '-v'])).err, /control-call\.(ts|js):\d+/);
});

test('FLYBALL_API_KEY is sent as a bearer token, and a refusal keeps its code', async () => {
  await using fake = await withDigits();
  fake.refusal = new FlyballError('UNAUTHENTICATED', 'expected an API key');
  const { code, err } = await flyball(fake, ['status'], { env: { FLYBALL_API_KEY: 'secret' } });
  assert.equal(code, 1);
  assert.equal(fake.headers[0]?.authorization, 'Bearer secret');
  assert.match(err, /UNAUTHENTICATED/);
});

test('init writes a specification that loads, and does not overwrite it', async () => {
  const cwd = await mkdtemp(join(folder, 'init-'));
  const { code, out, err } = await flyball(undefined, ['init', modelPath], { cwd });
  assert.equal(code, 0, err);
  assert.equal(out, `${join(cwd, 'flyball.yaml')}\n`);
  const text = await readFile(join(cwd, 'flyball.yaml'), 'utf8');
  const { parseSpecification } = await import('../config/load.ts');
  assert.equal(parseSpecification(text, 'flyball.yaml').deployments['tiny']?.model, 'tiny');
  const again = await flyball(undefined, ['init'], { cwd });
  assert.equal(again.code, 2);
  assert.match(again.err, /is there already[\s\S]*--force/);
  assert.equal((await flyball(undefined, ['init', '--force'], { cwd })).code, 0);
});

test('explain answers from the schema, and an unknown key is a usage error', async () => {
  assert.match((await flyball(undefined, ['explain', 'deployments.digits.replicas.max'])).out, /Replicas at most/);
  const { code, out } = await flyball(undefined, ['explain', 'replicsa.max']);
  assert.equal(code, 2);
  assert.equal(out, '');
});

test('doctor names what was found and wanted for each check, in a stable order', async () => {
  await using fake = await withDigits();
  const { out } = await flyball(fake, ['doctor', '-o', 'json', '--data-dir', folder]);
  const { checks } = JSON.parse(out) as { checks: { name: string; state: string; found: string; wanted: string }[] };
  assert.deepEqual(
    checks.map(({ name }) => name),
    [
      'node',
      'onnxruntime',
      'sharp',
      'jpeg-turbo',
      'data directory',
      'disk',
      'ports',
      'cgroup',
      'memory',
      'clock',
      'control',
    ],
  );
  for (const check of checks) assert.ok(check.found !== '' && check.wanted !== '' && check.state !== '', check.name);
});

test('doctor exits 1 when a check fails, with the command that fixes it', async () => {
  await using fake = await withDigits();
  fake.refusal = new FlyballError('INTERNAL', 'the store is broken');
  const { code, out } = await flyball(fake, ['doctor', '--data-dir', folder]);
  assert.equal(code, 1);
  assert.match(out, /^FAIL {2}control +the store is broken\n +wanted: .*\n +fix: /m);
});
