import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeploymentView, StatusView } from '../api/schemas.ts';
import { deploymentText, overviewText } from './status-text.ts';

const plain = (text: string): string => text;
const style = {
  bold: plain,
  dim: plain,
  red: plain,
  green: plain,
  yellow: plain,
  bar: '█',
  dash: '–',
  arrow: '→',
  ellipsis: '…',
  micro: 'µs',
};

const governor = { mode: 'auto', modeBy: 'ada', modeReason: 'a test', policy: 'slo', target: 3, at: 1 } as const;
const deployment = (name: string, more: Partial<DeploymentView>): DeploymentView => ({
  name,
  model: 'm@champion',
  serving: '1',
  state: 'serving',
  desired: 3,
  min: 1,
  max: 8,
  counts: { starting: 0, ready: 3, serving: 3, draining: 0, failed: 0 },
  replicas: [],
  load: {
    requestsPerSecond: 42,
    inFlight: 1,
    queueLength: 0,
    p50Ms: 10,
    p99Ms: 20,
    errorsPerSecond: 0,
    shedPerSecond: 0,
    batchSizeCap: 1,
    ageMs: 100,
  },
  sloP99Ms: 50,
  sloAvailability: 0.999,
  ...more,
});
const status = (...deployments: DeploymentView[]): StatusView => ({
  name: 'test',
  flyball: '0.1.0',
  at: 1_000_000,
  startedAt: 0,
  dataDirectory: '/data',
  listeners: {},
  gateways: [],
  deployments,
  overrides: [],
  warnings: [],
});

test('the forecast stands beside the load: what comes, when, and how far it is believed; else that it stays as it is', () => {
  const forecast = { seconds: 60, perSecond: 120, authority: 0.45, by: 'as an hour ago' };
  const tides = deployment('tides', { governor: { ...governor, forecast } });
  const calm = deployment('calm', { governor });
  const all = status(tides, calm, deployment('fixed', {}));
  const [, , first, second, third] = overviewText(all, style).split('\n');
  assert.match(first ?? '', /^tides .* 42 +120 in 60 s \(45 %\) +20 \/ 50 ms/);
  assert.match(second ?? '', /^calm .* 42 +as now +20 \/ 50 ms/);
  assert.match(third ?? '', /^fixed .* 42 +– +20 \/ 50 ms/);
  assert.match(
    deploymentText(tides, all, style),
    /\n {2}forecast {3}120 req\/s in 60 s, says "as an hour ago", believed to 45 %\n/,
  );
  assert.match(deploymentText(calm, all, style), /\n {2}forecast {3}as it is now: no forecaster is believed\n/);
});

test('where nobody is governed there is no column of forecasts', () => {
  assert.doesNotMatch(overviewText(status(deployment('fixed', {})), style), /FORECAST/);
});

test('on a narrow terminal the last decision is cut to the room there is before any other column goes', () => {
  const decision = {
    at: 990_000,
    from: 4,
    to: 6,
    done: 'moved' as const,
    reason: `CPU is at 95 %${', and so on'.repeat(20)}`,
  };
  const one = status(deployment('tides', { governor: { ...governor, decision } }));
  const lines = (columns: number): string[] => overviewText(one, { ...style, columns }).split('\n');
  for (const columns of [120, 150]) {
    const [, header, row] = lines(columns);
    assert.match(header ?? '', /QUEUE.*LAST DECISION$/);
    assert.match(row ?? '', /4→6 10 s ago: CPU.*…$/);
    assert.equal(row?.length, columns);
  }
  assert.ok(lines(90).every((line) => line.length <= 90));
  assert.doesNotMatch(lines(90)[1] ?? '', /QUEUE/, 'then what is needed least');
});

test('what comes next stands before the last decision, only where something does', () => {
  const reason = 'the stabilisation window ends: 2 would do';
  const next = {
    kind: 'change' as const,
    at: 1_040_000,
    from: 3,
    to: 2,
    rule: 'stabilisation' as const,
    by: 'slo',
    reason,
    recommended: false,
    asOf: 1_000_000,
  };
  const falling = deployment('falling', { governor: { ...governor, next } });
  const none = { kind: 'none' as const, until: 1_600_000, ends: 'horizon' as const, asOf: 1_000_000 };
  const calm = deployment('calm', { governor: { ...governor, next: none } });
  const all = status(falling, calm);
  const [, head, first, second] = overviewText(all, style).split('\n');
  assert.match(head ?? '', /NEXT +LAST DECISION$/);
  assert.match(first ?? '', / 3→2 in 40 s /);
  assert.match(second ?? '', / – +none yet$/);
  assert.match(deploymentText(falling, all, style), /\n {2}next {7}in 40 s, if load stays: 3 → 2; the stabilisation/);
  assert.match(deploymentText(calm, all, style), /\n {2}next {7}nothing in 10 min, if load stays\n/);
  assert.doesNotMatch(overviewText(status(calm), style), /NEXT/);
});

test('nodes without room for what is wished are an attention line', () => {
  const room = 'no node has room for a 4th: node1 is full, 0 of 2 cores free';
  const shown = status(deployment('digits', { governor: { ...governor, room } }));
  assert.match(overviewText(shown, style), /^! digits: no node has room for a 4th: node1 is full, 0 of 2 cores free$/m);
});
