import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePolicy } from '../../core/scaling/policies/list.ts';
import { cheapestFixed } from '../cheapest-fixed.ts';
import { rehearse } from '../rehearse.ts';
import type { Scenario } from '../scenario.ts';
import { shapedTraffic } from '../traffic/shapes.ts';
import { scaledTo } from '../traffic/traffic.ts';
import { compare, type Contender, type Rehearsed } from './compare.ts';
import { page } from './page.ts';
import { picture } from './picture.ts';

const scenario: Scenario = {
  traffic: scaledTo(shapedTraffic('flash', 300), 40),
  service: { curve: [{ rows: 1, ms: 100 }], spread: { kind: 'fixed', mean: 1 }, sizeMax: 1 },
  lag: { kind: 'fixed', mean: 5000 },
  min: 1,
  max: 60,
  initial: 3,
  queueLengthMax: 256,
  latencyMs: 500,
  deadlineMs: 1000,
  cpuShare: 1,
  faults: {},
  seed: 5,
};

function contender(name: string, given: Record<string, unknown> = {}): Contender {
  const made = makePolicy(name, given);
  assert.ok(made.kind === 'made');
  return { name, parameters: given, policy: made.policy };
}

function compared(): Rehearsed {
  let clock = 0;
  const now = (): number => (clock += 1500);
  return compare(scenario, [contender('hpa', { cpuPercent: 70 }), contender('keda')], {
    pricePerHour: 0.05,
    tolerated: 0.01,
    now,
  });
}

test('a report has exactly the fields that are promised', () => {
  const { report } = compared();
  assert.deepEqual(Object.keys(report), [
    'trace',
    'seed',
    'simulatedSeconds',
    'wallSeconds',
    'requests',
    'policies',
    'clairvoyant',
  ]);
  const [first] = report.policies;
  assert.deepEqual(Object.keys(first ?? {}), [
    'name',
    'parameters',
    'violationFraction',
    'shedFraction',
    'p50Ms',
    'p99Ms',
    'replicaSeconds',
    'cost',
    'actions',
    'flaps',
  ]);
  assert.deepEqual(
    [report.trace, report.seed, report.simulatedSeconds, report.wallSeconds],
    ['shape:flash', 5, 300, 1.5],
  );
  assert.deepEqual(first?.parameters, { cpuPercent: 70 });
  assert.equal(first?.cost, (first?.replicaSeconds / 3600) * 0.05);
  for (const { replicaSeconds } of report.policies) assert.ok(replicaSeconds > 0);
  assert.ok(report.clairvoyant.replicaSeconds > 0);
});

test('nothing computed has no latency, and says so', () => {
  const closed = { ...scenario, max: 0, min: 0, initial: 0 };
  const { report } = compare(closed, [contender('fixed')], { pricePerHour: 1, tolerated: 0.01, now: () => 0 });
  assert.deepEqual([report.policies[0]?.p50Ms, report.policies[0]?.violationFraction], [null, 1]);
});

test('the cheapest standing fleet keeps the promise, and one replica fewer does not', () => {
  const count = cheapestFixed(scenario, 0.01);
  const missed = (initial: number): number => {
    const { policy } = contender('fixed', { count: initial });
    return rehearse({ ...scenario, initial }, policy).violationFraction;
  };
  assert.ok(missed(count) <= 0.01, `${count} miss ${missed(count)}`);
  assert.ok(missed(count - 1) > 0.01, `${count - 1} miss ${missed(count - 1)}`);
});

test('the picture and the page need nothing else, and are the same bytes for the same seed', () => {
  const rehearsed = compared();
  const svg = picture(rehearsed);
  assert.equal(picture(compared()), svg);
  assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  assert.match(svg, /hpa cpuPercent=70/);
  const html = page(rehearsed, ['one <of> them'], 'set');
  assert.match(html, /one &lt;of&gt; them/);
  assert.match(html, /<td>hpa cpuPercent=70<\/td>/);
  for (const text of [svg, html]) {
    // The name of the format is the only address in it, and nobody asks for that.
    assert.doesNotMatch(text.replace('http://www.w3.org/2000/svg', ''), /https?:|<script|src=|href=|url\(|@import/);
    assert.doesNotMatch(text, /NaN|undefined/);
  }
  const depth = svg.match(/<(\w+)[^>]*[^/]>/g)?.length;
  assert.equal(depth, svg.match(/<\/\w+>/g)?.length);
});
