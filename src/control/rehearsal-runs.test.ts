/** Rehearsals that the platform makes: what comes of one, what is refused before it computes, and how one ends early. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rehearsalRunRequest, type RehearsalRunRequest } from '../api/rehearsal-schemas.ts';
import type { OperationView, WhyView } from '../api/schemas.ts';
import type { SeriesQueryView } from '../api/series-schemas.ts';
import { systemClock } from '../clock.ts';
import { openSqliteStore } from '../drivers/stores/sqlite.ts';
import { governedWorld } from '../testing/governed-world.ts';
import type { DeploymentLatency } from './latency-models.ts';
import { openOperations } from './operations.ts';
import { openRehearsalRuns, type RehearsalRunParts } from './rehearsal-runs.ts';
import { rehearsalService } from './rehearsals.ts';

const build = '0123456789ab';
const unseen = {
  deployment: 'd',
  version: null,
  since: 0,
  calls: 0,
  cap: 1,
  capLearned: false,
  service: [],
  busy: [],
  nth: [],
  starts: [],
  stopsMs: [],
} satisfies DeploymentLatency;

const asked = (request: object = {}): RehearsalRunRequest =>
  rehearsalRunRequest.parse({ trace: 'shape:flash', durationSeconds: 600, mean: 20, by: 'ada', ...request });
/** Work for minutes: whoever starts it does not mean to wait for its end. */
const long = asked({
  durationSeconds: 604_800,
  mean: 100,
  policies: [{ name: 'slo' }, { name: 'hpa' }, { name: 'kpa' }],
});

/** `arrivals`: requests of each second up to now. */
async function world(arrivals: readonly (number | null)[] = [], more: Partial<RehearsalRunParts> = {}) {
  const governed = await governedWorld({ policy: 'thresholds' });
  const { store, deployments, modes } = governed;
  const operations = openOperations(store, systemClock);
  const kept = rehearsalService(store, deployments, systemClock, {
    build,
    modeOf: (deployment) => modes.of(deployment).mode,
    measuredMsOf: () => undefined,
  });
  const series = async (deployment: string, query: SeriesQueryView) => {
    const { from = 0, to = 0, stepMs = 1000 } = query;
    const slots = Math.round((to - from) / stepMs);
    const told = Array.from({ length: slots }, (_, slot) => arrivals[slot - slots + arrivals.length] ?? null);
    const recordedMs = told.map((count) => (count === null ? 0 : stepMs));
    return { deployment, from, stepMs, recordedSince: null, recordedMs, columns: { arrivals: told } };
  };
  const runs = openRehearsalRuns({
    deployments,
    operations,
    keep: kept.keepRehearsal,
    series: { series },
    latencyOf: () => unseen,
    why: async () => ({ deployment: 'd' }) as WhyView,
    clock: systemClock,
    build,
    ...more,
  });
  const ended = async ({ id }: OperationView): Promise<OperationView> => {
    const deadline = systemClock.now() + 120_000;
    while (systemClock.now() < deadline) {
      const view = await operations.wait(id, undefined, 10_000, new AbortController().signal);
      if (view.state !== 'running') return view;
    }
    throw new Error(`operation ${id} has not ended`);
  };
  return {
    service: runs.service,
    kept,
    ended,
    async [Symbol.asyncDispose]() {
      await runs[Symbol.asyncDispose]();
      await operations.flushed();
      await governed[Symbol.asyncDispose]();
    },
  };
}

test('a run tells how far it is, and what came of it is kept with its course and arms its deployment', async () => {
  await using made = await world();
  const { service, kept, ended } = made;
  const request = asked({
    policies: [{ name: 'thresholds' }, { name: 'kpa', parameters: { target: 1 } }, { name: 'fixed' }],
    faults: [{ name: 'crash', parameters: { everySeconds: 120 } }],
    lag: 'process',
    tolerated: 0.99,
  });
  const begun = await service.runRehearsal('d', request);
  assert.deepEqual([begun.kind, begun.subject, begun.state, begun.by], ['rehearse', 'd', 'running', 'ada']);
  const done = await ended(begun);
  assert.deepEqual([done.state, done.error], ['succeeded', undefined]);
  const steps = done.steps.map(({ text, state }) => `${state} ${text}`);
  assert.deepEqual(steps.slice(0, 4), [
    'ok reading shape:flash',
    'ok fixed: looking for the cheapest fleet of one size',
    'ok thresholds (1 of 3)',
    'ok kpa target=1 (2 of 3)',
  ]);
  assert.equal(steps.at(-1), `ok kept as rehearsal ${done.rehearsal}`);
  const rehearsal = await kept.rehearsal(done.rehearsal ?? '');
  const { report, timelines, faults } = rehearsal;
  assert.deepEqual([rehearsal.build, rehearsal.by, rehearsal.deployment], [build, 'ada', 'd']);
  assert.deepEqual(
    report.policies.map(({ name }) => name),
    ['thresholds', 'kpa', 'fixed'],
  );
  assert.deepEqual(faults, [{ name: 'crash', parameters: { everySeconds: 120 } }]);
  assert.ok(report.requests > 10_000 && report.clairvoyant.replicaSeconds > 0);
  assert.ok(timelines !== undefined && timelines.load.length > 200 && timelines.load.length <= 480);
  for (const line of timelines.policies)
    for (const each of [line.target, line.serving, line.missed]) assert.equal(each.length, timelines.load.length);
  const load = timelines.load.reduce((sum, each) => sum + each, 0) * timelines.stretchSeconds;
  assert.ok(Math.abs(load / report.requests - 1) < 0.02, `${load} in the lines, ${report.requests} in the report`);
  assert.deepEqual([rehearsal.arming.kind, rehearsal.arming.mode], ['fits', 'advise']);
  const [listed] = await kept.rehearsals({ deployment: 'd', limit: 10 });
  assert.deepEqual([listed?.id, listed?.timelines], [rehearsal.id, undefined]);
  const again = await ended(await service.runRehearsal('d', request));
  assert.equal(again.rehearsal, done.rehearsal, 'the same is the same');
});

