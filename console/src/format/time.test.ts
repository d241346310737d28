import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ago, clock, isoWithOffset, moment, span, zoneName } from './time.ts';

const at = Date.UTC(2026, 10, 29, 14, 5, 7, 123);

test('a moment is never shown without its zone, and with its date when that is another', () => {
  assert.equal(moment(at, 'UTC', at), '14:05:07 UTC');
  assert.equal(moment(at, 'Europe/Berlin', at), '15:05:07 GMT+1');
  assert.equal(moment(at, 'UTC', at + 86_400_000), '2026-11-29 14:05:07 UTC');
  assert.equal(moment(at, 'Pacific/Auckland', at), '03:05:07 GMT+13');
});

test('summer time has another name than winter time', () => {
  assert.equal(zoneName(Date.UTC(2026, 6, 1), 'Europe/Berlin'), 'GMT+2');
  assert.equal(zoneName(at, 'Europe/Berlin'), 'GMT+1');
});

test('an export has its offset, and reads as the same moment', () => {
  assert.equal(isoWithOffset(at, 'UTC'), '2026-11-29T14:05:07.123Z');
  assert.equal(isoWithOffset(at, 'Asia/Kolkata'), '2026-11-29T19:35:07.123+05:30');
  const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Pacific/Auckland');
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_102_444_800_000 }), zones, (moment_, zone) => {
      assert.equal(Date.parse(isoWithOffset(moment_, zone)), moment_);
    }),
  );
});

test('spans are told in one unit, and what is ahead of a clock is now', () => {
  assert.deepEqual([230, 21_000, 130_000, 7_300_000, 200_000_000].map(span), ['0.2 s', '21 s', '2 min', '2 h', '2 d']);
  assert.equal(ago(at, at + 21_000), '21 s ago');
  assert.equal(ago(at + 500, at), 'now');
  assert.equal(clock(at, 'UTC', 'minute'), '14:05');
});
