import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parse as parseYaml } from 'yaml';
import { operationView, planView, statusView } from '../api/schemas.ts';
import { FlyballError } from '../errors.ts';
import { chained, journalStart } from '../journal/entry.ts';
import { deploymentNamed, startFakeControl, versionNamed, type FakeControl } from '../testing/fake-control.ts';
import { stringTerminal, type StringTerminalOptions } from '../testing/string-terminal.ts';
import { main } from './main.ts';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function flyball(
  fake: FakeControl | undefined,
  args: string[],
  options: StringTerminalOptions = {},
): Promise<Ran> {
  const url: Record<string, string> = fake === undefined ? {} : { FLYBALL_URL: fake.url };
  const terminal = stringTerminal({ ...options, env: { ...url, ...options.env } });
  const code = await main(args, terminal);
  return { code, out: terminal.out(), err: terminal.err() };
}

const folder = await mkdtemp(join(tmpdir(), 'flyball-cli-'));
after(() => rm(folder, { recursive: true, force: true }));
const modelPath = join(folder, 'tiny.onnx');
await writeFile(modelPath, 'not read here: the fake does not look inside');
const specificationPath = join(folder, 'spec.yaml');
await writeFile(
  specificationPath,
  'models: { tiny: { path: ./tiny.onnx } }\ndeployments: { tiny: { model: tiny, replicas: { min: 1, max: 2 } } }\n',
);

async function withDigits(): Promise<FakeControl> {
  const fake = await startFakeControl();
  fake.deployments.set('digits', deploymentNamed('digits'));
  fake.models.set('digits', {
    name: 'digits',
    versions: [versionNamed(7, `sha256:${'4b'.repeat(32)}`)],
    aliases: { champion: 7 },
  });
  return fake;
}

test('status shows desired, starting and ready as separate numbers', async () => {
  await using fake = await withDigits();
  const counts = { starting: 2, ready: 4, serving: 4, draining: 1, failed: 0 };
  fake.deployments.set('digits', deploymentNamed('digits', { desired: 6, counts }));
  const { code, out, err } = await flyball(fake, ['status']);
  assert.equal(code, 0);
  assert.equal(err, '');
  assert.match(out, /^lab {2}flyball 0\.1\.0 {2}14:05:07 UTC {2}up 1 h$/m);
  assert.match(
    out,
    /^digits +7@champion +4 ready \+2 starting 1 draining of 6 desired +312 +38 \/ 50 ms +2 +serving$/m,
  );
});

test('status shows what is absent as absent and what is old with its age', async () => {
  await using fake = await withDigits();
  const { load } = deploymentNamed('digits');
  fake.deployments.set('digits', deploymentNamed('digits', { load: { ...load, ageMs: null, p99Ms: null } }));
  fake.deployments.set('ocr', deploymentNamed('ocr', { load: { ...load, ageMs: 90_000 } }));
  const { out } = await flyball(fake, ['status']);
  assert.match(out, /^digits .*no data +– \/ 50 ms +no data/m);
  assert.match(out, /^ocr .*312 \(1 m old\)/m);
});

test('status exits 1 when a deployment is degraded, and says why', async () => {
  await using fake = await withDigits();
  fake.deployments.set('digits', deploymentNamed('digits', { state: 'failed', reason: 'bad magic number' }));
  const { code, out } = await flyball(fake, ['status']);
  assert.equal(code, 1);
  assert.match(out, /failed: bad magic number/);
});

test('status -w piped gives one JSON object a change, and ends with 130 when interrupted', async () => {
  await using fake = await withDigits();
  const terminal = stringTerminal({
    env: { FLYBALL_URL: fake.url },
    onWrite: (out) => {
      const lines = out.trim().split('\n').length;
      if (lines === 1) fake.warnings.push('disk nearly full');
      if (lines === 2) terminal.interrupt();
    },
  });
  assert.equal(await main(['status', '-w'], terminal), 130);
  const [first, second, ...rest] = terminal
    .out()
    .trim()
    .split('\n')
    .map((line) => statusView.parse(JSON.parse(line)));
  assert.deepEqual([first?.warnings, second?.warnings, rest], [[], ['disk nearly full'], []]);
});

