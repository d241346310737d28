import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Params } from '../../router.ts';
import { brushed, chosen, cursorAfter, lookedAt } from './span.ts';

const now = Date.UTC(2026, 10, 29, 14, 5);
const hour = 3_600_000;

test('an address without a word is the last hour, which moves with the time; nonsense is no word', () => {
  const none: readonly Params[] = [{}, { range: 'x', from: 'now', to: '7' }, { from: '9', to: '9' }, { until: '-1' }];
  for (const query of none)
    assert.deepEqual(lookedAt(query, now), {
      length: '1h',
      window: { from: now - hour, to: now },
      brush: undefined,
      moves: true,
    });
});

test('an address reproduces what was chosen: the window stays where it was while time goes on', () => {
  const looked = lookedAt({ range: '6h' }, now);
  const query = chosen({ from: now - 2 * hour, to: now - hour }, looked);
  const given = Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >;
  const later = lookedAt(given, now + 5 * hour);
  assert.deepEqual(later.window, looked.window);
  assert.deepEqual(later.brush, { from: now - 2 * hour, to: now - hour });
  assert.equal(later.moves, false);
});

test('a slice far back is shown in the middle of a window, and one up to now has no future beside it', () => {
  const from = now - 30 * 24 * hour;
  const { window } = lookedAt({ from: String(from), to: String(from + 60_000) }, now);
  assert.equal(window.to - window.from, hour);
  assert.equal((window.from + window.to) / 2, from + 30_000);
  assert.equal(lookedAt({ range: '15m', from: String(now - 2 * hour), to: String(now) }, now).window.to, now);
});

test('a brush is within the window and the right way round, wherever it was drawn', () => {
  const window = { from: 1000, to: 101_000 };
  fc.assert(
    fc.property(fc.integer({ min: -1e6, max: 1e6 }), fc.integer({ min: -1e6, max: 1e6 }), (one, other) => {
      const brush = brushed(one, other, window);
      if (brush === undefined) return;
      assert.ok(brush.from >= window.from && brush.to <= window.to && brush.to - brush.from >= 1000);
      assert.deepEqual(brushed(other, one, window), brush);
    }),
  );
});

test('keys take the cursor through the window and not out of it', () => {
  const window = { from: 0, to: 120_000 };
  assert.equal(cursorAfter('ArrowLeft', undefined, window), 119_000, 'it begins at the end');
  assert.equal(cursorAfter('ArrowRight', 120_000, window), 120_000);
  assert.equal(cursorAfter('PageUp', 5000, window), 0);
  assert.equal(cursorAfter('Home', 5000, window), 0);
  assert.equal(cursorAfter('x', 5000, window), undefined);
});
