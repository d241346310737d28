/**
 * What goes wrong around an autoscaler, in the live loop on a virtual clock: telemetry that dies or contradicts itself, a
 * policy that fails in every way, two hands on one knob. What is held, and where it is said.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeploymentView } from '../../api/schemas.ts';
import { makePolicy as fromList } from '../../core/scaling/policies/list.ts';
import type { Policy, Proposal } from '../../core/scaling/policy.ts';
import { openRegistry } from '../../telemetry/registry.ts';
import { governedWorld, type Load } from '../../testing/governed-world.ts';
import { warningsOf } from '../views.ts';
import type { DecisionDetails } from './governed.ts';
import { registerGovernorGauges } from './gauges.ts';
import type { PolicyChoice } from './mind.ts';
import { replay } from './replay.ts';
import { governorView, whyNow } from './why.ts';

type World = Awaited<ReturnType<typeof governedWorld>>;

const auto = { mode: 'auto' as const, modeReason: 'a test' };
const quick = { policy: 'thresholds', parameters: { sustainedSeconds: 3 } };
const calm: Load = { rate: 10, cpu: 0.3 };
const busy: Load = { rate: 60, cpu: 0.95, queued: 20 };

const viewOf = (world: World): DeploymentView =>
  ({
    name: 'd',
    state: 'serving',
    replicas: [],
    desired: world.target,
    governor: governorView(world.deployment, { ...world, governor: world.governor() }),
  }) as unknown as DeploymentView;

/** What somebody would be told who has not asked. */
const warnings = (world: World): readonly string[] =>
  warningsOf([viewOf(world)], [{ worker: 0, pid: 1, revision: 1, keys: 0, history: [] }], undefined);

function metrics(world: World): Readonly<Record<string, number>> {
  const registry = openRegistry();
  registerGovernorGauges(
    registry,
    () => [viewOf(world)],
    () => false,
  );
  return Object.fromEntries(
    registry
      .families()
      .flatMap(({ name, samples: [sample] }) =>
        sample === undefined ? [] : [[name, (sample as { value: number }).value]],
      ),
  );
}

for (const policy of [
  'slo',
  'learned',
  'hpa',
  'kpa',
  'keda',
  'ray',
  'thresholds',
  'aws-target',
  'aws-step',
  'cron',
  'fixed',
]) {
  test(`${policy}: telemetry that is dead for ten minutes is not idleness, and it is said`, async () => {
    const parameters = policy === 'fixed' ? { count: 5 } : {};
    await using world = await governedWorld({ ...auto, policy, parameters });
    world.deployment.record = { ...world.deployment.record, desired: 5 };
    await world.pass(10, { rate: 45, cpu: 0.75 });
    const held = world.target;
    await world.pass(600, undefined);
    assert.ok(Math.min(...world.moves.slice(world.moves.indexOf(held))) >= held, world.moves.join(' '));
    if (policy === 'cron' || policy === 'fixed') return;
    assert.match(warnings(world).join(), /^d: held at \d+: .+ (is not known|s old)$/);
    assert.equal(metrics(world)['flyball_governor_in_doubt'], 1);
    const entries = await world.journal.read({ kind: 'decision', limit: 1000 });
    const told = entries.map(({ details }) => details as DecisionDetails);
    const isTold = ({ done, decision }: DecisionDetails): boolean =>
      done?.kind === 'held' && (decision.doubt !== undefined || / (is not known|s old)$/.test(done.why));
    assert.ok(told.some(isTold));
  });
}

for (const policy of ['slo', 'kpa', 'aws-target']) {
  test(`${policy}: gateways that tell of nobody while replicas compute: what is there stays, and a person is asked`, async () => {
    const parameters = policy === 'aws-target' ? { metric: 'perReplica' } : {};
    await using world = await governedWorld({ ...auto, policy, ...(policy === 'aws-target' ? {} : { parameters }) });
    world.deployment.record = { ...world.deployment.record, desired: 4 };
    await world.pass(30, { rate: 30, cpu: 0.8, computes: 8 });
    const held = world.target;
    await world.pass(900, { rate: 0, cpu: 0.8, computes: 8 });
    assert.ok(world.target >= held, world.moves.join(' '));
    const signal = world.governor().of('d')?.last?.seen.signals.arrivals;
    assert.equal(signal?.kind, 'contradictory');
    if (policy !== 'aws-target') assert.match(warnings(world).join(), /disagree: which is right\? flyball why d$/);
  });
}

test('load that ends is no contradiction, though the last words of replicas still tell of it', async () => {
  await using world = await governedWorld({ ...auto, policy: 'slo' });
  await world.pass(30, { rate: 30, cpu: 0.8, computes: 8 });
  for (const computes of [8, 0, 0]) {
    await world.pass(1, { rate: 0, cpu: 0.1, computes });
    assert.equal(world.governor().of('d')?.last?.seen.signals.arrivals.kind, 'fresh');
  }
});

const failing: Readonly<Record<string, (now: { ms: number }) => Proposal>> = {
  throws: () => {
    throw new Error('division by nothing');
  },
  'returns NaN': () => ({ target: Number.NaN, reason: () => 'mad' }),
  'returns -1': () => ({ target: -1, reason: () => 'mad' }),
  'returns 1e9': () => ({ target: 1e9, reason: () => 'mad' }),
  'returns half a replica': () => ({ target: 2.5, reason: () => 'mad' }),
};

