import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fresh } from '../../core/scaling/signals.ts';
import type { VersionObservation } from '../../gateway/routing-table.ts';
import type { ConnectedGateway } from '../connected-gateway.ts';
import { countLoad } from './load-counts.ts';
import { toObservation, type ReplicaSeen, type Seen } from './observe.ts';

const versionOf = (more: Partial<VersionObservation>): VersionObservation => ({
  deployment: 'd',
  version: '1',
  arrivals: 0,
  completed: 0,
  failed: 0,
  shed: {},
  queueLength: 0,
  inFlight: 0,
  batchSizeCap: 1,
  ...more,
});

const gateway = (worker: number, pid: number, versions?: readonly VersionObservation[]): ConnectedGateway => ({
  worker,
  pid,
  revision: 1,
  keys: 0,
  history: [],
  ...(versions === undefined
    ? {}
    : { latest: { kind: 'observation', worker, at: 5, revision: 1, versions, replicas: [] } }),
});

test('counts grow by what each gateway has counted since the last look, over versions and workers', () => {
  const counts = countLoad();
  const first = gateway(0, 10, [versionOf({ arrivals: 100, late: 3 })]);
  assert.equal(counts.look([first], 1000).of('d').arrivals, 0, 'what was before is no load of now');
  const next = gateway(0, 10, [
    versionOf({ arrivals: 110, late: 4, shed: { QUEUE_FULL: 2, CANCELLED: 7 }, queueLength: 3 }),
    versionOf({ version: '2', arrivals: 5 }),
  ]);
  const other = gateway(1, 11, [versionOf({ arrivals: 50, queueLength: 1 })]);
  const { arrivals, late, shed, queued } = counts.look([next, other], 2000).of('d');
  assert.deepEqual({ arrivals, late, shed, queued }, { arrivals: 15, late: 1, shed: 2, queued: 4 });
  assert.equal(counts.look([next, other], 3000).of('d').arrivals, 0, 'the same words count once');
});

test('a worker that starts anew counts from nothing, and takes nothing away', () => {
  const counts = countLoad();
  counts.look([gateway(0, 10, [versionOf({ arrivals: 100 })])], 1000);
  assert.equal(counts.look([gateway(0, 20, [versionOf({ arrivals: 4 })])], 2000).of('d').arrivals, 0);
  assert.equal(counts.look([gateway(0, 20, [versionOf({ arrivals: 9 })])], 3000).of('d').arrivals, 5);
});

test('how old a word is, is told by when it was first seen, whatever the wall clock says', () => {
  const counts = countLoad();
  const one = gateway(0, 10, [versionOf({})]);
  assert.equal(counts.look([one], 1000).ageMs, Number.POSITIVE_INFINITY, 'no load is known of one look');
  assert.equal(counts.look([one], 1000).ageMs, 0);
  assert.equal(counts.look([one], 6000).ageMs, 5000);
  assert.equal(counts.look([], 7000).ageMs, Number.POSITIVE_INFINITY);
  assert.equal(counts.look([one, gateway(1, 11)], 8000).ageMs, Number.POSITIVE_INFINITY, 'one has not told yet');
});

const replica: ReplicaSeen = {
  phase: 'ready',
  ageMs: 60_000,
  readyMs: 50_000,
  cpu: fresh(0.5),
  inFlight: 0,
  inferences: 0,
};
const counted = {
  arrivals: 10,
  completed: 9,
  failed: 0,
  shed: 1,
  late: 2,
  busyMs: 900,
  queued: 0,
  inFlight: 1,
  p50Ms: 90,
  p99Ms: Number.NaN,
  queueWaitMs: 4,
};
const seen: Seen = {
  target: 2,
  min: 1,
  max: 4,
  replicas: [replica, { ...replica, phase: 'starting' }],
  counted,
  ageMs: 100,
  spanMs: 1000,
  wallMs: 0,
  lag: { detect: 1000, decide: 1, start: 1, load: 1, warm: 1, serve: 0 },
  latencyMs: 500,
  deadlineMs: 1000,
  serviceMs: 100,
  capacity: new Float64Array(5),
  external: {},
};

test('an observation has what is known, and absent is no zero', () => {
  const { fleet, signals } = toObservation(seen);
  assert.deepEqual(fleet, { target: 2, ready: 1, starting: 1 });
  assert.deepEqual(signals.arrivals, { kind: 'fresh', value: 10, ageMs: 100 });
  assert.deepEqual([signals.late.value, signals.utilisation.value, signals.cpu.value], [3, 0.9, 0.5]);
  assert.equal(signals.p99Ms.kind, 'absent');
  const { signals: none } = toObservation({ ...seen, replicas: [], serviceMs: Number.NaN });
  assert.deepEqual([none.cpu.kind, none.utilisation.kind, none.serviceMs.kind], ['absent', 'absent', 'absent']);
});

test('words that are old are stale, then absent; a look that comes far too late knows no load', () => {
  assert.equal(toObservation({ ...seen, ageMs: 5000 }).signals.arrivals.kind, 'stale');
  assert.equal(toObservation({ ...seen, ageMs: 60_000 }).signals.arrivals.kind, 'absent');
  assert.equal(toObservation({ ...seen, ageMs: Number.POSITIVE_INFINITY }).signals.queued.kind, 'absent');
  assert.equal(toObservation({ ...seen, spanMs: 3_600_000 }).signals.arrivals.kind, 'absent');
});

test('gateways that say idle while replicas say busy contradict each other, and the larger one counts', () => {
  const idle = { ...counted, arrivals: 0, completed: 0, inFlight: 0 };
  const busy: ReplicaSeen = { ...replica, inFlight: 6, inferences: 30 };
  const { signals } = toObservation({ ...seen, counted: idle, replicas: [busy] });
  assert.deepEqual(signals.arrivals, { kind: 'contradictory', value: 30, ageMs: 100 });
  assert.equal(signals.inFlight.kind, 'contradictory');
  const quiet = toObservation({ ...seen, counted: idle, replicas: [replica] });
  assert.equal(quiet.signals.arrivals.kind, 'fresh', 'that nobody asks is known');
});