test('status -w on a terminal draws on the alternate screen and leaves it again', async () => {
  await using fake = await withDigits();
  const terminal = stringTerminal({
    isTTY: true,
    env: { FLYBALL_URL: fake.url, NO_COLOR: '1' },
    onWrite: (out) => {
      if (out.includes('digits')) terminal.interrupt();
    },
  });
  assert.equal(await main(['status', '-w'], terminal), 130);
  assert.ok(terminal.out().startsWith('\u001B[?1049h'));
  assert.ok(terminal.out().endsWith('\u001B[?1049l'));
});

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

const jsonVerbs: readonly (readonly [string[], (value: unknown) => unknown])[] = [
  [['status'], (value) => statusView.parse(value)],
  [['status', 'digits'], (value) => value],
  [['plan', specificationPath], (value) => planView.parse(value)],
  [['models'], (value) => value],
  [['models', 'show', 'digits'], (value) => value],
  [['models', 'alias', 'digits', 'next', '7'], (value) => operationView.parse(value)],
  [['deploy', modelPath], (value) => value],
  [['explain', 'queue.lengthMax'], (value) => value],
];

for (const [args, check] of jsonVerbs) {
  test(`\`${args[0]} ${args[1]?.includes('/') === true ? '…' : (args[1] ?? '')}\` is data alone on stdout in every format, without an escape code`, async () => {
    await using fake = await withDigits();
    const json = await flyball(fake, [...args, '-o', 'json']);
    check(JSON.parse(json.out));
    for (const line of (await flyball(fake, [...args, '-o', 'ndjson'])).out.trim().split('\n').filter(Boolean))
      JSON.parse(line);
    assert.ok(parseYaml((await flyball(fake, [...args, '-o', 'yaml'])).out) !== undefined);
    for (const env of [{}, { NO_COLOR: '1' }, { TERM: 'dumb' }] as Record<string, string>[]) {
      const { out, err } = await flyball(fake, args, { env, isTTY: Object.keys(env).length > 0 });
      assert.ok(!`${out}${err}`.includes('\u001B'), JSON.stringify(out));
    }
  });
}

test('colour is used on a terminal, and anywhere with FORCE_COLOR', async () => {
  await using fake = await withDigits();
  assert.ok((await flyball(fake, ['status'], { isTTY: true })).out.includes('\u001B['));
  assert.ok((await flyball(fake, ['status'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } })).out.includes('\u001B['));
});

const happened = (): FakeControl['journal'] => {
  const note = { kind: 'change', action: 'scale', subject: 'digits', by: 'ada', reason: 'operation 1' } as const;
  const notes = [
    { ...note, at: Date.UTC(2026, 10, 23, 14, 4, 46) },
    { ...note, kind: 'upkeep' as const, action: 'start 1', by: 'upkeep', at: Date.UTC(2026, 10, 23, 14, 4, 47) },
    { ...note, subject: 'ocr', at: Date.UTC(2026, 10, 23, 14, 5, 0) },
  ];
  return chained(journalStart, notes);
};

test('journal lists what happened, newest last, and takes filters', async () => {
  await using fake = await withDigits();
  fake.journal = happened();
  const { code, out } = await flyball(fake, ['journal', '--deployment', 'digits']);
  assert.equal(code, 0);
  assert.deepEqual(out.split('\n'), [
    '1  2026-11-23 14:04:46 UTC  digits  scale  ada: operation 1',
    '2  2026-11-23 14:04:47 UTC  digits  start 1  upkeep: operation 1',
    '',
  ]);
  const only = await flyball(fake, ['journal', '--kind', 'upkeep', '-o', 'name']);
  assert.equal(only.out, '2\n');
  const json = await flyball(fake, ['journal', 'show', '3', '--json']);
  assert.deepEqual(JSON.parse(json.out), fake.journal[2]);
});

