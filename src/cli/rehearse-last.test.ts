/** `flyball rehearse` of a deployment of a platform: what it asks there, what it says aloud, and what it leaves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rehearsalRequest, type RehearsalRequest } from '../api/rehearsal-schemas.ts';
import { latencyModelView } from '../api/schemas.ts';
import { seriesQuery, seriesView } from '../api/series-schemas.ts';
import { deploymentSpecification } from '../config/specification.ts';
import { FlyballError } from '../errors.ts';
import type { Report } from '../rehearsal/report/compare.ts';
import { deploymentNamed, startFakeControl, type FakeControl } from '../testing/fake-control.ts';
import { stringTerminal } from '../testing/string-terminal.ts';
import { main } from './main.ts';

interface Platform {
  /** Requests a second, by second; null: not recorded. Its last second has just ended. */
  readonly arrivals?: readonly (number | null)[];
  readonly calls?: number;
  readonly specification?: object;
}

async function platform({ arrivals = [], calls = 1000, specification = {} }: Platform): Promise<FakeControl> {
  const fake = await startFakeControl();
  fake.deployments.set('digits', deploymentNamed('digits'));
  const likelyMs = [30, 40, 50];
  fake.answers.set('GET deployments/digits/specification', () =>
    deploymentSpecification.parse({ model: 'digits', replicas: { min: 1, max: 9 }, ...specification }),
  );
  fake.answers.set('GET deployments/digits/latency-model', () =>
    latencyModelView.parse({
      deployment: 'digits',
      version: '7',
      since: Date.UTC(2026, 10, 23, 9, 30),
      calls,
      cap: 1,
      capLearned: true,
      service: calls === 0 ? [] : [{ rows: 1, restFromMs: 0, calls, meanMs: 40, likelyMs }],
      busy: [],
      nth: [],
      starts:
        calls === 0
          ? []
          : [{ before: 0, beside: 0, decideMs: 100, startMs: 1000, loadMs: 500, warmMs: 400, serveMs: 0 }],
      stopsMs: [],
    }),
  );
  fake.answers.set('GET deployments/digits/why', () => ({
    deployment: 'digits',
    inputs: {
      lag: { detect: 1000, decide: 1, start: 1100, load: 500, warm: 400, serve: 0 },
      objective: { latencyMs: 333, deadlineMs: 30_000 },
    },
  }));
  fake.answers.set('GET deployments/digits/series', (query) => {
    const { from = 0, to = 0, stepMs = 0, columns } = seriesQuery.parse(Object.fromEntries(query));
    assert.deepEqual(columns, ['arrivals']);
    const slots = Math.round((to - from) / stepMs);
    const told = Array.from({ length: slots }, (_, slot) => arrivals[slot - slots + arrivals.length] ?? null);
    return seriesView.parse({
      deployment: 'digits',
      from,
      stepMs,
      recordedSince: arrivals.length === 0 ? null : from,
      recordedMs: told.map((count) => (count === null ? 0 : stepMs)),
      columns: { arrivals: told },
    });
  });
  fake.answers.set('POST deployments/digits/rehearsals', (_, body) => ({
    ...rehearsalRequest.parse(body),
    id: '4be1c0d2',
    deployment: 'digits',
    at: 0,
  }));
  return fake;
}

async function rehearse(fake: FakeControl, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const terminal = stringTerminal({ env: { FLYBALL_URL: fake.url } });
  const code = await main(['rehearse', ...args], terminal);
  return { code, out: terminal.out(), err: terminal.err().replaceAll(/\s+/g, ' ') };
}

const steady = Array<number>(120).fill(20);

test('of the only deployment: its recorded requests, its bounds, its calls and starts; and what came of it is kept', async () => {
  await using fake = await platform({ arrivals: steady });
  const kept: RehearsalRequest[] = [];
  const keep = fake.answers.get('POST deployments/digits/rehearsals');
  fake.answers.set('POST deployments/digits/rehearsals', (query, body) => {
    kept.push(rehearsalRequest.parse(body));
    return keep?.(query, body);
  });
  const { code, out, err } = await rehearse(fake, '--trace', 'last:2m', '--policies', 'slo,hpa', '--json');
  assert.equal(code, 0, err);
  const report = JSON.parse(out) as Report & { readonly rehearsal: string };
  assert.deepEqual([report.trace, report.requests, report.simulatedSeconds], ['last:2m of digits', 2400, 120]);
  assert.match(err, /40 ms a request alone|40 ms a request/);
  assert.match(err, /objective 333 ms for all but 1 %, deadline 30\.0 s; 1 to 9 replicas, each ready after 2\.0 s/);
  assert.match(err, /what calls take is as 1000 of them have shown since 2026-11-23 09:30 UTC/);
  assert.match(err, /what starts take is as the last 1 have shown/);
  assert.match(err, /kept as rehearsal 4be1c0d2: flyball mode digits auto --rehearsal 4be1c0d2/);
  assert.equal(report.rehearsal, '4be1c0d2');
  assert.partialDeepStrictEqual(kept, [{ min: 1, max: 9, tolerated: 0.01, by: 'ada' }]);
  assert.deepEqual(
    kept[0]?.report.policies.map(({ name }) => name),
    ['slo', 'hpa'],
  );
});

