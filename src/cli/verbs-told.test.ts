/** Verbs that tell what is and what happened: status, journal, alerts, modes and halts, and each as data. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parse as parseYaml } from 'yaml';
import { operationView, planView, statusView } from '../api/schemas.ts';
import { chained, journalStart } from '../journal/entry.ts';
import { deploymentNamed, type FakeControl } from '../testing/fake-control.ts';
import { stringTerminal } from '../testing/string-terminal.ts';
import { main } from './main.ts';
import { flyball, openVerbFiles, withDigits } from '../testing/verb-world.ts';

const files = await openVerbFiles();
after(() => files[Symbol.asyncDispose]());
const { folder, modelPath, specificationPath } = files;

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
