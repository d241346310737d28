import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { frameOf } from './frame.ts';
import { lanes } from './lanes.ts';

const window = { from: 1_000_000, to: 4_600_000 };
const widths = fc.integer({ min: 200, max: 4000 });

test('a moment of the window is found again where it was drawn, and what is beside it is its nearest end', () => {
  fc.assert(
    fc.property(widths, fc.integer({ min: window.from, max: window.to }), (wide, at) => {
      const frame = frameOf(wide, window);
      assert.ok(Math.abs(frame.momentAt(frame.xOf(at)) - at) < 1e-3);
      assert.equal(frame.momentAt(-50), window.from);
      assert.equal(frame.momentAt(wide + 50), window.to);
    }),
  );
});

test('lanes lie under each other and above the axis, at each width', () => {
  fc.assert(
    fc.property(widths, (wide) => {
      const frame = frameOf(wide, window);
      let end = frame.load.top + frame.load.height;
      for (const index of lanes.keys()) {
        const { top, height } = frame.lane(index);
        assert.ok(top >= end, `lane ${index} begins at ${top}, the one before ends at ${end}`);
        end = top + height;
      }
      assert.ok(end <= frame.lanesPx && frame.lanesPx < frame.heightPx);
    }),
  );
});
