/** What the Rehearsal view reckons before it draws: requests, orders, fronts, broken promises, and what arming would do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { armingEffects } from '../../console/src/views/rehearsal/arming-words.ts';
import { momentOf } from '../../console/src/views/rehearsal/elapsed.ts';
import { episodesOf } from '../../console/src/views/rehearsal/episodes.ts';
import type { Choices, PolicyRow, Rehearsal } from '../../console/src/views/rehearsal/kinds.ts';
import { ordered } from '../../console/src/views/rehearsal/order.ts';
import { ownOf } from '../../console/src/views/rehearsal/own.ts';
import { front, height, ticksTo } from '../../console/src/views/rehearsal/pareto.ts';
import { emptyForm, runRequest, type RunForm } from '../../console/src/views/rehearsal/run-request.ts';
import { rehearsalRunRequest } from '../../src/api/rehearsal-schemas.ts';
import { rehearsalChoices } from '../../src/control/rehearsal-choices.ts';

const choices: Choices = rehearsalChoices('0123456789ab');
const form = (change: Partial<RunForm>): RunForm => ({ ...emptyForm('digits'), ...change });

const row = (name: string, violationFraction: number, cost: number, p99Ms: number | null = 1): PolicyRow => ({
  name,
  parameters: {},
  violationFraction,
  shedFraction: 0,
  p50Ms: 1,
  p99Ms,
  replicaSeconds: cost * 3600,
  cost,
  actions: 0,
  flaps: 0,
});
const report = (policies: PolicyRow[]): Rehearsal['report'] => ({
  trace: 'shape:flash',
  seed: 1,
  simulatedSeconds: 60,
  wallSeconds: 1,
  requests: 100,
  policies,
  clairvoyant: { replicaSeconds: 3600 },
});

test('what is left as it is stays out of the request, and what is filled in is what the API takes', () => {
  const read = runRequest(form({}), choices, 'ada');
  assert.deepEqual(read, { kind: 'read', body: { trace: 'last:1h', by: 'ada', seed: 1 } });
  const filled = runRequest(
    form({
      trace: 'shape:flash',
      mean: '20',
      minutes: '10',
      policies: { slo: {}, kpa: { target: '2', weighted: 'true', metric: '' } },
      lag: 'vm',
      faults: { crash: { everySeconds: '60' } },
      tolerated: '5',
      seed: '7',
    }),
    choices,
    'ada',
  );
  assert.ok(filled.kind === 'read');
  assert.partialDeepStrictEqual(rehearsalRunRequest.parse(filled.body), {
    trace: 'shape:flash',
    mean: 20,
    durationSeconds: 600,
    policies: [
      { name: 'slo', parameters: {} },
      { name: 'kpa', parameters: { target: 2, weighted: true } },
    ],
    lag: 'vm',
    faults: [{ name: 'crash', parameters: { everySeconds: 60 } }],
    tolerated: 0.05,
    seed: 7,
  });
});

test('what is no number is refused by its name, and a length is of a shape alone', () => {
  const problem = (change: Partial<RunForm>): string => {
    const read = runRequest(form(change), choices, 'ada');
    return read.kind === 'refused' ? read.problem : '';
  };
  assert.match(problem({ mean: 'much' }), /^Requests a second: expected a number from 0.001/);
  assert.match(problem({ tolerated: '100' }), /^May be missed: .* got 100$/);
  assert.match(problem({ policies: { cron: { windows: '[' } } }), /^cron, windows: expected JSON, got \[$/);
  const recorded = runRequest(form({ minutes: '10' }), choices, 'ada');
  assert.ok(recorded.kind === 'read' && !('durationSeconds' in recorded.body));
});

test('rows are ordered by a column either way, and what is not known comes last', () => {
  const of = { report: report([row('a', 0.5, 3, null), row('b', 0.1, 1, 9), row('c', 0.2, 2, 4)]), tolerated: 0.2 };
  const names = (by: string, descending = false): string =>
    ordered(of, by, descending)
      .map(({ label }) => label)
      .join('');
  assert.deepEqual([names(''), names('missed'), names('cost', true)], ['abc', 'bca', 'acb']);
  assert.deepEqual([names('p99'), names('p99', true), names('policy', true)], ['cba', 'bca', 'cba']);
  assert.deepEqual(
    ordered(of, '', false).map(({ keeps }) => keeps),
    [false, true, true],
  );
});

test('whoever is on the front is beaten by nobody, and whoever is not is beaten by somebody on it', () => {
  const standing = fc.record({ cost: fc.integer({ min: 0, max: 9 }), missed: fc.integer({ min: 0, max: 9 }) });
  fc.assert(
    fc.property(fc.array(standing, { minLength: 1, maxLength: 12 }), (all) => {
      const best = new Set(front(all));
      assert.ok(best.size > 0);
      for (const [index, one] of all.entries()) {
        const beaten = [...best].some((other) => {
          const { cost, missed } = all[other] as { cost: number; missed: number };
          return cost <= one.cost && missed <= one.missed && (cost < one.cost || missed < one.missed);
        });
        assert.equal(beaten, !best.has(index));
      }
    }),
  );
});

test('heights rise with what is missed, from nothing at the bottom to all at the top; ticks reach the largest', () => {
  assert.deepEqual([height(0), height(1)], [0, 1]);
  assert.ok(height(1e-9) > 0);
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(fc.property(share, share, (one, other) => height(Math.min(one, other)) <= height(Math.max(one, other))));
  fc.assert(
    fc.property(fc.double({ min: 0.001, max: 1e6, noNaN: true }), (most) => {
      const ticks = ticksTo(most);
      assert.ok((ticks.at(-1) ?? 0) >= most * 0.999 && ticks.length <= 8);
    }),
  );
});

test('a promise is broken where more than is tolerated was missed, and stretches that touch are one', () => {
  const timelines = {
    from: 0,
    stretchSeconds: 10,
    load: [10, 10, 10, 0, 10],
    policies: [{ target: [], serving: [], missed: [0, 5, 10, 0, 0.05] }],
  };
  assert.deepEqual(episodesOf(timelines, 0, 0.01), [{ from: 10, to: 30, missed: 0.75, requests: 200 }]);
  assert.deepEqual(episodesOf(timelines, 1, 0.01), [], 'of one that has no line nothing is said');
});

test('a recorded moment is when it was, with its zone; one of a shape is after its beginning', () => {
  const from = Date.UTC(2026, 10, 29, 14, 5, 0);
  assert.equal(momentOf({ trace: 'last:1h of d', from, zone: 'UTC' }, 67), '2026-11-29 14:06:07 UTC');
  assert.equal(momentOf({ trace: 'shape:flash', from, zone: 'UTC' }, 3667), '1:01:07 after the beginning');
});

test('arming says what would happen, and that a rehearsal that does not fit is no ground for it', () => {
  const arming: Rehearsal['arming'] = { kind: 'fits', words: [], build: 'b', mode: 'approve', policy: 'slo' };
  const of = { id: '4be1', deployment: 'digits', min: 1, max: 8, arming };
  const said = armingEffects(of, undefined, true).join(' ');
  for (const words of [/from approve to auto/, /1 to 8 replicas/, /waits? for approval are withdrawn/, /stopped/])
    assert.match(said, words);
  const unfit = armingEffects({ ...of, arming: { ...arming, kind: 'unfit' } }, undefined, false).join(' ');
  assert.match(unfit, /keeps your reason alone/);
  assert.doesNotMatch(unfit, /4be1/);
  assert.equal(ownOf({ report: report([row('hpa', 0, 1), row('slo', 0, 1)]), arming }), 1);
});
