/** Verbs that change what is served, at a control that is fake: plan, deploy, scale, infer, load, models, down. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { operationView } from '../api/schemas.ts';
import { flyball, openVerbFiles, withDigits } from '../testing/verb-world.ts';

const files = await openVerbFiles();
after(() => files[Symbol.asyncDispose]());
const { folder, modelPath, specificationPath } = files;

test('plan exits 0 without and 3 with changes, and prints the fingerprint', async () => {
  await using fake = await withDigits();
  const same = await flyball(fake, ['plan', specificationPath]);
  assert.equal(same.code, 0);
  assert.match(same.out, /no changes.*4be1c0d2a9f0/);
  fake.plan = {
    ...fake.plan,
    changes: [{ action: 'add', subject: 'deployments.tiny', text: 'adds deployments.tiny' }],
  };
  const differs = await flyball(fake, ['plan', specificationPath]);
  assert.equal(differs.code, 3);
  assert.match(differs.out, /\+ add .*deployments\.tiny/);
  assert.match(differs.out, /flyball deploy \S+spec\.yaml --plan 4be1c0d2a9f0$/m);
  assert.ok(!fake.requests.includes('PUT /api/v1/specification'));
});

test('plan refuses a specification with an unknown key: exit 2, the nearest key named', async () => {
  await using fake = await withDigits();
  const path = join(folder, 'wrong.yaml');
  await writeFile(path, 'deploymnets: {}\n');
  const { code, err } = await flyball(fake, ['plan', path]);
  assert.equal(code, 2);
  assert.match(err, /deployments/);
});

test('deploying a model uploads it by digest once, follows the operation and prints address and first answer', async () => {
  await using fake = await withDigits();
  const { code, out, err } = await flyball(fake, ['deploy', modelPath, '--slo', 'p99=50ms', '--max', '8']);
  assert.equal(code, 0, err);
  assert.match(err, /^ ok {2}tiny:1 {2}digest sha256:[0-9a-f]{8} {2}in FP32\[-1,4\] {2}out FP32\[-1,2\] +\d+\.\d s$/m);
  assert.match(err, /^ ok {2}tiny: replica loads +1\.1 s$/m);
  assert.match(out, /^ ok {2}http:\/\/127\.0\.0\.1:\d+\/v2\/models\/tiny {3}first answer [\d.]+ ms$/m);
  assert.equal(fake.requests.filter((each) => each.startsWith('PUT /api/v1/artefacts/')).length, 1);
  await flyball(fake, ['deploy', modelPath]);
  assert.equal(fake.requests.filter((each) => each.startsWith('PUT /api/v1/artefacts/')).length, 1);
});

test('deploying a specification applies it as a whole', async () => {
  await using fake = await withDigits();
  const { code, out, err } = await flyball(fake, ['deploy', specificationPath, '-o', 'json']);
  assert.equal(code, 0, err);
  assert.equal(operationView.parse((JSON.parse(out) as { operation: unknown }).operation).kind, 'apply');
  assert.ok(fake.requests.includes('PUT /api/v1/specification'));
});

test('deploy --plan refuses before it uploads when the fingerprint no longer fits', async () => {
  await using fake = await withDigits();
  const { code, err } = await flyball(fake, ['deploy', specificationPath, '--plan', 'old']);
  assert.equal(code, 1);
  assert.match(err, /PLAN_OUTDATED/);
  assert.deepEqual(
    fake.requests.filter((each) => !/^(GET|POST) \/api\/v1\/(status|models|plan)$/.test(each)),
    [],
  );
});

test("a model that cannot be loaded exits 1 with the runtime's own words in the first line", async () => {
  await using fake = await withDigits();
  fake.operationError = { code: 'MODEL_LOAD_FAILED', detail: 'tiny: Protobuf parsing failed.' };
  const { code, out, err } = await flyball(fake, ['deploy', modelPath]);
  assert.equal(code, 1);
  assert.equal(out, '');
  assert.match(err, /^flyball deploy: tiny: Protobuf parsing failed\.$/m);
});

test('deploy always ends: past --timeout it exits 6 and says where the operation is', async () => {
  await using fake = await withDigits();
  fake.stuck = true;
  const { code, err } = await flyball(fake, ['deploy', modelPath, '--timeout', '50ms']);
  assert.equal(code, 6);
  assert.match(err, /did not end within 0\.05 s; it is at: tiny: replica loads/);
});

test('deploy --no-wait returns at once', async () => {
  await using fake = await withDigits();
  fake.stuck = true;
  const { code, err } = await flyball(fake, ['deploy', modelPath, '--no-wait']);
  assert.equal(code, 0);
  assert.match(err, /operation op-1 goes on/);
});

test('infer prints labels with bars on stdout and the latency on stderr', async () => {
  await using fake = await withDigits();
  const image = join(folder, 'seven.png');
  await writeFile(image, Buffer.from('\u0089PNG\r\n\u001A\n more', 'latin1'));
  const { code, out, err } = await flyball(fake, ['infer', 'digits', image]);
  assert.equal(code, 0, err);
  assert.match(out, /^seven {3}0\.9800 {2}█+\none +0\.0100\n$/);
  assert.match(err, /answered in [\d.]+ m?s/);
  assert.ok(fake.requests.includes('POST /predictions/digits'));
  const ascii = await flyball(fake, ['infer', 'digits', image], { env: { LANG: 'C' } });
  assert.match(ascii.out, /^seven {3}0\.9800 {2}#+$/m);
});

test('infer reads stdin, and sends a V2 body to /v2', async () => {
  await using fake = await withDigits();
  const stdin = '{"inputs":[{"name":"x","datatype":"FP32","shape":[1,4],"data":[0,0,0,0]}]}';
  const { code, out, err } = await flyball(fake, ['infer', 'digits', '-'], { stdin });
  assert.equal(code, 0, err);
  assert.equal(out, 'y  FP32[1,2]  0 1.5\n');
  assert.ok(fake.requests.includes('POST /v2/models/digits/infer'));
});

test("infer shows the server's own words when it refuses the input", async () => {
  await using fake = await withDigits();
  const { code, out, err } = await flyball(fake, ['infer', 'digits', '-', '--type', 'png'], { stdin: 'broken' });
  assert.equal(code, 1);
  assert.equal(out, '');
  assert.match(err, /expected a PNG, got something broken[\s\S]*INVALID_IMAGE/);
});

test('scale and deploy --replicas are one: they follow the operation and say what there is', async () => {
  await using fake = await withDigits();
  for (const words of [
    ['scale', 'digits', '3'],
    ['deploy', 'digits', '--replicas', '3'],
  ]) {
    const { code, out, err } = await flyball(fake, words);
    assert.equal(code, 0, err);
    assert.match(out, /digits +3 of 3 replicas ready, serving/);
    assert.match(err, /replica loads.*1\.1 s/);
  }
  for (const [words, says] of [
    [['deploy', modelPath, '--replicas', '3'], /--replicas scales a deployment that runs/],
    [['deploy', 'digits', '--replicas', '3', '--max', '4'], /--max changes nothing beside --replicas/],
    [['deploy', modelPath, '--idle', '5m'], /it needs --min 0/],
    [['scale', 'digits', 'many'], /REPLICAS/],
  ] as const) {
    const { code, err } = await flyball(fake, [...words]);
    assert.equal(code, 2);
    assert.match(err, says);
  }
});

test('load measures a deployment and reports as JSON, with the live lines on stderr', async () => {
  await using fake = await withDigits();
  const { code, out, err } = await flyball(fake, ['load', 'digits', '--rate', '50/s', '--duration', '200ms', '--json']);
  assert.equal(code, 0, err);
  const report = JSON.parse(out) as { ok: number; scheduled: number; latency: { p99Ms: number } };
  assert.equal(report.ok, report.scheduled);
  assert.ok(report.latency.p99Ms > 0);
  assert.match(err, /open loop, constant 50\/s, poisson arrivals/);
});

test('load refuses a target on another machine unless told to', async () => {
  const args = ['load', 'digits', '--http-url', 'http://192.0.2.1:8000', '--duration', '1s'];
  const { code, err } = await flyball(undefined, args);
  assert.equal(code, 2);
  assert.match(err, /not on this machine[\s\S]*--allow-remote/);
});

test('models lists, shows, adds, points aliases and removes', async () => {
  await using fake = await withDigits();
  assert.match((await flyball(fake, ['models'])).out, /^digits +1 +7 +@champion=7/m);
  assert.match((await flyball(fake, ['models', 'show', 'digits'])).out, /^ +7 +@champion +sha256:4b4b4b4b…/m);
  const added = await flyball(fake, ['models', 'add', 'digits', modelPath, '--version', '8', '-o', 'name']);
  assert.equal(added.out, 'digits:8\n', added.err);
  assert.equal(
    (await flyball(fake, ['models', 'alias', 'digits', 'champion', '8'])).out,
    'digits@champion is version 8\n',
  );
  assert.equal(fake.models.get('digits')?.aliases['champion'], 8);
  const unasked = await flyball(fake, ['models', 'remove', 'digits']);
  assert.equal(unasked.code, 2);
  assert.match(unasked.err, /--yes/);
  assert.equal((await flyball(fake, ['models', 'remove', 'digits', '--yes'])).code, 0);
  assert.equal(fake.models.size, 0);
});

test('removing on a terminal goes on only when the name is typed', async () => {
  await using fake = await withDigits();
  const wrong = await flyball(fake, ['models', 'remove', 'digits'], { isTTY: true, stdin: 'yes\n' });
  assert.equal(wrong.code, 1);
  assert.equal(fake.models.size, 1);
  const right = await flyball(fake, ['models', 'remove', 'digits'], { isTTY: true, stdin: 'digits\n' });
  assert.equal(right.code, 0);
  assert.equal(fake.models.size, 0);
});

test('down asks for the shutdown and waits until nobody answers; nothing running is no error', async () => {
  await using fake = await withDigits();
  const first = await flyball(fake, ['down']);
  assert.equal(first.code, 0, first.err);
  assert.equal(fake.isDown(), true);
  const second = await flyball(fake, ['down']);
  assert.equal(second.code, 0);
  assert.match(second.err, /nothing is running at/);
});
