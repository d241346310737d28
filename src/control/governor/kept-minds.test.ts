/** What the governor has learned outlives control: killed at any second, in the middle of a panic or of an hour. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deserialize, serialize } from 'node:v8';
import { deflateSync, inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { openSqliteStore } from '../../drivers/stores/sqlite.ts';
import { governedWorld, type Load } from '../../testing/governed-world.ts';
import { layoutPrint } from '../../testing/layout.ts';
import { createVirtualClock } from '../../testing/virtual-clock.ts';
import { unconstrained } from '../../core/scaling/constrain.ts';
import { fresh } from '../../core/scaling/signals.ts';
import { observe } from '../../testing/observations.ts';
import { keptLayout, openKeptMinds, toKept } from './kept-minds.ts';
import { createMind } from './mind.ts';

const auto = { mode: 'auto' as const, modeReason: 'a test' };
const calm: Load = { rate: 10, cpu: 0.3 };
const burst: Load = { rate: 60, cpu: 0.9, queued: 30, late: 20 };
const quick = { policy: 'thresholds', parameters: { sustainedSeconds: 3 } };

type World = Awaited<ReturnType<typeof governedWorld>>;

/** Targets, second by second, under a load that has just gone; control is killed before, or lives. */
async function afterwards(
  scaling: Parameters<typeof governedWorld>[0],
  before: (world: World) => Promise<void>,
  seconds: number,
  dies: boolean,
): Promise<{ readonly targets: readonly number[]; readonly reason: string | undefined }> {
  await using world = await governedWorld({ ...auto, ...scaling });
  await before(world);
  if (dies) await world.kill();
  const seen: number[] = [];
  for (let second = 0; second < seconds; second += 1) {
    await world.pass(1, calm);
    seen.push(world.target);
  }
  return { targets: seen, reason: world.governor().of('d')?.last?.thought.describe().reason };
}

test('control that dies in the middle of a flash forgets no wish of the minutes before, and scales in no sooner', async () => {
  const flash = async (world: World): Promise<void> => {
    await world.pass(20, calm);
    await world.pass(15, burst);
  };
  const wish = { ...quick, downStabilizationMs: 60_000 };
  const { targets: living } = await afterwards(wish, flash, 100, false);
  const { targets: killed } = await afterwards(wish, flash, 100, true);
  const leaves = (targets: readonly number[]): number =>
    targets.findIndex((target, index) => target < (targets[index - 1] ?? 0));
  assert.ok(leaves(living) >= 50, living.join(' '));
  // What was kept is as old as the last change: it lasts no shorter by more than that.
  assert.ok(leaves(killed) >= leaves(living) - 5, `${living.join(' ')} | ${killed.join(' ')}`);
});

test('the rehearsing policy goes on from the record of its ways, and need not see the next burst to know of it', async () => {
  const bursts = async (world: World): Promise<void> => {
    for (let round = 0; round < 12; round += 1) {
      await world.pass(50, calm);
      await world.pass(10, burst);
    }
    await world.pass(20, calm);
  };
  const wish = { policy: 'slo' };
  const living = await afterwards(wish, bursts, 200, false);
  const killed = await afterwards(wish, bursts, 200, true);
  assert.ok(Math.min(...living.targets) > 1, living.targets.join(' '));
  assert.deepEqual(killed.targets, living.targets);
  const way = (reason = ''): string | undefined => reason.split(' (')[0];
  assert.equal(way(killed.reason), way(living.reason));
  assert.match(killed.reason ?? '', /over 1[5-9] min/, 'on the evidence of before');
});

test('that raising did not help is remembered, and not tried again after a restart', async () => {
  await using world = await governedWorld({ ...auto, ...quick });
  const stuck: Load = { rate: 40, completed: 20, late: 20, cpu: 0.95, queued: 50 };
  await world.pass(90, stuck);
  const held = world.target;
  assert.ok(world.governor().of('d')?.digging !== undefined);
  await world.restart();
  await world.pass(60, stuck);
  assert.equal(world.target, held);
});

test('what came of a change is judged by the control that comes after, once', async () => {
  await using world = await governedWorld({ ...auto, ...quick });
  while (world.target === 1) await world.pass(1, burst);
  await world.kill();
  await world.pass(30, { rate: 10, cpu: 0.6 });
  const entries = await world.journal.read({ kind: 'decision', limit: 100 });
  assert.equal(entries.filter(({ action }) => action === 'helped').length, 1);
});

test('what is spent of a budget is known after a restart', async () => {
  const budget = { amount: 3, periodMs: 3_600_000, pricePerHour: 1 };
  const targets = async (dies: boolean): Promise<readonly number[]> => {
    await using world = await governedWorld({ ...auto, ...quick, budget });
    await world.pass(2400, calm);
    if (dies) await world.restart();
    await world.pass(60, { rate: 60, cpu: 0.9 });
    return world.moves;
  };
  const [living, restarted] = [await targets(false), await targets(true)];
  assert.ok(Math.max(...living) > 4, living.join(' '));
  assert.deepEqual(restarted, living);
});

