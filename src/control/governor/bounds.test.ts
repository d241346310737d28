/** Every bound of the specification in the live loop: it cuts, says so, and holds from the look after it was changed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeploymentSpecification } from '../../config/specification.ts';
import { spendingOf } from './spending.ts';
import { governedWorld, type Load } from '../../testing/governed-world.ts';

type World = Awaited<ReturnType<typeof governedWorld>>;
type Scaling = Partial<DeploymentSpecification['scaling']>;

const auto = { mode: 'auto' as const, modeReason: 'a test' };
const calm: Load = { rate: 10, cpu: 0.5 };
const fixed = (replicas: number): Scaling => ({ ...auto, policy: 'fixed', parameters: { count: replicas } });

/** As `flyball deploy` does it under a governor that runs. */
function change(world: World, scaling: Scaling): void {
  const { record } = world.deployment;
  const { specification } = record;
  world.deployment.record = {
    ...record,
    specification: { ...specification, scaling: { ...specification.scaling, ...scaling } },
  };
}

const cutsOf = (world: World): unknown =>
  world
    .governor()
    .of('d')
    ?.last?.thought.describe()
    .cuts.map(({ stage, from, to, reason }) => `${stage}: ${from} → ${to}, ${reason}`);

test('a budget: no more is started than can be paid until the period ends', async () => {
  await using world = await governedWorld({ ...fixed(8), budget: { amount: 3, periodMs: 3_600_000, pricePerHour: 1 } });
  await world.pass(5, calm);
  assert.equal(world.target, 3);
  assert.match(String(cutsOf(world)), /^cost: 8 → 3, 0\.00 of 3 are spent, 3 can be paid$/);
  let paid = 0;
  for (let minute = 0; minute < 59; minute += 1) {
    await world.pass(60, calm);
    paid += world.target / 60;
  }
  assert.ok(paid <= 3, String(paid));
  const spending = spendingOf(world.deployment, world.governor().of('d'));
  assert.ok(Math.abs((spending?.spent ?? 0) - paid) < 0.05, `${spending?.spent} of ${paid}`);
  const left = (spending?.periodEndsAt ?? 0) - world.clock.wall();
  assert.ok(left > 0 && left < 120_000, String(left));
  change(world, { budget: { amount: 10, periodMs: 3_600_000, pricePerHour: 1 } });
  await world.pass(5, calm);
  assert.ok(world.target > 3, 'a larger one holds at once');
});

test('a freeze: nothing is taken away, or nothing changes, by the wall clock and with its reason', async () => {
  await using world = await governedWorld(fixed(6));
  await world.pass(3, calm);
  assert.equal(world.target, 6);
  const freeze = (stops: 'in' | 'both', seconds: number) => ({
    freezes: [
      {
        from: new Date(world.clock.wall() - 1000).toISOString(),
        until: new Date(world.clock.wall() + seconds * 1000).toISOString(),
        stops,
        reason: 'the fair is on',
      },
    ],
  });
  change(world, { ...fixed(2), ...freeze('in', 60) });
  await world.pass(30, calm);
  assert.equal(world.target, 6);
  assert.deepEqual(cutsOf(world), ['freeze: 2 → 6, the fair is on']);
  change(world, fixed(7));
  await world.pass(3, calm);
  assert.equal(world.target, 7, 'more may come');
  change(world, { ...fixed(8), ...freeze('both', 60) });
  await world.pass(30, calm);
  assert.equal(world.target, 7);
  await world.pass(40, calm);
  assert.equal(world.target, 8, 'it is over');
});

test('a blast radius: no more than a share is taken away at once', async () => {
  await using world = await governedWorld({ ...fixed(8), blastRadius: 0.25 });
  await world.pass(3, calm);
  change(world, fixed(1));
  await world.pass(12, calm);
  assert.deepEqual(world.moves, [1, 8, 6, 5, 4, 3, 2, 1]);
});

test('a rate that is set while it runs holds from then on', async () => {
  await using world = await governedWorld(fixed(3));
  await world.pass(3, calm);
  change(world, { ...fixed(8), upRate: { replicas: 2, periodMs: 30_000 } });
  await world.pass(70, calm);
  assert.deepEqual(world.moves, [1, 3, 5, 7, 8]);
});

test('a flap budget: it turns no more often in an hour, and never refuses to add', async () => {
  await using world = await governedWorld({ ...fixed(1), reversalsPerHour: 4 });
  for (let round = 0; round < 20; round += 1) {
    change(world, fixed(round % 2 === 0 ? 6 : 2));
    await world.pass(60, calm);
  }
  const { moves } = world;
  const turns = moves.filter((target, index) => {
    const [before, next] = [moves[index - 1], moves[index + 1]];
    return before !== undefined && next !== undefined && Math.sign(target - before) !== Math.sign(next - target);
  });
  assert.ok(turns.length <= 4, moves.join(' '));
  assert.equal(world.target, 6);
  assert.match(String(cutsOf(world)), /flaps: 2 → 6, it turned 1 times in the last hour/);
});

test('a stabilisation that is made longer or shorter while it runs holds from then on', async () => {
  await using world = await governedWorld(fixed(6));
  await world.pass(3, calm);
  change(world, { downStabilizationMs: 120_000 });
  await world.pass(3, calm);
  change(world, fixed(2));
  await world.pass(100, calm);
  assert.equal(world.target, 6);
  assert.deepEqual(cutsOf(world), ['stabilisation: 2 → 6, 6 was wished in the last 120 s']);
  change(world, { downStabilizationMs: 10_000 });
  await world.pass(2, calm);
  assert.equal(world.target, 2);
});
