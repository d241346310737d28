import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WhyView } from '../api/schemas.ts';
import { whyText } from './why-text.ts';

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
const fresh = (value: number) => ({ kind: 'fresh' as const, value, ageMs: 1000 });
const unknown = { kind: 'absent' as const, value: null, ageMs: null };
const at = Date.UTC(2026, 10, 23, 14, 4, 46);

const forecaster = { low: null, high: null, skill: null, authority: 0, scored: 0, lost: 0 };

const why: WhyView = {
  deployment: 'digits',
  governor: { mode: 'auto', modeBy: 'ada', modeReason: 'rehearsal 31' },
  desired: 6,
  min: 1,
  max: 8,
  at,
  entry: 5123,
  done: { kind: 'moved', why: 'the mode is auto' },
  decision: {
    held: 4,
    target: 6,
    by: 'slo',
    reason: '420 req/s in 40 s',
    wished: 6,
    said: [{ policy: 'slo', target: 6, reason: '420 req/s in 40 s' }],
    cuts: [],
    unsound: [],
  },
  inputs: {
    spanMs: 1000,
    fleet: { target: 4, ready: 4, starting: 0 },
    min: 1,
    max: 8,
    lag: { detect: 400, decide: 10, start: 1900, load: 0, warm: 600, serve: 0 },
    objective: { latencyMs: 50, deadlineMs: 30_000 },
    signals: {
      arrivals: fresh(312),
      inFlight: fresh(4),
      queued: fresh(9),
      late: fresh(0),
      p99Ms: fresh(46),
      cpu: unknown,
      serviceMs: fresh(12.3),
    },
    capacity: { 4: 320 },
  },
  others: [
    { policy: 'hpa', target: 5, reason: 'the mean is 88 %' },
    { policy: 'kpa', target: 7, reason: 'the panic window saw a burst' },
  ],
  verdict: { kind: 'helped', reason: 'it did what it was for: 250 → 312 answers/s, 9 → 0 queued', at, entry: 5123 },
};

test('a decision is told by stage, and what is not known is no zero', () => {
  assert.deepEqual(whyText(why, style).split('\n'), [
    'digits: 4 → 6 replicas at 14:04:46 UTC (entry 5123)',
    '  observed  312 req/s, 4 in flight, queue 9, late 0, p99 46 ms, CPU unknown, 4 ready (1 s old)',
    '  objective 50 ms, given up after 30.0 s',
    '  capacity  a request takes 12.3 ms of a replica; measured: 4 hold 320/s',
    '  lag       detect 0.4  decide 0.01  start 1.9  warm 0.6  = 2.91 s',
    '  proposed  slo 6: 420 req/s in 40 s',
    '  cut by    nothing (bounds 1 to 8)',
    '  not fewer only hpa would: the mean is 88 %',
    '  not more  only kpa would: the panic window saw a burst',
    '  done      the target was changed: the mode is auto',
    '  mode      auto, by ada: rehearsal 31',
    '  result    helped: it did what it was for: 250 → 312 answers/s, 9 → 0 queued (entry 5123)',
    '  others    hpa 5 · kpa 7',
    '  replay    flyball journal replay 5123',
    '',
  ]);
});

test('why it did not scale in: doubt, or the bound that stood in the way', () => {
  const { decision } = why;
  assert.ok(decision !== undefined);
  const doubtful = { ...decision, held: 6, doubt: 'arrivals is not known', by: 'held', wished: 6 };
  assert.match(
    whyText({ ...why, decision: doubtful }, style),
    /not fewer arrivals is not known, and what is not known lowers nothing/,
  );
  const cuts = [{ stage: 'stabilisation', from: 2, to: 6, reason: '6 was wished in the last 300 s' }];
  const text = whyText({ ...why, others: [], decision: { ...decision, held: 6, wished: 2, cuts } }, style);
  assert.match(text, /cut by {4}stabilisation: 2 → 6, 6 was wished in the last 300 s/);
  assert.match(text, /not fewer 6 was wished in the last 300 s/);
});

test('one that is not governed says why', () => {
  const { deployment, governor, desired, min, max } = why;
  const text = whyText({ deployment, governor, desired, min, max, ungoverned: 'its size is fixed' }, style);
  assert.match(text, /^digits: 6 wanted\n {2}decision {2}its size is fixed$/m);
});

test('it says what is foretold at each horizon, and of the lag who says what and how far he is believed', () => {
  const trusted = { ...forecaster, perSecond: 420, low: 380, high: 450, authority: 0.62, scored: 900 };
  const text = whyText(
    {
      ...why,
      forecasts: {
        stepSeconds: 10,
        now: 312,
        horizons: [
          {
            seconds: 60,
            perSecond: 379,
            by: 'as an hour ago',
            authority: 0.62,
            forecasters: [
              {
                ...trusted,
                name: 'as an hour ago',
                why: '70 % better than "it stays as it is", less 2 standard errors',
              },
              { ...forecaster, name: 'as a day ago', perSecond: null, why: 'it cannot tell yet' },
            ],
          },
          { seconds: 600, perSecond: 312, by: null, authority: 0, forecasters: [] },
        ],
      },
    },
    style,
  );
  const lines = text.split('\n').filter((line) => line.startsWith('  forecast '));
  assert.deepEqual(lines, [
    '  forecast  in 60 s 379 req/s by "as an hour ago", believed to 62 %; in 600 s as now, 312 req/s',
    '  forecast  "as an hour ago" 420 req/s (380 to 450), believed to 62 %: 70 % better than "it stays as it is", less 2 standard errors',
    '  forecast  "as a day ago" nothing, believed to 0 %: it cannot tell yet',
  ]);
});

test('what comes next is told of now, and not of an earlier decision', () => {
  const next = { kind: 'none' as const, until: at + 60_000, ends: 'judged' as const, asOf: at };
  const { entry: _, ...now } = why;
  const governor = { ...why.governor, next };
  assert.match(
    whyText({ ...now, governor }, style),
    /\n {2}next {6}nothing, if load stays, until it is judged in 1 min/,
  );
  assert.doesNotMatch(whyText({ ...why, governor }, style), /\n {2}next /);
});