for (const [how, propose] of Object.entries(failing)) {
  test(`a policy that ${how} is contained: its stand-in raises and never lowers, and everybody is told`, async () => {
    const makePolicy = ({ policy, parameters }: PolicyChoice): Policy => {
      if (policy === 'slo') {
        return { name: 'slo', start: () => null, step: (state) => ({ state, proposal: propose({ ms: 0 }) }) };
      }
      // The stand-in waits for minutes by default.
      const made = fromList(policy, policy === 'thresholds' ? { sustainedSeconds: 3 } : parameters);
      assert.ok(made.kind === 'made');
      return made.policy;
    };
    await using world = await governedWorld({ ...auto, policy: 'slo' }, { makePolicy });
    await world.pass(20, busy);
    const held = world.target;
    assert.ok(held > 1, 'the stand-in raises');
    await world.pass(60, { rate: 1, cpu: 0.05 });
    assert.equal(world.target, held, 'and does not lower');
    const view = governorView(world.deployment, { ...world, governor: world.governor() });
    assert.match(view.unsound ?? '', /^slo (failed|proposed)/);
    assert.match(warnings(world).join(), /^d: its scaling policy does not answer: slo /);
    assert.equal(metrics(world)['flyball_governor_policy_failing'], 1);
    const why = await whyNow(world.deployment, { ...world, governor: world.governor() });
    assert.equal(why.decision?.said[0]?.target, null);
    assert.match(why.decision?.unsound.join() ?? '', /^slo /);
  });
}

test('a policy that takes longer than its budget is contained the same way', async () => {
  let world: World | undefined;
  const makePolicy = ({ policy, parameters }: PolicyChoice): Policy => {
    const made = fromList(policy, parameters);
    assert.ok(made.kind === 'made');
    const rule = made.policy;
    if (policy !== 'slo') return rule;
    return {
      name: rule.name,
      start: (seen, at) => rule.start(seen, at),
      step(state, seen, at) {
        world?.clock.pass(60);
        return rule.step(state, seen, at);
      },
    };
  };
  world = await governedWorld({ ...auto, policy: 'slo' }, { makePolicy });
  await using _ = world;
  world.deployment.record = { ...world.deployment.record, desired: 5 };
  await world.pass(30, calm);
  assert.equal(world.target, 5);
  assert.match(
    warnings(world).join(),
    /its scaling policy does not answer: slo (took 60 ms|failed: it failed 3 times)/,
  );
});

test('while a version takes over nothing is lowered, by anybody, and more may be added', async () => {
  await using world = await governedWorld({ ...auto, ...quick });
  world.deployment.record = { ...world.deployment.record, desired: 4 };
  const release = { serving: { key: 'a' }, target: { key: 'b', launch: { version: 2 } } };
  Object.assign(world.deployment, release);
  await world.pass(60, { rate: 1, cpu: 0.05 });
  assert.equal(world.target, 4);
  assert.match(
    world.governor().of('d')?.last?.thought.describe().reason ?? '',
    /release of version 2 keeps it at least 4/,
  );
  await world.pass(10, busy);
  assert.ok(world.target > 4);
  Object.assign(world.deployment, { serving: { key: 'b' } });
  await world.pass(60, { rate: 1, cpu: 0.05 });
  assert.equal(world.target, 1);
});

test('in advise nothing moves also where what is held lies outside the bounds', async () => {
  await using world = await governedWorld({ ...quick }, { min: 2, max: 4 });
  for (const desired of [7, 1]) {
    world.deployment.record = { ...world.deployment.record, desired };
    for (const load of [busy, calm, undefined]) await world.pass(20, load);
    assert.equal(world.target, desired);
  }
});

test('a hand on the same knob: what a person sets is where the governor goes on from, and it does not pull back at once', async () => {
  await using world = await governedWorld({ ...auto, policy: 'thresholds', parameters: { sustainedSeconds: 20 } });
  await world.pass(15, { rate: 1, cpu: 0.05 });
  world.deployment.record = { ...world.deployment.record, desired: 6 };
  await world.pass(19, { rate: 1, cpu: 0.05 });
  assert.equal(world.target, 6, 'the larger fleet has to show anew that it is too large');
  await world.pass(5, { rate: 1, cpu: 0.05 });
  assert.equal(world.target, 5);
});

test('what was decided in doubt, by a stand-in or under a claim is made again from the journal, byte for byte', async () => {
  await using world = await governedWorld({ ...auto, policy: 'slo' });
  await world.pass(30, busy);
  await world.pass(60, undefined);
  Object.assign(world.deployment, { serving: { key: 'a' }, target: { key: 'b', launch: { version: 2 } } });
  await world.pass(90, calm);
  const entries = await world.journal.read({ kind: 'decision', limit: 1000 });
  const recorded = entries.map(({ details }) => details as DecisionDetails).filter(({ recording }) => recording);
  assert.ok(recorded.some(({ decision }) => decision.doubt !== undefined));
  for (const { recording, decision } of recorded) assert.equal(replay(recording ?? '', decision).same, true);
});
