/** Transcripts of the governor under virtual time: a load, what it did, and what it said. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openSqliteStore } from '../../drivers/stores/sqlite.ts';
import { governedWorld, type Load } from '../../testing/governed-world.ts';
import type { Mode } from '../../config/specification.ts';
import type { DecisionDetails } from './governed.ts';
import { replay } from './replay.ts';
import { governorService } from './service.ts';
import { whyNow, whyThen } from './why.ts';

const quick = { policy: 'thresholds', parameters: { sustainedSeconds: 3 } };
const auto = { ...quick, mode: 'auto' as const, modeReason: 'a test' };
const busy: Load = { rate: 40, cpu: 0.95 };
const idle: Load = { rate: 1, cpu: 0.05 };

test('in auto it grows with the load and shrinks again, one journal entry a change', async () => {
  await using world = await governedWorld(auto);
  await world.pass(30, busy);
  assert.ok(world.target >= 4, world.moves.join(' '));
  const top = world.target;
  await world.pass(60, idle);
  assert.equal(world.target, 1);
  assert.deepEqual(world.moves.slice(0, 4), [1, 2, 3, 4]);
  const entries = await world.journal.read({ kind: 'decision', limit: 1000 });
  const moved = entries.filter(({ details }) => (details as DecisionDetails).done?.kind === 'moved');
  assert.equal(moved.length, 2 * (top - 1));
  assert.ok(
    !entries.some(({ action }) => action.startsWith('hold') && action !== 'hold 1'),
    'that it is held then is no news',
  );
  assert.deepEqual(
    moved.slice(0, 2).map(({ action, by }) => [action, by]),
    [
      ['1 → 2', 'governor'],
      ['2 → 3', 'governor'],
    ],
  );
  assert.match(moved[0]?.reason ?? '', /CPU is at 95 %, above 80 % for 3 s/);
  assert.equal((await world.journal.verify()).bad, undefined);
});

test('every decision in the journal is made again from what stands with it, byte for byte', async () => {
  await using world = await governedWorld(auto);
  await world.pass(40, busy);
  await world.pass(5, undefined);
  await world.pass(70, idle);
  const entries = await world.journal.read({ kind: 'decision', limit: 1000 });
  const recorded = entries
    .map(({ details }) => details as DecisionDetails)
    .filter(({ decision }) => decision !== undefined);
  assert.ok(recorded.length >= 6, String(recorded.length));
  for (const { recording, decision } of recorded) {
    assert.ok(recording !== undefined && recording.length < 20_000, String(recording?.length));
    assert.equal(replay(recording, decision).same, true);
    assert.equal(replay(recording, { ...decision, target: decision.target + 1 }).same, false);
  }
});

test('in advise nothing moves on any path, and it says what it would do', async () => {
  await using world = await governedWorld(quick);
  await world.pass(30, busy);
  assert.deepEqual(world.moves, [1]);
  const entries = await world.journal.read({ kind: 'decision' });
  assert.deepEqual(
    entries.map(({ action }) => action),
    ['advise 1 → 2'],
  );
});

test('law: whatever load comes and whatever people do, a target moves only while the mode allows it', async () => {
  const loads = fc.constantFrom<Load | undefined>(busy, idle, undefined);
  const acts = fc.oneof(
    fc.record({ kind: fc.constant('pass' as const), load: loads, seconds: fc.integer({ min: 1, max: 12 }) }),
    fc.record({ kind: fc.constant('mode' as const), mode: fc.constantFrom<Mode>('advise', 'approve', 'auto') }),
    fc.constant({ kind: 'halt' as const }),
    fc.constant({ kind: 'release' as const }),
    fc.constant({ kind: 'reject' as const }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(acts, { maxLength: 25 }), async (steps) => {
      await using world = await governedWorld(quick);
      let mode: Mode = 'advise';
      let halted = false;
      for (const step of steps) {
        if (step.kind === 'mode') await world.modes.set('d', { mode: (mode = step.mode), by: 'ada', reason: 'a test' });
        else if (step.kind === 'halt') {
          await world.modes.setHalt({ scope: 'targets', by: 'ada', reason: 'a test' });
          halted = true;
        } else if (step.kind === 'release') {
          if (halted) await world.modes.release({ by: 'ada', reason: 'a test' });
          halted = false;
        } else if (step.kind === 'reject') {
          const [waiting] = world.approvals.list();
          if (waiting !== undefined) world.governor().reject(waiting.id, 'ada', 'no');
        } else {
          const before = world.target;
          await world.pass(step.seconds, step.load);
          if (mode !== 'auto' || halted) assert.equal(world.target, before);
          assert.ok(world.target >= 1 && world.target <= 8);
        }
      }
    }),
    { numRuns: 25 },
  );
});

test('in approve it asks, does what was shown once a person agrees, and asks no more for what was refused', async () => {
  await using world = await governedWorld({ ...quick, mode: 'approve', modeReason: 'a test' });
  await world.pass(6, busy);
  const [asked] = world.approvals.list();
  assert.deepEqual([asked?.from, asked?.to], [1, 2]);
  await world.pass(3, busy);
  assert.equal(world.approvals.list()[0]?.id, asked?.id, 'what waits is frozen');
  await world.governor().approve(asked?.id ?? '', 'ada');
  assert.equal(world.target, 2);
  await assert.rejects(world.governor().approve(asked?.id ?? '', 'ada'), { code: 'APPROVAL_NOT_FOUND' });
  await world.pass(8, busy);
  const [next] = world.approvals.list();
  world.governor().reject(next?.id ?? '', 'bob', 'too dear');
  await world.pass(60, busy);
  assert.deepEqual(world.approvals.list(), []);
  assert.equal(world.target, 2);
  const said = (await world.journal.read({ kind: 'approval' })).map(({ action, by }) => `${action} ${by}`);
  assert.deepEqual(said.slice(0, 3), ['ask governor', '1 → 2 ada', 'approve ada']);
  assert.ok(said.includes('reject bob'));
});

test('what was decided and could not be done any more is not told as done', async () => {
  await using world = await governedWorld(auto);
  let decided = false;
  world.meanwhile(() => {
    decided = true;
    return world.modes.setHalt({ scope: 'targets', by: 'ada', reason: 'just now' });
  });
  for (let second = 0; second < 10 && !decided; second += 1) await world.pass(1, busy);
  assert.ok(decided);
  assert.equal(world.target, 1);
  const own = world.governor().of('d');
  assert.deepEqual(own?.last?.done, { kind: 'refused', why: 'halted by ada: just now', because: 'overtaken' });
  assert.equal(own?.changed, undefined);
});

test('a change that waits expires, and is withdrawn when it is wanted no more', async () => {
  await using world = await governedWorld({ ...quick, mode: 'approve', modeReason: 'a test' });
  await world.pass(6, busy);
  await world.pass(3, { rate: 10, cpu: 0.6 });
  assert.deepEqual(world.approvals.list(), []);
  await world.pass(605, busy);
  const said = (await world.journal.read({ kind: 'approval', limit: 100 })).map(({ action }) => action);
  assert.deepEqual(said.slice(0, 4), ['ask', 'withdraw', 'ask', 'expire']);
});

test('an approval is refused when the target has moved meanwhile', async () => {
  await using world = await governedWorld({ ...quick, mode: 'approve', modeReason: 'a test' });
  await world.pass(6, busy);
  const [asked] = world.approvals.list();
  world.deployment.record = { ...world.deployment.record, desired: 5 };
  await assert.rejects(world.governor().approve(asked?.id ?? '', 'ada'), /the target is 5 by now/);
  assert.equal(world.target, 5);
});

test('telemetry that is missing for ten minutes holds what is there, and says so; dead telemetry is not idleness', async () => {
  await using world = await governedWorld({ ...auto, policy: 'kpa', parameters: {} });
  world.deployment.record = { ...world.deployment.record, desired: 6 };
  await world.pass(10, { rate: 600, cpu: 0.5, queued: 5 });
  const before = world.target;
  const silent = world.pass(600, undefined);
  await silent;
  assert.ok(world.target >= before, world.moves.join(' '));
  const last = world.governor().of('d')?.last;
  assert.match(last?.thought.doubt ?? '', /not known|old/);
  const entries = await world.journal.read({ kind: 'decision', limit: 1000 });
  assert.ok(entries.some(({ details }) => (details as DecisionDetails).decision?.doubt !== undefined));
});

test('a jump of the wall clock moves nothing, and a gap in the looks is no load', async () => {
  await using world = await governedWorld(auto);
  await world.pass(10, { rate: 20, cpu: 0.6 });
  const before = [...world.moves];
  // The machine slept for an hour: nothing was looked at, and the counts of then say nothing of now.
  world.clock.pass(3_600_000);
  await world.pass(1, { rate: 50_000, cpu: 0.6 });
  assert.equal(world.governor().of('d')?.last?.seen.signals.arrivals.kind, 'absent');
  await world.pass(10, { rate: 20, cpu: 0.6 });
  assert.deepEqual(world.moves, before);
});

test('halt stops changes at once and says why; released, they go on', async () => {
  await using world = await governedWorld(auto);
  await world.modes.setHalt({ scope: 'targets', by: 'ada', reason: 'an incident' });
  await world.pass(20, busy);
  assert.deepEqual(world.moves, [1]);
  assert.match(world.governor().of('d')?.last?.done.why ?? '', /halted by ada: an incident/);
  await world.modes.release({ by: 'ada', reason: 'over' });
  await world.pass(6, busy);
  assert.ok(world.target > 1);
});

test('a halt of one deployment holds it, survives a restart, and is released by itself', async () => {
  await using store = openSqliteStore(':memory:');
  {
    await using world = await governedWorld(auto, { store });
    await world.modes.setHalt({ scope: 'targets', by: 'ada', reason: 'it is looked at', deployment: 'd' });
    assert.equal(world.modes.halt(), undefined, 'the platform goes on');
    await world.pass(20, busy);
    assert.deepEqual(world.moves, [1]);
  }
  await using again = await governedWorld(auto, { store });
  await again.pass(10, busy);
  assert.match(again.governor().of('d')?.last?.done.why ?? '', /halted by ada: it is looked at/);
  await assert.rejects(again.modes.release({ by: 'ada', reason: 'over' }), { code: 'CONFLICT' });
  await again.modes.release({ by: 'ada', reason: 'over', deployment: 'd' });
  await again.pass(6, busy);
  assert.ok(again.target > 1);
});

test('a restart goes on from the held target, and does nothing twice', async () => {
  await using store = openSqliteStore(':memory:');
  let held = 0;
  {
    await using world = await governedWorld(auto, { store });
    await using other = await governedWorld(auto);
    await world.pass(9, busy);
    await world.restart();
    await world.pass(1, busy);
    await other.pass(10, busy);
    assert.deepEqual(world.moves, other.moves, 'as if nothing had been');
    held = world.target;
  }
  await using again = await governedWorld(auto, { store });
  assert.equal(again.target, held);
  const changes = (await again.journal.read({ kind: 'decision', limit: 100 })).filter(({ action }) =>
    action.includes('→'),
  );
  assert.equal(changes.length, held - 1);
});

test('a halt, a mode and what waits for approval survive a restart', async () => {
  await using store = openSqliteStore(':memory:');
  {
    await using world = await governedWorld(quick, { store });
    await world.modes.set('d', { mode: 'approve', by: 'ada', reason: 'a trial' });
    await world.pass(6, busy);
    await world.modes.setHalt({ scope: 'all', by: 'ada', reason: 'an incident' });
  }
  await using again = await governedWorld(quick, { store });
  assert.equal(again.modes.of(again.deployment).mode, 'approve');
  assert.equal(again.modes.halt()?.scope, 'all');
  assert.equal(again.approvals.list().length, 1);
  const [waiting] = again.approvals.list();
  await assert.rejects(again.governor().approve(waiting?.id ?? '', 'ada'), /halted by ada/);
});

test('whoever takes the name of one that is gone does not inherit its mode', async () => {
  await using world = await governedWorld(quick);
  await world.modes.set('d', { mode: 'auto', by: 'ada', reason: 'a trial' });
  world.modes.retain((name) => name !== 'd');
  assert.equal(world.modes.of(world.deployment).mode, 'advise');
});

test('why tells the whole decision, of now and of an earlier moment, and what others would have held', async () => {
  await using world = await governedWorld(auto);
  await world.pass(12, busy);
  const then = world.clock.wall();
  const there = world.target;
  await world.pass(40, idle);
  const { governor, modes, approvals, store, deployment } = { ...world, governor: world.governor() };
  const parts = { governor, modes, approvals, store, metrics: world.metrics, foreseeing: world.foreseeing };
  const now = await whyNow(deployment, parts);
  assert.equal(now.decision?.held, world.target);
  assert.equal(now.inputs?.signals['cpu']?.kind, 'fresh');
  assert.equal(now.inputs?.signals['queueWaitMs']?.value, null, 'absent is no zero');
  assert.deepEqual(
    now.others?.map(({ policy }) => policy),
    ['hpa', 'kpa', 'ray', 'thresholds'],
  );
  const before = await whyThen(deployment, then, parts);
  assert.equal(before.decision?.target, there);
  assert.ok((before.at ?? 0) <= then && before.entry !== undefined);
  const never = await whyThen(deployment, 5, parts);
  assert.match(never.ungoverned ?? '', /no decision of that time/);
});

test('a mode beyond advise needs a reason or a rehearsal', async () => {
  await using world = await governedWorld(quick);
  const { modes, approvals, store, deployments, metrics, foreseeing } = world;
  const service = governorService({
    foreseeing,
    governor: world.governor(),
    metrics,
    modes,
    approvals,
    store,
    deployments,
    clock: world.clock,
    build: 'test',
  });
  await assert.rejects(service.setMode('d', { mode: 'auto', by: 'ada' }), { code: 'INVALID_REQUEST' });
  const reasoned = await service.setMode('d', { mode: 'auto', by: 'ada', reason: 'a trial' });
  assert.deepEqual([reasoned.mode, reasoned.reason], ['auto', 'a trial']);
  await assert.rejects(service.setMode('d', { mode: 'auto', by: 'ada', rehearsal: '31' }), {
    code: 'REHEARSAL_NOT_FOUND',
  });
  await assert.rejects(service.release({ by: 'ada', reason: 'over' }), { code: 'CONFLICT' });
});
