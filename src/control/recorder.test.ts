/** What is recorded of what gateways say, under a virtual clock: each request once, and no second that nobody saw. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../clock.ts';
import { deploymentSpecification } from '../config/specification.ts';
import type { VersionObservation } from '../gateway/routing-table.ts';
import { openSeries } from '../series/open-series.ts';
import { openMemorySeries } from '../testing/memory-series.ts';
import { createVirtualClock } from '../testing/virtual-clock.ts';
import type { Deployment } from './deployments.ts';
import type { ConnectedGateway } from './connected-gateway.ts';
import { startRecorder } from './recorder.ts';
import type { WouldHold } from './governor/would-hold.ts';
import type { Replica } from './replica.ts';

const deploymentNamed = (name: string): Deployment =>
  ({
    name,
    record: { desired: 1, specification: deploymentSpecification.parse({ model: 'm', replicas: { min: 1, max: 4 } }) },
    removing: false,
    wakefulness: { kind: 'awake' },
  }) as unknown as Deployment;

function world(names: readonly string[] = ['digits'], would?: () => WouldHold | undefined) {
  const virtual = createVirtualClock();
  let aheadMs = 0;
  const clock: Clock = { ...virtual, wall: () => virtual.wall() + aheadMs };
  const log = openMemorySeries();
  let appended = 0;
  const counted = {
    ...log,
    append: (...given: Parameters<typeof log.append>) => {
      appended += given[3].size;
      return log.append(...given);
    },
  };
  const series = openSeries(counted, clock);
  const deployments = names.map(deploymentNamed);
  const gateways = new Map<number, ConnectedGateway>();
  const totals = new Map<number, { arrivals: number; completed: number }>();
  const replicas = [{ deployment: 'digits', phase: 'ready', stopping: false }] as unknown as Replica[];
  const stop = startRecorder({
    series,
    deployments: { all: () => deployments },
    fleet: { replicas: () => replicas },
    channel: { gateways: () => [...gateways.values()] },
    clock,
    ...(would === undefined ? {} : { wouldHold: would }),
  });
  return {
    stop,
    series,
    replicas,
    jump: (ms: number) => (aheadMs += ms),
    appended: () => appended,
    /** A gateway says how many more have come since its last word. */
    say: (worker: number, arrivals: number, pid = 1): void => {
      const before = totals.get(worker * 1000 + pid) ?? { arrivals: 0, completed: 0 };
      const now = { arrivals: before.arrivals + arrivals, completed: before.completed + arrivals };
      totals.set(worker * 1000 + pid, now);
      const version: VersionObservation = {
        deployment: 'digits',
        version: '1',
        ...now,
        failed: 0,
        shed: {},
        queueLength: 0,
        inFlight: 0,
        batchSizeCap: 1,
      };
      const latest = { kind: 'observation', worker, at: 0, revision: 1, versions: [version], replicas: [] } as const;
      gateways.set(worker, { worker, pid, revision: 1, keys: 0, latest, history: [] });
    },
    leave: (worker: number) => gateways.delete(worker),
    pass: (ms: number) => virtual.pass(ms),
    arrivals: async (from: number, to: number): Promise<(number | null)[]> => {
      await series.flushed();
      const read = await series.read({ deployment: 'digits', from, to, stepMs: 1000, columns: ['arrivals'] });
      return [...(read.values.get('arrivals') ?? [])].map((value) => (Number.isNaN(value) ? null : value));
    },
    wall: () => clock.wall(),
  };
}

test('each second has what was told in it; what a gateway had counted before anybody looked is of none', async () => {
  const { say, pass, arrivals, wall } = world();
  const start = wall();
  say(0, 1000);
  for (const count of [0, 3, 0, 5, 2]) {
    pass(1000);
    say(0, count);
  }
  pass(1000);
  assert.deepEqual(await arrivals(start, start + 7000), [null, null, 0, 3, 0, 5, 2]);
});

test('a gateway that is silent for some seconds has them share what it tells then, whole requests each', async () => {
  const { say, pass, arrivals, wall } = world();
  say(0, 0);
  say(1, 0);
  pass(1000);
  const start = wall();
  pass(1000);
  say(0, 4);
  pass(1000);
  say(0, 4);
  pass(1000);
  say(0, 2);
  say(1, 7);
  pass(1000);
  const read = await arrivals(start, start + 5000);
  assert.deepEqual(read, [null, 4, 4, 4, 5]);
});

