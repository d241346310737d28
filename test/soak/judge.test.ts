import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { floorOf, judgeSoak, type Sample, type SoakRecord } from './judge.ts';

const durationMs = 60_000;
const record = (sample: (share: number) => Partial<Sample>, failures: SoakRecord['failures'] = {}): SoakRecord => ({
  durationMs,
  failures,
  answered: 1000,
  samples: Array.from({ length: 60 }, (_, second) => ({
    at: second * 1000,
    residentBytes: { gateway: 100 * 2 ** 20 },
    descriptors: { gateway: 30 },
    p99Ms: 10,
    answered: 10,
    ...sample(second / 60),
  })),
});
const broken = (soak: SoakRecord): string[] => judgeSoak(soak).flatMap(({ what, ok }) => (ok ? [] : [what]));

test('what stays as it is, is flat; so is a heap that swings with its garbage, and what grew while it warmed up', () => {
  assert.deepEqual(broken(record(() => ({}))), []);
  const swinging = record((share) => ({ residentBytes: { gateway: (100 + ((share * 600) % 50)) * 2 ** 20 } }));
  assert.deepEqual(broken(swinging), []);
  assert.deepEqual(broken(record((share) => ({ residentBytes: { gateway: (share < 0.3 ? 50 : 200) * 2 ** 20 } }))), []);
});

test('memory that climbs, descriptors that stay open, a p99 that runs away and a failed request are each named', () => {
  const climbing = record((share) => ({ residentBytes: { gateway: (100 + share * 120) * 2 ** 20 } }));
  assert.deepEqual(broken(climbing), ['gateway, resident']);
  assert.deepEqual(broken(record((share) => ({ descriptors: { gateway: 30 + share * 300 } }))), [
    'gateway, descriptors',
  ]);
  assert.deepEqual(broken(record((share) => ({ p99Ms: 10 + share * 1000 }))), ['latency of a steady caller, p99']);
  assert.deepEqual(broken(record(() => ({}), { '500': 1 })), ['requests that should have been answered and were not']);
});

test('a floor lies between the least and the greatest', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1000), { minLength: 1, maxLength: 50 }), (values) => {
      const floor = floorOf(values);
      assert.ok(floor >= Math.min(...values) && floor <= Math.max(...values));
    }),
  );
});
