import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMoment } from './moment.ts';

const now = Date.UTC(2026, 10, 23, 0, 5);

test('a moment is a time of day that has been, a date, or how long ago, always in UTC', () => {
  assert.equal(parseMoment('00:01', '--at', now), Date.UTC(2026, 10, 23, 0, 1));
  assert.equal(parseMoment('23:50:30', '--at', now), Date.UTC(2026, 10, 22, 23, 50, 30));
  assert.equal(parseMoment('10m', '--at', now), now - 600_000);
  assert.equal(parseMoment('2026-11-20', '--at', now), Date.UTC(2026, 10, 20));
  assert.equal(parseMoment('2026-11-20T10:00:00Z', '--at', now), Date.UTC(2026, 10, 20, 10));
  assert.equal(parseMoment('2026-11-20T10:00', '--at', now), Date.UTC(2026, 10, 20, 10));
  assert.equal(parseMoment('2026-11-20T10:00+01:00', '--at', now), Date.UTC(2026, 10, 20, 9));
});

test('what is no moment is refused with what one looks like', () => {
  for (const text of ['', 'yesterday', '10', '25:00', '2026-13-01', '14:05 PM'])
    assert.throws(() => parseMoment(text, '--at', now), /--at expects a time such as/, text);
});