test('after a silence that was too long nothing is shared out', async () => {
  const { say, pass, arrivals, wall } = world();
  say(0, 0);
  pass(3000);
  const start = wall();
  pass(40_000);
  say(0, 100);
  pass(1000);
  say(0, 1);
  pass(1000);
  const read = await arrivals(start, start + 43_000);
  const told = read.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  assert.ok(told <= 101 && read.slice(1, 25).every((value) => value === null), String(read));
  assert.equal(read.at(-1), 1);
});

test('a gateway that comes back under another number begins anew: what it had missed is not recorded as silence', async () => {
  const { say, leave, pass, arrivals, wall } = world();
  say(0, 0);
  pass(1000);
  say(0, 0);
  pass(1000);
  const start = wall();
  say(0, 2);
  pass(1000);
  leave(0);
  pass(3000);
  say(0, 7, 2);
  pass(1000);
  say(0, 1, 2);
  pass(1000);
  assert.deepEqual(await arrivals(start, start + 7000), [0, 2, null, null, null, null, 1]);
});

test('a wall clock that jumps makes no seconds up', async () => {
  const { say, pass, arrivals, wall, jump } = world();
  say(0, 0);
  pass(1000);
  say(0, 0);
  pass(1000);
  jump(3_600_000);
  say(0, 3);
  pass(1000);
  say(0, 4);
  pass(1000);
  const now = wall();
  assert.deepEqual(await arrivals(now - 5000, now + 1000), [null, null, null, null, 3, 4]);
});

test('three hundred that sleep cost a mark every ten seconds and no block; a change of replicas is one', async () => {
  const names = Array.from({ length: 300 }, (_, index) => `m${index}`);
  const { say, pass, appended, replicas, series, wall } = world(['digits', ...names]);
  say(0, 0);
  for (let second = 0; second < 20; second += 1) {
    say(0, 0);
    pass(1000);
  }
  await series.flushed();
  // Each once, when it was first seen.
  const first = appended();
  assert.equal(first, 301);
  const quietFrom = wall();
  for (let second = 0; second < 60; second += 1) {
    if (second === 30) replicas.push({ deployment: 'm7', phase: 'loading', stopping: false } as unknown as Replica);
    say(0, 0);
    pass(1000);
  }
  await series.flushed();
  assert.equal(appended(), first + 1);
  const read = await series.read({
    deployment: 'm7',
    from: quietFrom + 1000,
    to: wall(),
    stepMs: 1000,
    columns: ['starting', 'arrivals'],
  });
  assert.deepEqual([...(read.values.get('starting') ?? [])], [...Array(30).fill(0), ...Array(29).fill(1)]);
});

test('what others would have held is recorded while they differ from what is wanted, load or none', async () => {
  let others: WouldHold | undefined = { ifHpa: 3, ifKpa: 1, ifRay: Number.NaN, ifThresholds: 1 };
  const { say, pass, series, wall } = world(['digits'], () => others);
  say(0, 0);
  pass(1000);
  const start = wall();
  for (const next of [{ ...others, ifHpa: 2 }, { ...others, ifHpa: 1 }, undefined]) {
    say(0, 0);
    pass(1000);
    others = next;
  }
  say(0, 0);
  pass(1000);
  await series.flushed();
  const columns = ['arrivals', 'target', 'ifHpa', 'ifRay'] as const;
  const { values } = await series.read({ deployment: 'digits', from: start, to: start + 5000, stepMs: 1000, columns });
  const of = (name: (typeof columns)[number]): number[] => [...(values.get(name) ?? [])].slice(1);
  assert.deepEqual(of('ifHpa'), [3, 2, Number.NaN, Number.NaN]);
  assert.deepEqual(of('ifRay'), [Number.NaN, Number.NaN, Number.NaN, Number.NaN]);
  assert.deepEqual(of('arrivals'), [0, 0, 0, 0]);
  assert.deepEqual(of('target'), [1, 1, 1, 1]);
});
