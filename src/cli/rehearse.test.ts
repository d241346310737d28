/** `flyball rehearse` as it is typed: what it prints, and what it says of input that is wrong. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { Report } from '../rehearsal/report/compare.ts';
import { stringTerminal } from '../testing/string-terminal.ts';
import { main } from './main.ts';

const cwd = await mkdtemp(join(tmpdir(), 'flyball-rehearse-'));
after(() => rm(cwd, { recursive: true, force: true }));

async function rehearse(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const terminal = stringTerminal({ cwd });
  const code = await main(['rehearse', ...args], terminal);
  return { code, out: terminal.out(), err: terminal.err() };
}

const file = (name: string, content: string | Uint8Array): Promise<void> => writeFile(join(cwd, name), content);
await file('minutes.csv', 'minute,requests\n0,1200\n1,2400\n2,600\n');
await file('two.csv', `second,web,api\n${Array.from({ length: 60 }, (_, second) => `${second},20,40`).join('\n')}\n`);
await file('holes.csv', 'second,rate\n0,10\n9,10\n');
await file('disorder.csv', 'second,rate\n0,10\n1,10\n0,10\n');
await file('garbage.csv', 'minute,requests\n0,10\n<html>\n');
await file('binary.csv', Uint8Array.of(0xff, 0xfe, 0));
await file('silent.csv', 'second,rate\n0,0\n1,0\n');
await file(
  'spec.yaml',
  [
    'models: { tiny: { path: ./tiny.onnx } }',
    'deployments:',
    '  a: { model: tiny, replicas: { min: 2, max: 3 }, slo: { p99Ms: 40 }, deadline: { defaultMs: 400 } }',
    '  b: { model: tiny, batching: { delayMs: 5 } }',
  ].join('\n'),
);

test('a table, and what it means in words', async () => {
  const { code, out, err } = await rehearse(
    '--trace',
    'shape:flash',
    '--duration',
    '2m',
    '--mean',
    '20/s',
    '--lag',
    '5',
  );
  assert.equal(code, 0, err);
  assert.match(err, /shape:flash at 20 requests\/s for 2 min; .*each ready\s+after 5\.0 s/s);
  assert.match(out, /^2 min and \d+ requests, \d+ times, in [\d.]+ s; seed 1$/m);
  assert.match(out, /^POLICY +MISSED +SHED +P50 +P99 +REPLICA-H +COST +ACTIONS +FLAPS +× BOUND$/m);
  for (const name of ['thresholds', 'hpa', 'kpa', 'keda', 'ray', 'aws-target', 'aws-step', 'fixed count=\\d+'])
    assert.match(out, new RegExp(`^${name} +[\\d.<]+`, 'm'), name);
  assert.match(out, /keeps 1 %|None keeps 1 %/);
  assert.match(out, /Who knew the future would need/);
});

test('--json is one object and the same for the same seed, but for the time that it took', async () => {
  const args = ['--trace', 'minutes.csv', '--policies', 'hpa:cpuPercent=70,tolerance=0.05,fixed:count=6', '--json'];
  const run = async (...more: string[]): Promise<Report> => {
    const { code, out, err } = await rehearse(...args, ...more);
    assert.equal(code, 0, err);
    return { ...(JSON.parse(out) as Report), wallSeconds: 0 };
  };
  const first = await run(
    '--faults',
    'crash:everySeconds=20,telemetry-gap',
    '--spread',
    '0.5',
    '--lag',
    'container:0.3',
  );
  assert.deepEqual(
    await run('--faults', 'crash:everySeconds=20,telemetry-gap', '--spread', '0.5', '--lag', 'container:0.3'),
    first,
  );
  assert.deepEqual([first.trace, first.seed, first.simulatedSeconds], ['minutes.csv', 1, 180]);
  assert.ok(Math.abs(first.requests - 4200) < 200, `${first.requests}`);
  assert.deepEqual(
    first.policies.map(({ name, parameters }) => ({ name, parameters })),
    [
      { name: 'hpa', parameters: { cpuPercent: 70, tolerance: 0.05 } },
      { name: 'fixed', parameters: { count: 6 } },
    ],
  );
  assert.notEqual((await run('--seed', '2')).requests, first.requests);
});

test('what is tolerated is also what a policy is told that asks for it, unless it is given its own', async () => {
  const args = ['--trace', 'minutes.csv', '--tolerate', '0.1%', '--policies', 'slo,slo:tolerated=0.05,hpa', '--json'];
  const { code, out, err } = await rehearse(...args);
  assert.equal(code, 0, err);
  const { policies } = JSON.parse(out) as Report;
  assert.deepEqual(
    policies.map(({ parameters }) => parameters),
    [{ tolerated: 0.001 }, { tolerated: 0.05 }, {}],
  );
});

test('a column is taken by its name, after the file or as an option', async () => {
  const requests = async (...args: string[]): Promise<number> => {
    const { code, out, err } = await rehearse('--policies', 'hpa', '--json', '--trace', ...args);
    assert.equal(code, 0, err);
    return (JSON.parse(out) as Report).requests;
  };
  const api = await requests('two.csv#api');
  assert.ok(Math.abs(api - 2400) < 200, `${api}`);
  assert.equal(await requests('two.csv', '--column', 'api'), api);
});

test('bounds, objective and deadline come from the specification, and options go before it', async () => {
  const told = async (...args: string[]): Promise<string> =>
    (await rehearse('--trace', 'minutes.csv', '--policies', 'hpa', '--service', '20ms', '--spec', 'spec.yaml', ...args))
      .err;
  const plain = (await told('--deployment', 'a')).replaceAll(/\s+/g, ' ');
  assert.match(plain, /objective 40 ms for all but 1 %, deadline 400 ms; 2 to 3 replicas/);
  const other = (await told('--deployment', 'a', '--slo', 'p99=60ms', '--max', '9', '--tolerate', '0.1%')).replaceAll(
    /\s+/g,
    ' ',
  );
  assert.match(other, /objective 60 ms for all but 0\.1 %, deadline 400 ms; 2 to 9 replicas/);
  assert.match(await told(), /has 2 deployments: a, b/);
  assert.match(await told('--deployment', 'c'), /has no deployment c, expected one of a, b/);
  assert.match(await told('--deployment', 'b'), /batching\.delayMs is not rehearsed/);
});

test('--html writes a page or, by its name, the picture alone', async () => {
  const { code, err } = await rehearse('--trace', 'minutes.csv', '--policies', 'hpa', '--html', 'report.html');
  assert.equal(code, 0, err);
  assert.match(err, /wrote report\.html/);
  assert.match(await readFile(join(cwd, 'report.html'), 'utf8'), /^<!doctype html>[^]*<svg [^]*<\/html>\n$/);
  await rehearse('--trace', 'minutes.csv', '--policies', 'hpa', '--html', 'report.svg');
  assert.match(await readFile(join(cwd, 'report.svg'), 'utf8'), /^<svg [^]*<\/svg>\n$/);
  const nowhere = await rehearse('--trace', 'minutes.csv', '--policies', 'hpa', '--html', 'no/such/report.html');
  assert.deepEqual([nowhere.code, nowhere.out], [2, '']);
  assert.match(nowhere.err, /--html no\/such\/report\.html cannot be written/);
});

test('what is wrong is refused with its line, or with what was expected', async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /rehearse expects --trace/],
    [['--trace', 'none.csv'], /there is no trace none\.csv/],
    [['--trace', '.'], /is no file/],
    [['--trace', 'binary.csv'], /binary\.csv is no text/],
    [['--trace', 'garbage.csv'], /garbage\.csv: line 3: expected `minute,requests` in numbers, got "<html>"/],
    [['--trace', 'disorder.csv'], /disorder\.csv: line 4: expected second 2, got 0: it goes back/],
    [['--trace', 'holes.csv'], /holes\.csv: line 3: expected second 1, got 9[^]*--gaps telemetry or --gaps silence/],
    [['--trace', 'two.csv'], /line 1: it has 2 columns, name one of them: web, api[^]*FILE#NAME/],
    [['--trace', 'silent.csv'], /nobody comes in it/],
    [['--trace', 'shape:flesh'], /there is no shape flesh, expected one of constant[^]*did you mean shape:flash/],
    [['--trace', 'minutes.csv', '--duration', '5m'], /--duration is of a shape/],
    [['--trace', 'minutes.csv', '--policies', 'hpaa'], /there is no policy hpaa[^]*did you mean hpa/],
    [
      ['--trace', 'minutes.csv', '--policies', 'hpa:target=0.7'],
      /hpa: target is no parameter of it, expected one of cpu/,
    ],
    [
      ['--trace', 'minutes.csv', '--policies', 'hpa:cpuPercent=900'],
      /cpuPercent is 900, expected a number of at least 0/,
    ],
    [['--trace', 'minutes.csv', '--faults', 'flood'], /there is no fault flood, expected one of crash, slow-start/],
    [['--trace', 'minutes.csv', '--lag', 'soon'], /--lag expects process, container, vm or seconds/],
    [['--trace', 'minutes.csv', '--lag', '5:wide'], /the spread is expected to be above 0/],
    [['--trace', 'minutes.csv', '--service', '4=10ms'], /--service expects the time of one request, or of ascending/],
    [['--trace', 'minutes.csv', '--tolerate', '100%'], /--tolerate expects a share such as 1%/],
    [['--trace', 'minutes.csv', '--min', '5', '--max', '2'], /--min 5 is above --max 2/],
    [['--trace', 'minutes.csv', '--price', 'cheap'], /--price expects a number/],
    [['x', '--deployment', 'a'], /expected one deployment, got x and --deployment a/],
    [['--trace', 'minutes.csv', '--seed', '-1'], /--seed/],
  ];
  for (const [args, message] of cases) {
    const { code, out, err } = await rehearse(...args);
    assert.deepEqual([code, out], [2, ''], args.join(' '));
    assert.match(err, message, args.join(' '));
  }
});

test('gaps that are declared are rehearsed', async () => {
  for (const gaps of ['telemetry', 'silence']) {
    const { code, out, err } = await rehearse('--trace', 'holes.csv', '--gaps', gaps, '--policies', 'hpa', '--json');
    assert.equal(code, 0, err);
    const { requests } = JSON.parse(out) as Report;
    assert.ok(gaps === 'telemetry' ? requests > 60 : requests < 50, `${gaps}: ${requests}`);
  }
});
