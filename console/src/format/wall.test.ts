import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { momentOf, wall } from './wall.ts';

const hour = 3_600_000;

test('what a field shows in a zone is the same moment again, in summer and in winter', () => {
  const at = fc.integer({ min: Date.UTC(2020, 0), max: Date.UTC(2030, 0) }).map((ms) => ms - (ms % 1000));
  const zones = fc.constantFrom('UTC', 'Pacific/Auckland', 'Europe/Vienna', 'America/St_Johns', 'Asia/Kathmandu');
  fc.assert(
    fc.property(at, zones, (ms, zone) => {
      const read = momentOf(wall(ms, zone), zone) as number;
      // An hour that comes twice has two moments of the same face.
      assert.equal(wall(read, zone), wall(ms, zone));
      assert.ok(read === ms || Math.abs(read - ms) === hour);
    }),
  );
  assert.equal(momentOf('', 'UTC'), undefined);
});