test('its own policy comes first as it is set, its constraints hold, and its price is the price', async () => {
  const scaling = {
    policy: 'thresholds',
    parameters: { step: 2 },
    downStabilizationMs: 60_000,
    reversalsPerHour: 5,
    budget: { amount: 10, pricePerHour: 0.5 },
  };
  await using fake = await platform({ arrivals: steady, specification: { scaling } });
  const { code, out, err } = await rehearse(fake, 'digits', '--trace', 'last:2m', '--json');
  assert.equal(code, 0, err);
  const { policies } = JSON.parse(out) as Report;
  assert.deepEqual([policies[0]?.name, policies[0]?.parameters], ['thresholds', { step: 2 }]);
  assert.equal(policies.filter(({ name }) => name === 'thresholds').length, 1);
  assert.match(err, /fewer once it has been wished for 60 s; at most 5 reversals an hour; a budget of 10 in 24 h/);
  for (const { cost, replicaSeconds } of policies) assert.ok(Math.abs(cost - (replicaSeconds / 3600) * 0.5) < 1e-9);
});

test('gaps are said aloud with what they are taken for, and what is not on record is left away', async () => {
  const holed = [...Array<null>(60).fill(null), ...Array<number>(30).fill(10), ...Array<null>(20).fill(null), 10, 10];
  await using fake = await platform({ arrivals: holed });
  const args = ['--trace', 'last:5m', '--policies', 'hpa', '--json'];
  const blind = await rehearse(fake, ...args);
  assert.equal(blind.code, 0, blind.err);
  assert.match(blind.err, /52 s of the 5 min are on record, from 2026-11-23 14:04 UTC on/);
  assert.match(
    blind.err,
    /a gap of 20 s altogether in which nothing was recorded, the first at 14:04:45 UTC: the load is/,
  );
  assert.equal((JSON.parse(blind.out) as Report).requests, 520);
  const silent = await rehearse(fake, ...args, '--gaps', 'silence');
  assert.match(silent.err, /taken for time in which nobody came/);
  assert.equal((JSON.parse(silent.out) as Report).requests, 320);
  const refused = await rehearse(fake, ...args, '--gaps', 'refuse');
  assert.deepEqual([refused.code, refused.out], [2, '']);
  assert.match(refused.err, /a gap of 20 s .* say --gaps telemetry or --gaps silence/);
});

test('a policy with a memory begins with the hour before, and so it is ready for what that hour has shown', async () => {
  // Every two minutes ten seconds of forty times the load.
  const crowds = Array.from({ length: 3720 }, (_, second) => (second % 120 >= 80 && second % 120 < 90 ? 120 : 3));
  await using fake = await platform({ arrivals: crowds, specification: { slo: { p99Ms: 300 } } });
  await using young = await platform({ arrivals: crowds.slice(-120), specification: { slo: { p99Ms: 300 } } });
  const args = ['--trace', 'last:2m', '--policies', 'slo', '--lag', '20', '--tolerate', '5%', '--json'];
  const [warm, cold] = [await rehearse(fake, ...args), await rehearse(young, ...args)];
  assert.match(warm.err, /policies with a memory begin with the 60 min on record of the hour before/);
  assert.doesNotMatch(cold.err, /policies with a memory/);
  const missed = ({ out }: { out: string }): number => (JSON.parse(out) as Report).policies[0]?.violationFraction ?? 1;
  assert.ok(missed(warm) < 0.5 * missed(cold), `${missed(warm)} of what was ${missed(cold)}`);
});

