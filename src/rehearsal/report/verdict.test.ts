import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PolicyReport, Report } from './compare.ts';
import { labelOf, percent, verdict } from './verdict.ts';

function policy(name: string, violationFraction: number, hours: number, parameters = {}): PolicyReport {
  return {
    name,
    parameters,
    violationFraction,
    shedFraction: 0,
    p50Ms: 100,
    p99Ms: 400,
    replicaSeconds: hours * 3600,
    cost: hours,
    actions: 3,
    flaps: 1,
  };
}

function report(policies: readonly PolicyReport[], said: Partial<Report> = {}): Report {
  return {
    trace: 'day.csv',
    seed: 1,
    simulatedSeconds: 86_400,
    wallSeconds: 1,
    requests: 1000,
    policies,
    clairvoyant: { replicaSeconds: 40 * 3600 },
    ...said,
  };
}

test('the cheapest that keeps the promise is named first, then what the others cost, then who does not keep it', () => {
  const all = [
    policy('hpa', 0.3, 45),
    policy('keda', 0.005, 60),
    policy('slo', 0.008, 50),
    policy('ray', 0.009, 150),
    policy('fixed', 0.01, 80, { count: 8 }),
  ];
  assert.deepEqual(verdict(report(all), 0.01), [
    'slo is the cheapest that keeps 1 %: it misses 0.8 % for 50 replica-hours.',
    'keda keeps it too and costs 20 % more.',
    'fixed count=8 keeps it too and costs 60 % more.',
    'ray keeps it too and costs 3.0 times that.',
    'hpa (30 %) does not keep it.',
    'Who knew the future would need 40 replica-hours at least; slo takes 1.25 times that.',
  ]);
});

test('where none keeps it, the one that misses least is named, and no fleet is praised for being cheap', () => {
  const sentences = verdict(report([policy('hpa', 0.3, 45), policy('keda', 0.05, 60)]), 0.01);
  assert.match(sentences[0] ?? '', /^None keeps 1 %: keda misses least, 5 % for 60 replica-hours\.$/);
  assert.doesNotMatch(sentences.join(' '), /hpa takes/);
});

test('a standing fleet that wins is said to, whether the others cost more or do not keep it', () => {
  const standing = policy('fixed', 0, 50, { count: 5 });
  assert.match(verdict(report([standing, policy('hpa', 0, 60)]), 0.01).join('\n'), /none that scales is worth it/);
  assert.match(verdict(report([standing, policy('hpa', 1, 60)]), 0.01).join('\n'), /Of those that scale none keeps it/);
  assert.doesNotMatch(verdict(report([standing]), 0.01).join('\n'), /scale/);
});

test('without requests nothing is concluded', () => {
  assert.deepEqual(verdict(report([policy('hpa', 0, 1)], { requests: 0 }), 0.01), [
    'Nobody came: this says nothing of any policy.',
  ]);
});

test('shares are as long as they mean something', () => {
  assert.deepEqual([0, 0.000_01, 0.0123, 0.123_45, 1].map(percent), ['0 %', '< 0.01 %', '1.23 %', '12.3 %', '100 %']);
  assert.equal(labelOf({ name: 'cron', parameters: { windows: [{ count: 2 }] } }), 'cron windows=[{"count":2}]');
});
