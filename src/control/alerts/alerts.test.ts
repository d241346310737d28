/**
 * Transcripts of playbooks under virtual time: what came by webhook, what the governor made of it, and what is told. As long as
 * there are scenes.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { specification, type Mode, type SpecificationInput } from '../../config/specification.ts';
import { openSqliteStore } from '../../drivers/stores/sqlite.ts';
import { notification, type SentAlert } from '../../testing/alert-bodies.ts';
import { governedWorld, type Load } from '../../testing/governed-world.ts';
import type { DecisionDetails } from '../governor/governed.ts';
import { replay } from '../governor/replay.ts';

const token = 'a-token-of-some-length';
process.env['FLYBALL_TEST_BEARER'] = token;
const headers = { authorization: `Bearer ${token}` };

type Playbooks = NonNullable<NonNullable<SpecificationInput['alerts']>['playbooks']>;
const settings = (playbooks: Playbooks, more: object = {}) =>
  specification.parse({
    alerts: { webhooks: { alertmanager: { bearer: { env: 'FLYBALL_TEST_BEARER' } } }, playbooks, ...more },
  }).alerts;

const fixed = { policy: 'fixed', parameters: { count: 2 } };
const auto = { ...fixed, mode: 'auto' as const, modeReason: 'a test' };
const load: Load = { rate: 10, cpu: 0.5 };
const out = { match: { alertname: 'Slow' }, deployment: 'd', firing: { scaleOut: 2 }, holdMs: 60_000 };

type World = Awaited<ReturnType<typeof governedWorld>>;
const send = (world: World, ...alerts: readonly SentAlert[]) =>
  world.alerts().receiveAlerts('alertmanager', headers, notification('alertmanager', alerts));
const actions = async (world: World) => (await world.alerts().alerts({ limit: 100 })).actions;
const alertsOf = async (world: World) => (await world.alerts().alerts({ limit: 100 })).alerts;

test('a firing alert raises the target once, through the governor, and the step is held for its time', async () => {
  await using world = await governedWorld(auto, { alerts: settings({ more: out }) });
  await world.pass(3, load);
  const group = (state: SentAlert['state']): readonly SentAlert[] =>
    [1, 2, 3, 4, 5].map((number) => ({ state, labels: { instance: `i${number}` } }));
  const taken = await send(world, ...group('firing'));
  assert.deepEqual(
    [taken.fired, taken.actions.map(({ action, state }) => `${action} ${state}`)],
    [5, ['scale out 2 → 4 pending']],
  );
  await world.pass(3, load);
  assert.equal(world.target, 4);
  const again = await send(world, ...group('firing'));
  assert.deepEqual([again.repeated, again.actions], [5, []]);
  await send(world, ...group('resolved'));
  await world.pass(50, load);
  assert.equal(world.target, 4, 'held though it is resolved');
  await world.pass(20, load);
  assert.deepEqual(world.moves, [1, 2, 4, 2]);

  const [done] = await actions(world);
  assert.deepEqual([done?.state, done?.why, done?.over], ['done', '2 → 4 replicas', true]);
  const entries = await world.journal.read({ limit: 1000 });
  const move = entries.find(({ id }) => id === done?.entry);
  assert.deepEqual([move?.kind, move?.action, move?.by], ['decision', '2 → 4', 'governor']);
  assert.match(move?.reason ?? '', /playbook more \(Slow fires\) keeps it at least 4, 2 asked for/);
  const { recording = '', decision } = (move?.details ?? {}) as Partial<DecisionDetails>;
  assert.equal(replay(recording, decision).same, true);
  const told = entries
    .filter(({ kind }) => kind === 'alert')
    .map(({ action, subject, by }) => `${subject} ${action} ${by}`);
  assert.deepEqual(told, [
    'alerts 5 fired alertmanager',
    'd scale out 2 → 4 playbook more',
    'alerts 5 resolved alertmanager',
  ]);
  assert.equal((await world.journal.verify()).bad, undefined);
});

test('a step is held as long as its alert fires, and no longer than its sender is heard of', async () => {
  await using world = await governedWorld(auto, { alerts: settings({ more: out }, { silentMs: 300_000 }) });
  await world.pass(3, load);
  await send(world, {});
  await world.pass(200, load);
  assert.equal(world.target, 4);
  await world.pass(120, load);
  assert.equal(world.target, 2);
  assert.equal((await alertsOf(world))[0]?.state, 'silent');
});

test('the policy and the playbook do not pull at one target in turn', async () => {
  const down = {
    policy: 'thresholds',
    parameters: { sustainedSeconds: 3 },
    mode: 'auto' as const,
    modeReason: 'a test',
  };
  await using world = await governedWorld(down, { alerts: settings({ more: out }) });
  await world.pass(3, { rate: 10, cpu: 0.6 });
  await send(world, {});
  await world.pass(50, { rate: 1, cpu: 0.05 });
  assert.deepEqual(world.moves, [1, 3]);
  await send(world, { state: 'resolved' });
  await world.pass(40, { rate: 1, cpu: 0.05 });
  assert.deepEqual(world.moves, [1, 3, 2, 1]);
});

test('in advise nothing moves, and the step is told as advice', async () => {
  await using world = await governedWorld(fixed, { alerts: settings({ more: out }) });
  await send(world, {});
  await world.pass(30, load);
  assert.deepEqual(world.moves, [1]);
  const [advised] = await actions(world);
  assert.deepEqual([advised?.state, advised?.why], ['advised', 'the mode is advise']);
  const [entry] = await world.journal.read({ kind: 'decision' });
  assert.match(entry?.action ?? '', /^advise 1 → 3$/);
});

test('in approve it asks; what a person approves is what is done', async () => {
  await using world = await governedWorld(
    { ...auto, mode: 'approve', parameters: { count: 1 } },
    { alerts: settings({ more: out }) },
  );
  await send(world, {});
  await world.pass(3, load);
  const [waiting] = world.approvals.list();
  assert.match(waiting?.reason ?? '', /playbook more/);
  assert.equal((await actions(world))[0]?.state, 'asked');
  assert.equal(world.target, 1);
  await world.governor().approve(waiting?.id ?? '', 'ada');
  await world.pass(2, load);
  assert.equal(world.target, 3);
  assert.equal((await actions(world))[0]?.state, 'done');
});

test('a halt stops it; released within its time, it is done', async () => {
  await using world = await governedWorld(auto, { alerts: settings({ more: out }) });
  await world.pass(3, load);
  await world.modes.setHalt({ scope: 'targets', by: 'ada', reason: 'an incident' });
  await send(world, {});
  await world.pass(5, load);
  assert.equal(world.target, 2);
  assert.deepEqual(
    [(await actions(world))[0]?.state, (await actions(world))[0]?.why],
    ['refused', 'halted by ada: an incident'],
  );
  await world.modes.release({ by: 'ada', reason: 'over' });
  await world.pass(3, load);
  assert.equal(world.target, 4);
  assert.equal((await actions(world))[0]?.state, 'done');
});

test('bounds and the other constraints come last, and say so', async () => {
  const huge = { ...out, firing: { scaleOut: 1000 } };
  const budget = { amount: 1, periodMs: 3_600_000, pricePerHour: 0.25 };
  await using world = await governedWorld({ ...auto, budget }, { alerts: settings({ more: huge }) });
  await world.pass(3, load);
  await send(world, {});
  await world.pass(3, load);
  const [step] = await actions(world);
  assert.equal(step?.action, 'scale out 2 → 8');
  assert.ok(world.target <= 4 && world.target > 2, String(world.target));
  assert.match(step?.why ?? '', /cost: /);
});

test('a step in takes away what the mode allows, and nothing while the load is not known', async () => {
  const less = { match: { alertname: 'Idle' }, deployment: 'd', firing: { scaleIn: 1 }, holdMs: 60_000 };
  await using world = await governedWorld(auto, { alerts: settings({ less }) });
  await world.pass(3, load);
  await send(world, { name: 'Idle' });
  await world.pass(3, load);
  assert.equal(world.target, 1);
  await world.pass(5, load);
  assert.deepEqual(world.moves, [1, 2, 1], 'the policy does not take it back at once');

  await using blind = await governedWorld(
    { policy: 'kpa', mode: 'auto', modeReason: 'a test' },
    { alerts: settings({ less }) },
  );
  blind.deployment.record = { ...blind.deployment.record, desired: 3 };
  await blind.pass(40, undefined);
  await send(blind, { name: 'Idle' });
  await blind.pass(5, undefined);
  assert.equal(blind.target, 3);
  assert.equal((await actions(blind))[0]?.state, 'refused');
});

test('law: whatever alerts come and whatever people do, a target moves only while the mode allows it, inside the bounds', async () => {
  const playbooks: Playbooks = {
    more: out,
    less: {
      match: { alertname: 'Idle' },
      deployment: 'd',
      firing: { scaleIn: 3 },
      resolved: { scaleOut: 1 },
      holdMs: 5000,
    },
  };
  const acts = fc.oneof(
    fc.record({
      kind: fc.constant('alert' as const),
      name: fc.constantFrom('Slow', 'Idle', 'Other'),
      state: fc.constantFrom('firing' as const, 'resolved' as const),
      at: fc.integer({ min: 1, max: 4 }),
    }),
    fc.record({
      kind: fc.constant('pass' as const),
      load: fc.constantFrom<Load | undefined>(load, undefined),
      seconds: fc.integer({ min: 1, max: 9 }),
    }),
    fc.record({ kind: fc.constant('mode' as const), mode: fc.constantFrom<Mode>('advise', 'approve', 'auto') }),
    fc.constantFrom({ kind: 'halt' as const }, { kind: 'release' as const }, { kind: 'restart' as const }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(acts, { maxLength: 25 }), async (steps) => {
      await using world = await governedWorld(fixed, { alerts: settings(playbooks) });
      let mode: Mode = 'advise';
      let halted = false;
      for (const step of steps) {
        const before = world.target;
        if (step.kind === 'mode') await world.modes.set('d', { mode: (mode = step.mode), by: 'ada', reason: 'a test' });
        else if (step.kind === 'halt') {
          await world.modes.setHalt({ scope: 'targets', by: 'ada', reason: 'a test' });
          halted = true;
        } else if (step.kind === 'release') {
          if (halted) await world.modes.release({ by: 'ada', reason: 'a test' });
          halted = false;
        } else if (step.kind === 'restart') await world.restart();
        else if (step.kind === 'alert') {
          await send(world, step).catch((error: { readonly code?: string }) =>
            assert.equal(error.code, 'WEBHOOK_REPLAYED'),
          );
        } else await world.pass(step.seconds, step.load);
        if (mode !== 'auto' || halted || step.kind !== 'pass') assert.equal(world.target, before, step.kind);
        assert.ok(world.target >= 1 && world.target <= 8);
      }
    }),
    { numRuns: 25 },
  );
});

test('the book survives a restart: what was taken is not acted on again, and a step goes on for what is left of its time', async () => {
  await using store = openSqliteStore(':memory:');
  const alerts = settings({ more: out });
  {
    await using world = await governedWorld(auto, { store, alerts });
    await world.pass(3, load);
    await send(world, {});
    await world.pass(3, load);
    assert.equal(world.target, 4);
    await world.restart();
    const again = await send(world, {});
    assert.deepEqual([again.repeated, again.actions], [1, []]);
    await send(world, { state: 'resolved' });
    await world.restart();
    await assert.rejects(send(world, {}), { code: 'WEBHOOK_REPLAYED' });
    await world.pass(30, load);
    assert.equal(world.target, 4);
    await world.pass(30, load);
    assert.equal(world.target, 2);
    assert.equal((await actions(world)).length, 1);
  }
});

test('out of order and replayed: an end that comes first is the end, and what is older than what is known is refused', async () => {
  await using world = await governedWorld(auto, { alerts: settings({ more: out }) });
  await world.pass(3, load);
  await send(world, { state: 'resolved', at: 50 });
  const late = await send(world, { at: 50 });
  assert.deepEqual([late.outdated, late.actions.length], [1, 0]);
  assert.equal((await alertsOf(world))[0]?.state, 'resolved');
  await send(world, { at: 70 });
  await send(world, { at: 70, state: 'resolved' });
  await assert.rejects(send(world, { at: 70 }), { code: 'WEBHOOK_REPLAYED' });
  await assert.rejects(send(world, { at: 50, state: 'resolved' }), { code: 'WEBHOOK_REPLAYED' });
  const mixed = await send(world, { at: 10 }, { at: 60, labels: { instance: 'b' } });
  assert.deepEqual([mixed.outdated, mixed.fired], [1, 1]);
});

test('one that fires again at once waits, and begins again when its time is over and it still fires', async () => {
  await using world = await governedWorld(auto, { alerts: settings({ more: out }) });
  await world.pass(3, load);
  await send(world, { at: 10 });
  await world.pass(5, load);
  await send(world, { state: 'resolved', at: 10 });
  const flap = await send(world, { at: 20 });
  assert.deepEqual(
    flap.actions.map(({ state }) => state),
    ['waits'],
  );
  await world.pass(40, load);
  assert.equal(world.target, 4, 'one step and not two');
  await world.pass(30, load);
  assert.equal(world.target, 6);
  assert.deepEqual(
    (await actions(world)).map(({ action, state }) => `${action} ${state}`),
    ['scale out 4 → 6 done', 'nothing waits', 'scale out 2 → 4 done'],
  );
});

test('a person who scales by hand ends the step', async () => {
  await using world = await governedWorld(auto, { alerts: settings({ more: out }) });
  await world.pass(3, load);
  await send(world, {});
  await world.pass(3, load);
  await world.outside().overruled('d', 'ada');
  await world.pass(3, load);
  assert.equal(world.target, 2);
  assert.equal((await actions(world))[0]?.over, true);
});

test('of one that sleeps, has a fixed size or is not there the step is refused with the reason', async () => {
  const gone = { ...out, deployment: 'e' };
  await using world = await governedWorld(auto, { max: 1, alerts: settings({ more: out, gone }) });
  const { actions: made } = await send(world, {});
  assert.deepEqual(
    made.map(({ state, why }) => `${state}: ${why}`),
    ['refused: its size is fixed: the bounds are 1 to 1', 'refused: there is no deployment e'],
  );
});

test('a playbook changes the mode and gives it back, under its name; while halted it raises none', async () => {
  const careful = {
    match: { alertname: 'Broken' },
    deployment: 'd',
    firing: { mode: 'advise' as const },
    resolved: { mode: 'auto' as const },
    reason: 'a metric that breaks now and then',
  };
  await using world = await governedWorld(auto, { alerts: settings({ careful }) });
  await send(world, { name: 'Broken' });
  await world.performed();
  const { mode, by, reason } = world.modes.of(world.deployment);
  assert.deepEqual([mode, by], ['advise', 'playbook careful']);
  assert.equal(reason, 'Broken fires: a metric that breaks now and then');
  await world.modes.setHalt({ scope: 'targets', by: 'ada', reason: 'an incident' });
  const refused = await send(world, { name: 'Broken', state: 'resolved' });
  assert.deepEqual([refused.actions[0]?.state, refused.actions[0]?.why], ['refused', 'halted: no mode is raised']);
  assert.equal(world.modes.of(world.deployment).mode, 'advise');
  await world.modes.release({ by: 'ada', reason: 'over' });
  world.clock.pass(400_000);
  await send(world, { name: 'Broken', at: 2000 });
  await send(world, { name: 'Broken', at: 2000, state: 'resolved' });
  await world.performed();
  assert.equal(world.modes.of(world.deployment).mode, 'auto');
});

test('an alert is a signal that the governor shows and that can keep what is there', async () => {
  const signals = { databaseSlow: { match: { alertname: 'DbSlow', severity: ['page', 'warning'] } } };
  const scaling = { ...auto, holdOn: ['databaseSlow'] };
  await using world = await governedWorld(scaling, { alerts: settings({}, { signals, silentMs: 600_000 }) });
  world.deployment.record = { ...world.deployment.record, desired: 5 };
  const seen = () => world.governor().of('d')?.last?.seen.external['databaseSlow'];
  await send(world, { name: 'DbSlow', labels: { severity: 'page' } });
  await world.pass(10, load);
  assert.equal(world.target, 5);
  assert.deepEqual([seen()?.kind, seen()?.value], ['fresh', 1]);
  assert.match(
    world.governor().of('d')?.last?.thought.describe().reason ?? '',
    /the alert databaseSlow \(1 firing\) keeps it at least 5/,
  );
  world.clock.pass(900_000);
  await world.pass(2, load);
  assert.deepEqual([seen()?.kind, world.target], ['stale', 5]);
  await send(world, { name: 'DbSlow', labels: { severity: 'page' }, state: 'resolved' });
  await world.pass(10, load);
  assert.deepEqual([seen()?.value, world.target], [0, 2]);
  world.clock.pass(1_300_000);
  await world.pass(1, load);
  assert.equal(seen()?.kind, 'absent', 'nobody has told of it for long: that is no zero');
});
