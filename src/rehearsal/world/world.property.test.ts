/** The laws of the simulated world: it does what the core does, and no request is lost or told twice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seededRng } from '../../rng.ts';
import { coreWorld, type Fate, type FleetEvent } from '../../testing/core-world.ts';
import { draw, type Distribution } from './distribution.ts';
import { serviceTables } from './service.ts';
import { World, type Ending } from './world.ts';

const curves = fc.constantFrom(
  [{ rows: 1, ms: 100 }],
  [
    { rows: 1, ms: 100 },
    { rows: 2, ms: 120 },
    { rows: 4, ms: 160 },
  ],
  [
    { rows: 1, ms: 50 },
    { rows: 4, ms: 150 },
  ],
);
const spreads: fc.Arbitrary<Distribution> = fc.constantFrom<Distribution>(
  { kind: 'fixed', mean: 1 },
  { kind: 'lognormal', mean: 1, cv: 0.5 },
  { kind: 'exponential', mean: 1 },
);

/** Gaps of a few milliseconds with a fraction, so that two things seldom happen together. */
const gaps = fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 300 });
const fleetEvents = fc.array(
  fc.record({
    gap: fc.integer({ min: 1, max: 4000 }),
    kind: fc.constantFrom<FleetEvent['kind']>('open', 'open', 'drain'),
  }),
  { maxLength: 20 },
);

const setting = fc.record({
  curve: curves,
  spread: spreads,
  gaps,
  events: fleetEvents,
  initial: fc.integer({ min: 0, max: 6 }),
  queueLengthMax: fc.constantFrom(1, 4, 64),
  deadlineMs: fc.constantFrom(150, 400, 1000, 5000),
  seed: fc.nat(1000),
});

type Setting = typeof setting extends fc.Arbitrary<infer Value> ? Value : never;

function timesOf({ gaps }: Setting): Float64Array {
  let at = 0;
  return Float64Array.from(gaps, (gap, index) => (at += gap / 10 + ((index * 0.618_034) % 1) * 1e-3));
}

function eventsOf({ initial, events }: Setting): FleetEvent[] {
  let at = 0.01;
  const opened = Array.from({ length: initial }, (_, index): FleetEvent => ({ at: index * 1e-6, kind: 'open' }));
  return [...opened, ...events.map(({ gap, kind }): FleetEvent => ({ at: (at += gap / 10 + 1e-5), kind }))];
}

function runWorld(chosen: Setting): { world: World; fates: Map<number, Fate>; told: number } {
  const { curve, spread, queueLengthMax, deadlineMs, seed } = chosen;
  const sizeMax = curve.length > 1 ? 'auto' : 1;
  const service = serviceTables({ curve, spread, sizeMax });
  const times = timesOf(chosen);
  let isSent = false;
  const source = {
    take(into: Float64Array): number {
      if (isSent) return 0;
      isSent = true;
      into.set(times);
      return times.length;
    },
  };
  const world = new World({ service, queueLengthMax, latencyMs: 250, deadlineMs }, source, seededRng(seed));
  const fates = new Map<number, Fate>();
  let told = 0;
  world.onEnding = (arrivedAt: number, ending: Ending, at: number) => {
    told += 1;
    const answered = ending === 'kept' || ending === 'late';
    fates.set(arrivedAt, answered ? at : ending === 'expired' ? 'expired' : 'refused');
  };
  for (const { at, kind } of eventsOf(chosen)) {
    world.advance(at);
    if (kind === 'open') world.open(at);
    else world.drain();
  }
  world.finish();
  return { world, fates, told };
}

test('each request ends as the core modules end it, at the same moment', () => {
  fc.assert(
    fc.property(setting, (chosen) => {
      const { curve, spread, queueLengthMax, deadlineMs, seed } = chosen;
      const service = serviceTables({ curve, spread, sizeMax: curve.length > 1 ? 'auto' : 1 });
      const chance = seededRng(seed);
      const { factors } = service;
      const arrivals = [...timesOf(chosen)].map((at) => ({
        at,
        factor: factors === undefined ? 1 : draw(factors, chance.next()),
      }));
      const expected = coreWorld({ curve, service, queueLengthMax, deadlineMs }, arrivals, eventsOf(chosen));
      const { fates } = runWorld(chosen);
      for (const { at } of arrivals) {
        const should = expected.get(at);
        // Whoever is still being computed for at the deadline is told so then.
        const fate = typeof should === 'number' ? at + Math.min(should - at, deadlineMs) : should;
        assert.equal(fates.get(at), fate, `the request of ${at} ms`);
      }
    }),
    { numRuns: 300 },
  );
});

test('every request ends exactly once', () => {
  fc.assert(
    fc.property(setting, (chosen) => {
      const { world, fates, told } = runWorld(chosen);
      assert.equal(world.arrivals, chosen.gaps.length);
      assert.equal(world.ended, world.arrivals);
      assert.equal(told, world.arrivals);
      assert.equal(fates.size, world.arrivals);
      assert.deepEqual([world.waiting, world.rowsInFlight, world.busyCalls], [0, 0, 0]);
    }),
    { numRuns: 200 },
  );
});