test('more than a day is asked for by the minute, and said to be', async () => {
  await using fake = await platform({ arrivals: Array<number>(120).fill(600) });
  const { code, out, err } = await rehearse(fake, '--trace', 'last:2d', '--policies', 'hpa', '--json');
  assert.equal(code, 0, err);
  const report = JSON.parse(out) as Report;
  assert.deepEqual([report.simulatedSeconds, report.requests, report.trace], [7200, 72_000, 'last:2d of digits']);
  assert.match(err, /120 min of the 2 d are on record|2 h of the 2 d are on record/);
  assert.match(err, /beyond a day what is on record is minutes/);
});

test('where nothing is known it says what is assumed, and options go before what was learned', async () => {
  await using fake = await platform({ arrivals: steady, calls: 0 });
  await using fixed = await platform({ arrivals: steady, calls: 0 });
  const young = await rehearse(fake, '--trace', 'last:2m', '--policies', 'hpa');
  assert.equal(young.code, 0, young.err);
  assert.match(young.err, /digits has answered too little to tell what a call takes: 100 ms are assumed/);
  assert.match(young.err, /too little is known of the starts of digits: they take what the governor expects of them/);
  assert.match(young.err, /each ready after 2\.0 s/);
  fixed.answers.set('GET deployments/digits/why', () => ({ deployment: 'digits', ungoverned: 'its size is fixed' }));
  const alone = await rehearse(fixed, '--trace', 'last:2m', '--policies', 'hpa');
  assert.match(alone.err, /the lag of a process is assumed/);
  assert.match(alone.err, /each ready after 0\.5 s/);
  await using known = await platform({ arrivals: steady });
  const args = ['--trace', 'last:2m', '--policies', 'hpa', '--service', '70ms', '--lag', 'vm', '--slo', '1s'];
  const told = await rehearse(known, ...args);
  assert.match(told.err, /70 ms a request; objective 1\.0 s .* each ready after 150\.0 s/);
  assert.doesNotMatch(told.err, /have shown/);
});

test('a platform that keeps nothing shows what was computed all the same', async () => {
  await using fake = await platform({ arrivals: steady });
  fake.answers.set('POST deployments/digits/rehearsals', () => {
    throw new FlyballError('FORBIDDEN', 'the key may not operate');
  });
  const { code, out, err } = await rehearse(fake, '--trace', 'last:2m', '--policies', 'hpa');
  assert.equal(code, 0);
  assert.match(out, /^hpa /m);
  assert.match(err, /not kept on the platform: the key may not operate/);
});

test('one that would arm nothing says why at once', async () => {
  await using fake = await platform({ arrivals: steady });
  const wide = await rehearse(fake, '--trace', 'last:2m', '--policies', 'slo', '--max', '20');
  assert.match(
    wide.err,
    /rehearsal 4be1c0d2, which does not arm digits: it had 1 to 20 replicas, and digits has 1 to 9/,
  );
  const other = await rehearse(fake, '--trace', 'last:2m', '--policies', 'hpa');
  assert.match(other.err, /does not arm digits: it has not tried slo/);
  const laxer = await rehearse(fake, '--trace', 'last:2m', '--policies', 'slo', '--slo', '1s');
  assert.match(laxer.err, /does not arm digits: it had an objective of 1000 ms, and digits has 333 ms/);
  await using tight = await platform({ arrivals: steady, specification: { slo: { p99Ms: 41 } } });
  const missed = await rehearse(tight, '--trace', 'last:2m', '--policies', 'slo');
  assert.match(missed.err, /does not arm digits: slo missed [\d.]+ %, where 1 % might be, without a reason/);
});

test('what cannot be rehearsed is refused with what there is', async () => {
  await using empty = await platform({});
  const nothing = await rehearse(empty, 'digits');
  assert.equal(nothing.code, 2);
  assert.match(nothing.err, /--trace last:24h: nothing is recorded of digits in that time/);
  await using fake = await platform({ arrivals: Array<number>(60).fill(0) });
  assert.match((await rehearse(fake, '--trace', 'last:1m')).err, /nobody comes in it/);
  assert.match((await rehearse(fake, '--trace', 'last:soon')).err, /--trace last: expects a duration such as/);
  assert.match((await rehearse(fake, '--trace', 'last:90d')).err, /--trace last: expects 1s to 60d, got 90d/);
  fake.deployments.set('ocr', deploymentNamed('ocr'));
  const two = await rehearse(fake, '--trace', 'last:1m');
  assert.match(two.err, /has 2 deployments: digits, ocr say which: flyball rehearse digits/i);
  fake.deployments.clear();
  assert.match((await rehearse(fake, '--trace', 'last:1m')).err, /has no deployment to rehearse/);
});