test('law: what was kept at any second goes on to the same decisions, to the last bit, on another clock', () => {
  const constraints = { ...unconstrained, min: 1, max: 12, downStabilizationSeconds: 10, reversalsPerHour: 6 };
  const look = fc.record({
    arrivals: fc.integer({ min: 0, max: 300 }),
    inFlight: fc.integer({ min: 0, max: 12 }),
    queued: fc.constantFrom(0, 0, 0, 40),
    cpu: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(
      fc.constantFrom('slo', 'learned', 'kpa', 'hpa', 'ray', 'keda', 'thresholds', 'aws-target', 'aws-step'),
      fc.array(look, { minLength: 2, maxLength: 60 }),
      fc.nat(100),
      fc.nat(10_000_000),
      (policy, looks, when, otherClock) => {
        const choice = { policy, parameters: {} };
        const cutAt = when % looks.length;
        const decisions = (isCut: boolean): unknown[] => {
          let target = 4;
          let ahead = 0;
          const seenOf = (index: number) => {
            const { arrivals, inFlight, queued, cpu } = looks[index] as (typeof looks)[number];
            const said = { arrivals, inFlight, queued, cpu, utilisation: cpu };
            const signals = Object.fromEntries(Object.entries(said).map(([name, value]) => [name, fresh(value)]));
            return observe({ fleet: { target }, max: 12, signals });
          };
          let mind = createMind(choice, seenOf(0), constraints, 0, () => 0);
          return looks.map((_, index) => {
            const at = (index + 1) * 1000;
            if (isCut && index === cutAt) {
              const kept = { state: structuredClone(mind.state()), passedMs: 1000 };
              ahead = otherClock - at;
              mind = createMind(choice, seenOf(index), constraints, at + ahead, () => 0, undefined, kept);
            }
            const thought = mind.think(seenOf(index), [], constraints, at + ahead);
            ({ target } = thought);
            return [thought.describe(), thought.others()];
          });
        };
        assert.deepEqual(decisions(true), decisions(false));
      },
    ),
    { numRuns: 60 },
  );
});

test('a process whose monotonic clock begins anew goes on from the time that its predecessor had come to', async () => {
  await using store = openSqliteStore(':memory:');
  const wish = { ...auto, ...quick, downStabilizationMs: 60_000 };
  let held = 0;
  {
    await using world = await governedWorld(wish, { store });
    await world.pass(300, calm);
    await world.pass(10, burst);
    held = world.target;
    assert.ok(held > 1);
  }
  // Its wall clock says an hour before, too: nothing is taken for an hour that has passed, or that never will.
  await using again = await governedWorld(wish, { store });
  await again.pass(20, calm);
  assert.equal(again.target, held);
});

test('a policy whose state is of another layout begins anew, and the others go on', async () => {
  await using store = openSqliteStore(':memory:');
  await using world = await governedWorld({ ...auto, ...quick }, { store });
  await world.pass(70, calm);
  const clock = createVirtualClock();
  type Written = { layout: number; layouts: number[] };
  const rewrite = async (change: (written: Written) => void): Promise<readonly unknown[] | undefined> => {
    const text = (await store.meta('governor.mind.d')) ?? '';
    const written = deserialize(inflateSync(Buffer.from(text, 'base64'))) as Written;
    change(written);
    await store.setMeta('governor.mind.d', deflateSync(serialize(written)).toString('base64'));
    return (await openKeptMinds(store, clock, 'test')).of('d')?.kept.mind.states;
  };
  const states = await rewrite(() => {});
  assert.equal(states?.length, 6);
  assert.ok(states.every((state) => state !== undefined));
  const fewer = await rewrite(({ layouts }) => (layouts[0] = 99));
  assert.deepEqual(fewer, [undefined, ...states.slice(1)]);
  // Control goes on with it.
  await using again = await governedWorld({ ...auto, ...quick }, { store });
  await again.pass(3, calm);
  assert.equal(again.target, 1);
  assert.equal(await rewrite((written) => (written.layout = 99)), undefined, 'all that is no policy’s');
});

test('what is kept beside the states of policies is laid out as its number says', async () => {
  await using world = await governedWorld({ ...auto, ...quick });
  const printOf = (what: 'expectation' | 'digging'): string => {
    const own = world.governor().of('d');
    assert.ok(own?.[what] !== undefined, what);
    const kept = toKept(own, world.clock.now());
    assert.ok(kept !== undefined);
    return layoutPrint({ ...kept, mind: { ...kept.mind, states: [] } });
  };
  const stuck: Load = { rate: 40, completed: 20, late: 20, cpu: 0.95, queued: 50 };
  while (world.target === 1) await world.pass(1, stuck);
  const prints = [printOf('expectation')];
  await world.pass(90, stuck);
  prints.push(printOf('digging'));
  const words = 'another layout: raise `keptLayout`, and write number and prints here';
  assert.equal(`${keptLayout}: ${prints.join(' ')}`, '2: d0eb8681 d6d60fa1', words);
});

test('what is damaged, of another release, or of a name that is gone is not gone on from', async () => {
  await using store = openSqliteStore(':memory:');
  await using world = await governedWorld({ ...auto, ...quick }, { store });
  await world.pass(70, calm);
  const clock = createVirtualClock();
  const found = await openKeptMinds(store, clock, 'test');
  assert.equal(found.of('d')?.kept.choice.policy, 'thresholds');
  assert.equal((await openKeptMinds(store, clock, 'a later one')).of('d'), undefined);
  found.retain(() => false);
  assert.equal(found.of('d'), undefined);
  assert.equal((await openKeptMinds(store, clock, 'test')).of('d'), undefined);
  await store.setMeta('governor.mind.d', 'AAAA');
  assert.equal((await openKeptMinds(store, clock, 'test')).of('d'), undefined);
});
