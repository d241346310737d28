import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApprovalView, DeploymentView, StatusView } from '../../../src/api/schemas.ts';
import type { SeriesView } from '../../../src/api/series-schemas.ts';
import { worstBurn } from './burn.ts';
import { effectOf } from './effect.ts';
import { spoken } from './spoken.ts';
import { haltEffects, modesOf, oldestSignal, releaseEffects } from './summary.ts';

const deployment = (name: string, more: object = {}): DeploymentView =>
  ({
    name,
    state: 'serving',
    counts: { starting: 0, ready: 1, serving: 1, draining: 0, failed: 0 },
    load: { ageMs: 200, p99Ms: 10 },
    sloP99Ms: null,
    ...more,
  }) as unknown as DeploymentView;
const status = (deployments: readonly DeploymentView[], more: object = {}): StatusView =>
  ({ at: 10_000, deployments, warnings: [], ...more }) as unknown as StatusView;

test('modes are counted in the order of how much is given away', () => {
  const modes = ['advise', 'auto', 'approve', 'auto'].map((mode) => deployment('d', { governor: { mode } }));
  assert.deepEqual(modesOf([...modes, deployment('still')]), {
    parts: [
      { mode: 'auto', count: 2 },
      { mode: 'approve', count: 1 },
      { mode: 'advise', count: 1 },
    ],
    ungoverned: 1,
  });
});

test('the oldest signal is of who should have spoken, and never is older than everything', () => {
  const asleep = deployment('asleep', { state: 'asleep', load: { ageMs: 99_999 } });
  const slow = deployment('slow', { load: { ageMs: 4000 } });
  const mute = deployment('mute', { load: { ageMs: null } });
  assert.deepEqual(oldestSignal(status([deployment('a'), slow, asleep]), 11_000), { deployment: 'slow', ageMs: 5000 });
  assert.deepEqual(oldestSignal(status([slow, mute]), 11_000), { deployment: 'mute', ageMs: null });
  assert.equal(oldestSignal(status([asleep]), 11_000), undefined);
});

test('before anything is stopped it is said what goes on', () => {
  const seen = status([deployment('a'), deployment('b', { counts: { starting: 2, ready: 3 } })]);
  assert.match(
    haltEffects(seen, 'targets').join(' '),
    /4 ready replicas of 2 deployments go on serving.*2 that are starting/,
  );
  assert.match(haltEffects(seen, 'targets').join(' '), /Replicas that die are restored/);
  assert.match(haltEffects(seen, 'all').join(' '), /are not restored/);
});

test('what approving would do is said in words', () => {
  const change = (from: number, to: number): ApprovalView => ({ from, to }) as ApprovalView;
  assert.equal(effectOf(change(1, 2), deployment('a')), '1 replica more would be started. 1 ready now.');
  assert.match(
    effectOf(change(3, 1), undefined),
    /2 replicas would be drained and ended, without dropping a request; 1 would stay/,
  );
  assert.match(effectOf(change(1, 0), undefined), /the next request wakes it/);
});

test('burn is the share that went wrong over the share that may, of whoever burns fastest', () => {
  const promising = (name: string, columns: Record<string, (number | null)[]>, sloP99Ms: number | null = 50) => ({
    name,
    sloP99Ms,
    sloAvailability: 0.999,
    series: { columns } as unknown as SeriesView,
  });
  assert.equal(worstBurn([]), undefined);
  assert.equal(worstBurn([promising('idle', { arrivals: [0, null], completed: [0, null] })]), undefined);
  const late = promising('late', {
    arrivals: [600, 400],
    completed: [600, 400],
    late: [15, 5],
    failed: [0],
    shed: [0],
  });
  const lost = promising('lost', { arrivals: [1000], completed: [997], late: [0], failed: [2], shed: [1] }, null);
  const worst = worstBurn([late, lost]);
  assert.deepEqual([worst?.deployment, worst?.what, Math.round(worst?.rate ?? 0)], ['lost', 'answers at all', 3]);
  assert.equal(worstBurn([late])?.rate, 2);
});

test('what is said aloud names the trouble', () => {
  assert.equal(spoken(status([deployment('a')])), '1 deployments; all within their objectives.');
  const late = deployment('b', { sloP99Ms: 5 });
  const bad = deployment('c', { state: 'failed' });
  assert.match(spoken(status([late, bad], { warnings: ['x'] })), /in trouble: c; over their objective: b; 1 warnings/);
});

test('a release says for how many deployments the governor acts again', () => {
  const said = (...modes: string[]): string =>
    releaseEffects(status(modes.map((mode) => deployment('d', { governor: { mode } })))).join(' ');
  assert.match(said('advise', 'approve'), /No deployment is governed by itself/);
  assert.match(said('auto', 'advise'), /targets of 1 deployment again/);
  assert.match(said('auto', 'auto'), /targets of 2 deployments again/);
});
