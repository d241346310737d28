/* oxlint-disable no-restricted-globals -- the runtime's own calendar is what this one is compared with */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nextAfter, readCron } from './cron-expression.ts';
import { makePolicy } from './list.ts';
import { run } from '../policy.ts';
import { observe } from '../../../testing/observations.ts';

const next = (expression: string, from: string): string =>
  new Date(nextAfter(readCron(expression), Date.parse(from))).toISOString();

test('the next minute that an expression names', () => {
  assert.equal(next('30 6 * * *', '2026-03-01T06:29:30Z'), '2026-03-01T06:30:00.000Z');
  assert.equal(next('30 6 * * *', '2026-03-01T06:30:00Z'), '2026-03-02T06:30:00.000Z');
  assert.equal(next('0 8 * * mon-fri', '2026-03-07T00:00:00Z'), '2026-03-09T08:00:00.000Z');
  assert.equal(next('*/20 * 29 feb *', '2026-01-01T00:00:00Z'), '2028-02-29T00:00:00.000Z');
  assert.equal(next('0 0 * * 7', '2026-03-02T00:00:00Z'), '2026-03-08T00:00:00.000Z');
  assert.equal(nextAfter(readCron('0 0 31 2 *'), 0), Number.POSITIVE_INFINITY);
});

test('where both kinds of day are restricted, either is enough', () => {
  assert.equal(next('0 0 13 * fri', '2026-03-01T00:00:00Z'), '2026-03-06T00:00:00.000Z');
});

test('it agrees with looking at every minute', () => {
  const field = (min: number, max: number) =>
    fc.oneof(
      fc.constant('*'),
      fc.integer({ min, max }).map(String),
      fc.integer({ min: 1, max: 30 }).map((step) => `*/${step}`),
      fc
        .tuple(fc.integer({ min, max }), fc.integer({ min, max }))
        .map((two) => `${Math.min(...two)}-${Math.max(...two)}`),
    );
  const expressions = fc.tuple(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6));
  const from = fc.integer({ min: Date.UTC(1999, 0), max: Date.UTC(2101, 0) });
  fc.assert(
    fc.property(expressions, from, (fields, start) => {
      const [minute, hour, day, month, weekday] = fields;
      const passes = (one: string, value: number, min: number): boolean => {
        if (one === '*') return true;
        if (one.startsWith('*/')) return (value - min) % Number(one.slice(2)) === 0;
        const [low, high] = one.split('-').map(Number);
        return low !== undefined && value >= low && value <= (high ?? low);
      };
      const named = (at: Date): boolean => {
        const byMonthDay = passes(day, at.getUTCDate(), 1);
        const byWeekday = passes(weekday, at.getUTCDay(), 0);
        const either = !day.startsWith('*') && !weekday.startsWith('*');
        return (
          passes(minute, at.getUTCMinutes(), 0) &&
          passes(hour, at.getUTCHours(), 0) &&
          passes(month, at.getUTCMonth() + 1, 1) &&
          (either ? byMonthDay || byWeekday : byMonthDay && byWeekday)
        );
      };
      const found = nextAfter(readCron(fields.join(' ')), start);
      const until = Math.min(found, start + 86_400_000);
      for (let at = Math.floor(start / 60_000) * 60_000 + 60_000; at < until; at += 60_000)
        assert.ok(!named(new Date(at)), new Date(at).toISOString());
      if (Number.isFinite(found)) assert.ok(named(new Date(found)));
    }),
    { numRuns: 40 },
  );
});

test('a wrong expression is refused with the part that is wrong', () => {
  assert.throws(() => readCron('61 * * * *'), /"61" is no value of 0 to 59/u);
  assert.throws(() => readCron('* * *'), /has 3 fields/u);
  assert.throws(() => readCron('*/0 * * * *'), /"\*\/0" is no value/u);
});

test('inside a window its count holds, the largest of several, and outside the other', () => {
  const made = makePolicy('cron', {
    windows: [
      { start: '0 8 * * *', end: '0 18 * * *', count: 6 },
      { start: '0 11 * * *', end: '0 13 * * *', count: 9 },
    ],
    otherwise: 2,
  });
  assert.ok(made.kind === 'made');
  const policy = run(made.policy, observe(), 0);
  const at = (time: string): number => policy.step(observe({ wallMs: Date.parse(`2026-03-02T${time}:00Z`) }), 0).target;
  assert.deepEqual(['07:59', '08:00', '11:30', '13:00', '17:59', '18:00'].map(at), [2, 6, 9, 6, 6, 2]);
  // The wall clock was set back.
  assert.equal(at('09:00'), 6);
});
