/** What is announced is what the governor then does, when the load stays: on the governor itself, under virtual time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { governedWorld, type Load } from '../../testing/governed-world.ts';
import { whyView } from '../../api/schemas.ts';
import type { Governed } from './governed.ts';
import { governorView, whyNow } from './why.ts';

type World = Awaited<ReturnType<typeof governedWorld>>;
const busy: Load = { rate: 40, cpu: 0.95 };
const calm: Load = { rate: 5, cpu: 0.3 };
const auto = { mode: 'auto' as const, modeReason: 'a test' };
const quick = { policy: 'thresholds', parameters: { sustainedSeconds: 3 } };

const own = (world: World): Governed => {
  const found = world.governor().of('d');
  assert.ok(found !== undefined);
  return found;
};
const thought = (world: World): number => own(world).last?.thought.target ?? Number.NaN;

/** Seconds until what is held, or recommended, is another; undefined when nothing is for so long. */
async function secondsUntilChange(world: World, load: Load, atMost: number): Promise<number | undefined> {
  const acts = world.modes.of(world.deployment).mode === 'auto';
  const now = (): number => (acts ? world.target : thought(world));
  const from = now();
  for (let second = 1; second <= atMost; second += 1) {
    await world.pass(1, load);
    if (now() !== from) return second;
  }
  return undefined;
}

test('law: with a load that stays the governor does what was announced, at that look, and nothing before', async () => {
  const loads = fc.record({
    rate: fc.integer({ min: 0, max: 80 }),
    cpu: fc.constantFrom(0.02, 0.3, 0.6, 0.9),
  });
  const policies = fc.constantFrom(
    { policy: 'thresholds', parameters: { sustainedSeconds: 5 } },
    { policy: 'hpa', parameters: {} },
    { policy: 'kpa', parameters: {} },
    { policy: 'ray', parameters: { targetOngoingRequests: 1, upscaleDelaySeconds: 10, downscaleDelaySeconds: 20 } },
    { policy: 'slo', parameters: {} },
  );
  const restraints = fc.record(
    {
      upStabilizationMs: fc.constantFrom(5000, 20_000),
      downStabilizationMs: fc.constantFrom(10_000, 45_000),
      downRate: fc.constant({ replicas: 1, periodMs: 30_000 }),
      upRate: fc.constant({ replicas: 1, periodMs: 15_000 }),
      blastRadius: fc.constant(0.3),
      budget: fc.constant({ amount: 0.1, periodMs: 120_000, pricePerHour: 1 }),
    },
    { requiredKeys: [] },
  );
  const modes = fc.constantFrom('auto' as const, 'advise' as const, 'approve' as const);
  const passing = fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), loads), { minLength: 1, maxLength: 3 });
  const kinds = new Set<string>();
  await fc.assert(
    fc.asyncProperty(policies, restraints, modes, passing, loads, async (policy, restraint, mode, before, load) => {
      await using world = await governedWorld({ ...policy, ...restraint, mode, modeReason: 'a test' });
      for (const [seconds, one] of before) await world.pass(seconds, one);
      // Until the load is the one that stays, in everything that is smoothed over a look.
      await world.pass(2, load);
      const next = await world.foreseeing.ask(world.deployment);
      assert.ok(next !== undefined && next.kind !== 'unknown');
      const at = world.clock.wall();
      kinds.add(next.kind === 'change' ? next.rule : next.ends);
      if (next.kind === 'none') {
        const seconds = Math.min(150, Math.floor((next.until - at) / 1000));
        assert.equal(await secondsUntilChange(world, load, seconds), undefined);
        return;
      }
      const from = mode === 'auto' ? world.target : thought(world);
      assert.deepEqual([next.from, next.recommended], [from, mode !== 'auto']);
      assert.equal(await secondsUntilChange(world, load, 610), (next.at - at) / 1000);
      assert.equal(next.to, mode === 'auto' ? world.target : thought(world));
    }),
    { numRuns: 40, seed: 6 },
  );
  for (const kind of ['policy', 'stabilisation', 'horizon', 'judged'])
    assert.ok(kinds.has(kind), [...kinds].join(', '));
});