test('what was recorded is what is rehearsed', async () => {
  const arrivals = Array.from({ length: 300 }, (_, second) => (second < 100 ? 3 : 9));
  await using made = await world(arrivals);
  const { service, kept, ended } = made;
  const done = await ended(
    await service.runRehearsal('d', asked({ trace: 'last:5m', durationSeconds: undefined, mean: undefined })),
  );
  assert.equal(done.state, 'succeeded', done.error?.detail);
  const { report, notes } = await kept.rehearsal(done.rehearsal ?? '');
  assert.deepEqual([report.trace, report.simulatedSeconds], ['last:5m of d', 300]);
  assert.equal(report.requests, 100 * 3 + 200 * 9);
  assert.ok(
    notes?.some((note) => note.endsWith('100 ms are assumed')),
    'no option of a command line is named',
  );
});

test('what cannot be rehearsed is refused before anything is computed, with what was expected', async () => {
  await using made = await world();
  const { service } = made;
  const cases: readonly (readonly [object, string, RegExp])[] = [
    [{ policies: [{ name: 'hap' }] }, 'INVALID_REQUEST', /policies: there is no policy hap, .*; did you mean hpa/],
    [{ policies: [{ name: 'hpa', parameters: { cpuPercent: 900 } }] }, 'INVALID_REQUEST', /cpuPercent is 900/],
    [{ faults: [{ name: 'flood' }] }, 'INVALID_REQUEST', /there is no fault flood, expected one of crash/],
    [{ lag: 'soon' }, 'INVALID_REQUEST', /lag expects process, container, vm or seconds/],
    [{ trace: 'shape:flush' }, 'INVALID_REQUEST', /there is no shape flush, .*did you mean shape:flash/],
    [{ trace: 'last:1h', durationSeconds: undefined }, 'INVALID_REQUEST', /nothing is recorded of d/],
    [{ trace: 'last:soon', durationSeconds: undefined }, 'INVALID_REQUEST', /expects a duration such as 24h/],
    [{ trace: 'last:1h' }, 'INVALID_REQUEST', /durationSeconds is of a shape/],
    [
      { durationSeconds: 604_800, mean: 100_000 },
      'REHEARSAL_TOO_LARGE',
      /at most 300 million requests .* got about \d+/,
    ],
  ];
  for (const [request, code, message] of cases)
    await assert.rejects(service.runRehearsal('d', asked(request)), { code, message }, JSON.stringify(request));
  await assert.rejects(service.runRehearsal('e', asked()), { code: 'DEPLOYMENT_NOT_FOUND' });
  assert.equal(rehearsalRunRequest.safeParse({ trace: '/etc/passwd' }).success, false);
});

test('there is one at a time; it is cancelled by who wants another', async () => {
  await using made = await world();
  const { service, ended } = made;
  const begun = await service.runRehearsal('d', long);
  await assert.rejects(service.runRehearsal('d', asked()), {
    code: 'REHEARSAL_BUSY',
    message: new RegExp(`one of d is under way \\(operation ${begun.id}\\)`),
  });
  assert.equal(service.rehearsedBy(begun.id), 'd');
  const cancelled = await service.cancelOperation(begun.id, 'bob');
  assert.deepEqual([cancelled.state, cancelled.error?.code], ['failed', 'REHEARSAL_ENDED']);
  assert.equal(cancelled.error?.detail, 'cancelled by bob');
  await assert.rejects(service.cancelOperation(begun.id, 'bob'), { code: 'OPERATION_NOT_FOUND' });
  assert.equal(
    (await ended(await service.runRehearsal('d', asked({ policies: [{ name: 'kpa' }] })))).state,
    'succeeded',
  );
});

test('one that takes too long is ended, and says so', async () => {
  await using made = await world([], { runMsMax: 200 });
  const done = await made.ended(await made.service.runRehearsal('d', long));
  assert.deepEqual([done.state, done.error?.code], ['failed', 'REHEARSAL_ENDED']);
  assert.match(done.error?.detail ?? '', /was not done after/);
});

test('one that was under way when control ended has failed for the next, and is not taken up', async () => {
  await using store = openSqliteStore(':memory:');
  const order = { kind: 'rehearse', subject: 'd', by: 'ada', deployments: [] } as const;
  const { id } = await openOperations(store, systemClock).start(order, async () => {});
  const next = openOperations(store, systemClock);
  await next.resume();
  assert.deepEqual(next.running(), []);
  const { state, error } = await next.wait(id, undefined, 0, new AbortController().signal);
  assert.deepEqual([state, error?.code], ['failed', 'REHEARSAL_ENDED']);
  assert.match(error?.detail ?? '', /control was restarted/);
});

test('an end of control ends the run with its reason', async () => {
  const made = await world();
  const begun = await made.service.runRehearsal('d', long);
  const last = made.ended(begun);
  await made[Symbol.asyncDispose]();
  assert.match((await last).error?.detail ?? '', /control was stopped/);
});