test('alerts shows what came and what was done, and nothing that an alert says is a command to the terminal', async () => {
  await using fake = await withDigits();
  assert.equal((await flyball(fake, ['alerts'])).out, 'No alert has come.\n');
  const at = Date.now() - 90_000;
  fake.alerts = {
    alerts: [
      {
        name: 'Slow',
        source: 'alertmanager',
        fingerprint: 'f',
        state: 'firing',
        labels: { alertname: 'Slow', instance: 'a\u001b[2J' },
        annotations: {},
        startsAt: at,
        heardAt: at,
        notified: 3,
      },
    ],
    actions: [
      {
        id: 1,
        at,
        playbook: 'more',
        on: 'firing',
        alerts: ['Slow'],
        deployment: 'digits',
        action: 'scale out 2 → 4',
        state: 'done',
        why: '2 → 4 replicas',
        entry: 12,
      },
    ],
  };
  const { code, out } = await flyball(fake, ['alerts', '--firing', '--limit', '5']);
  assert.equal(code, 0);
  assert.match(
    out,
    /^ALERT +STATE +FROM +SINCE +HEARD +LABELS\nSlow +firing +alertmanager +1 m +1 m ago +instance=a \[2J\n/,
  );
  assert.match(out, /more +Slow firing +digits +scale out 2 → 4 +done: 2 → 4 replicas \(journal 12\)\n$/);
  assert.equal((await flyball(fake, ['alerts', '-o', 'name'])).out, 'Slow\n');
  assert.deepEqual(JSON.parse((await flyball(fake, ['alerts', '--json'])).out), fake.alerts);
  assert.equal((await flyball(fake, ['alerts', '--limit', '0'])).code, 2);
});

test('an exported journal is verified without a server, and the first bad entry is named', async () => {
  await using fake = await withDigits();
  fake.journal = happened();
  const { out } = await flyball(fake, ['journal', 'export']);
  const path = join(folder, 'journal.jsonl');
  await writeFile(path, out);
  const good = await flyball(undefined, ['journal', 'verify', path]);
  assert.equal(good.code, 0, good.err);
  assert.match(good.out, /^ok {2}3 entries/);
  await writeFile(path, out.replace('start 1', 'start 9'));
  const bad = await flyball(undefined, ['journal', 'verify', path]);
  assert.equal(bad.code, 1);
  assert.match(bad.out, /^!! {2}entry 2: its content is not what was written$/m);
  await writeFile(path, `${out}not json\n`);
  const torn = await flyball(undefined, ['journal', 'verify', path]);
  assert.match(torn.err, /line 4 is not JSON/);
});

test('a mode beyond advise is not even sent without a reason', async () => {
  await using fake = await withDigits();
  const { code, err } = await flyball(fake, ['mode', 'digits', 'auto']);
  assert.equal(code, 2);
  assert.match(err, /the mode auto needs a reason or a rehearsal/);
  const near = await flyball(fake, ['mode', 'digits', 'advice']);
  assert.match(near.err, /did you mean advise\?/);
  assert.deepEqual(fake.requests, []);
});

test('a release of a halt needs a reason', async () => {
  await using fake = await withDigits();
  const { code, err } = await flyball(fake, ['halt', '--release']);
  assert.equal(code, 2);
  assert.match(err, /--release needs a reason/);
  const all = await flyball(fake, ['halt', 'digits', '--all']);
  assert.equal(all.code, 2);
  assert.match(all.err, /--all is of the whole platform, not of digits/);
});

test('status has the mode, the last decision and what waits for a person in one line each', async () => {
  await using fake = await withDigits();
  const at = Date.UTC(2026, 10, 23, 14, 4, 46);
  const decision = { at, from: 4, to: 6, done: 'advised' as const, reason: 'CPU is at 95 %' };
  const governor = {
    mode: 'advise' as const,
    modeBy: 'ada',
    modeReason: 'asked for',
    policy: 'slo',
    target: 6,
    at,
    decision,
  };
  fake.deployments.set('digits', deploymentNamed('digits', { desired: 4, governor }));
  const { out } = await flyball(fake, ['status'], { env: { LANG: 'en_US.UTF-8' } });
  assert.match(out, /STATE +MODE +LAST DECISION$/m);
  assert.match(out, /serving +advise, wants 6 +4→6 advised 21 s ago: CPU is at 95 %$/m);
});