test('it says which rule lets go, and when: a window, a freeze', async () => {
  await using world = await governedWorld({ ...quick, ...auto, downStabilizationMs: 60_000 });
  await world.pass(12, busy);
  await world.pass(30, calm);
  const next = await world.foreseeing.ask(world.deployment);
  assert.ok(next?.kind === 'change', JSON.stringify(next));
  assert.deepEqual([next.from, next.to, next.rule], [world.target, world.target - 1, 'stabilisation']);
  assert.match(next.reason, /^the stabilisation window ends: CPU is at 30 %/);

  const { record } = world.deployment;
  const at = world.clock.wall();
  const [from, until] = [at - 1000, at + 90_000].map((one) => new Date(one).toISOString());
  const freezes = [{ from: from ?? '', until: until ?? '', stops: 'in' as const, reason: 'the sale' }];
  const scaling = { ...record.specification.scaling, downStabilizationMs: 0, freezes };
  world.deployment.record = { ...record, specification: { ...record.specification, scaling } };
  await world.pass(10, calm);
  const frozen = await world.foreseeing.ask(world.deployment);
  assert.ok(frozen?.kind === 'change');
  assert.deepEqual([frozen.rule, frozen.at - at], ['freeze', 90_000]);
});

test('what did not help is tried again when its time is over, and is announced as such', async () => {
  await using world = await governedWorld({ ...quick, ...auto }, { max: 3 });
  const ill: Load = { rate: 40, cpu: 0.95, late: 20, queued: 30, completed: 20 };
  await world.pass(2, ill);
  for (let second = 0; second < 120 && own(world).verdict?.kind !== 'no help'; second += 1) await world.pass(1, ill);
  const { digging } = own(world);
  assert.ok(digging !== undefined);
  // Back to where it was, and then nothing until it may be tried again.
  await world.pass(30, ill);
  const next = await world.foreseeing.ask(world.deployment);
  assert.ok(next?.kind === 'change', JSON.stringify(next));
  assert.equal(next.rule, 'ceiling');
  assert.ok(Math.abs(next.at - world.clock.wall() - (digging.until - world.clock.now())) <= 1000);
});

test('one that nobody asks sleeps when its idle time is over, whatever the mode', async () => {
  await using world = await governedWorld(quick, { min: 0 });
  await world.pass(20, { rate: 0, cpu: 0 });
  const next = await world.foreseeing.ask(world.deployment);
  assert.ok(next?.kind === 'change');
  assert.deepEqual([next.to, next.rule, next.recommended], [0, 'sleep', false]);
  assert.equal(next.at - world.clock.wall(), 300_000 - 20_000);
});

test('a beat keeps it for all; it is told no longer than it can be true', async () => {
  await using world = await governedWorld(quick);
  const { foreseeing, deployment } = world;
  assert.equal(foreseeing.kept(deployment), undefined);
  await world.pass(3, calm);
  await foreseeing.beat();
  assert.equal(foreseeing.kept(deployment)?.kind, 'none');
  const { record } = deployment;
  deployment.record = { ...record, desired: 4 };
  assert.equal(foreseeing.kept(deployment), undefined, 'somebody has scaled it by hand');
  deployment.record = record;
  world.clock.pass(61_000);
  assert.equal(foreseeing.kept(deployment), undefined, 'it was another load');
});

test('while nobody knows the load, nobody says what comes next', async () => {
  await using world = await governedWorld(quick);
  await world.pass(3, calm);
  await world.pass(10, undefined);
  const next = await world.foreseeing.ask(world.deployment);
  assert.ok(next?.kind === 'unknown');
  assert.match(next.reason, /the load/);
});

test('looking ahead changes nothing: what is decided and journalled is the same without it', async () => {
  const told: string[] = [];
  for (const asks of [false, true]) {
    await using world = await governedWorld({ policy: 'slo', ...auto });
    for (let round = 0; round < 12; round += 1) {
      await world.pass(6, round % 3 === 0 ? busy : calm);
      if (asks) await world.foreseeing.ask(world.deployment);
    }
    const entries = await world.journal.read({ kind: 'decision', limit: 1000 });
    told.push(JSON.stringify(entries.map(({ action, reason, details }) => [action, reason, details])));
  }
  assert.equal(told[0], told[1]);
});

test('why and status tell it as the control API describes it', async () => {
  await using world = await governedWorld({ ...quick, downStabilizationMs: 60_000 });
  await world.pass(12, busy);
  const parts = { ...world, governor: world.governor() };
  assert.equal(governorView(world.deployment, parts).next, undefined, 'nobody has looked ahead yet');
  const { governor } = whyView.parse(await whyNow(world.deployment, parts));
  assert.equal(governor.next?.kind, 'none', JSON.stringify(governor.next));
  assert.deepEqual(governor.next, governorView(world.deployment, parts).next);
});
