import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { asleep, attend, awakeAt, type SleeperSeen, type Wakefulness } from './sleep.ts';

const idle = { arrivals: 5, waiting: 0, inFlight: 0 };
const base: SleeperSeen = { min: 0, idleMs: 1000, demand: idle, unproved: false, starting: false };

test('it sleeps after the idle time and not before', () => {
  const awake = awakeAt(0, 5);
  assert.equal(attend(awake, base, 999).kind, 'awake');
  assert.equal(attend(awake, base, 1000).kind, 'asleep');
});

test('a request that waits wakes it; one that came and went does not', () => {
  assert.equal(attend(asleep, { ...base, demand: { ...idle, waiting: 1 } }, 0).kind, 'awake');
  assert.equal(attend(asleep, { ...base, demand: { ...idle, arrivals: 6 } }, 0).kind, 'asleep');
});

test('with nobody to tell, nobody knows that it is idle', () => {
  const later = attend(awakeAt(0, 5), { ...base, demand: undefined }, 5000);
  assert.deepEqual(later, awakeAt(5000, 5));
});

test('a gateway that starts anew counts from zero, which is a sign of life', () => {
  assert.deepEqual(attend(awakeAt(0, 5), { ...base, demand: { ...idle, arrivals: 0 } }, 5000), awakeAt(5000, 0));
});

test('a version that has to prove itself wakes it', () => {
  assert.equal(attend(asleep, { ...base, unproved: true }, 0).kind, 'awake');
});

const seenOf: fc.Arbitrary<SleeperSeen> = fc.record({
  min: fc.constantFrom(0, 0, 0, 1),
  idleMs: fc.constant(1000),
  demand: fc.option(
    fc.record({ arrivals: fc.nat(3), waiting: fc.constantFrom(0, 0, 1), inFlight: fc.constantFrom(0, 0, 2) }),
    { nil: undefined },
  ),
  unproved: fc.constantFrom(false, false, true),
  starting: fc.constantFrom(false, false, true),
});
const turnOf = fc.record({ seen: seenOf, passMs: fc.nat(1500) });

test('it never falls asleep on somebody: not while one waits or runs, not in a first start, not in the dark', () => {
  fc.assert(
    fc.property(fc.array(turnOf, { maxLength: 40 }), (turns) => {
      let at = 0;
      let state: Wakefulness = awakeAt(0);
      let quietSince = 0;
      for (const { seen, passMs } of turns) {
        at += passMs;
        const before = state;
        state = attend(before, seen, at);
        const { demand } = seen;
        const quiet =
          seen.min === 0 &&
          !seen.unproved &&
          demand !== undefined &&
          demand.waiting === 0 &&
          (before.kind === 'asleep' ||
            (demand.inFlight === 0 && demand.arrivals === before.arrivals && !seen.starting));
        if (!quiet) quietSince = at;
        if (before.kind === 'awake' && state.kind === 'asleep') {
          assert.ok(quiet && at - quietSince >= seen.idleMs);
        }
        if (demand !== undefined && demand.waiting > 0) assert.equal(state.kind, 'awake');
        if (seen.min > 0) assert.equal(state.kind, 'awake');
        assert.deepEqual(attend(state, seen, at), state, 'looking twice changes nothing');
      }
    }),
  );
});
