/** What came of a change: what did not help or never came is taken back, and when it is tried again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { governedWorld, type Load } from '../../testing/governed-world.ts';

const quick = { policy: 'thresholds', parameters: { sustainedSeconds: 3 } };
const auto = { ...quick, mode: 'auto' as const, modeReason: 'a test' };

/** `ray` that acts at once. */
const eager = { targetOngoingRequests: 1, upscaleDelaySeconds: 0, downscaleDelaySeconds: 2, lookBackSeconds: 1 };

test('raising that does not help is taken back, and not tried again for a while', async () => {
  await using world = await governedWorld(auto);
  // The same is answered whatever there is: the bottleneck is elsewhere.
  await world.pass(90, { rate: 40, completed: 20, late: 20, cpu: 0.95, queued: 50 });
  const entries = await world.journal.read({ kind: 'decision', limit: 1000 });
  const verdict = entries.find(({ action }) => action === 'no help');
  assert.ok(verdict !== undefined);
  assert.match(verdict.reason, /more replicas changed nothing/);
  const { from } = verdict.details as { readonly from: number };
  assert.equal(world.target, from);
});

test('behind replicas that never become ready no more are ordered; the target goes back to those that came', async () => {
  await using world = await governedWorld({ ...auto, policy: 'hpa', parameters: {} });
  await world.pass(5, { rate: 10, cpu: 0.5 });
  world.stall();
  for (let second = 0; second < 60 && world.target === 1; second += 1) await world.pass(1, { rate: 60, cpu: 3 });
  const first = world.target;
  assert.ok(first > 1);
  await world.pass(30, { rate: 60, cpu: 3 });
  assert.equal(world.target, 1, world.moves.join(' '));
  assert.equal(Math.max(...world.moves), first);
  await world.pass(240, { rate: 60, cpu: 3 });
  assert.equal(world.target, 1);
  const entries = await world.journal.read({ kind: 'decision', limit: 1000 });
  const verdicts = entries.filter(({ action }) => action === 'not ready');
  assert.deepEqual(
    verdicts.slice(0, 2).map(({ reason }) => reason),
    [`1 of ${first} replicas are ready`, `1 of ${first} replicas are ready`],
  );
  const back = entries.find(({ action }) => action === `${first} → 1`);
  assert.match(back?.reason ?? '', /replicas are ready keeps it at most 1/);
});

test('raised once more before the first came, the target goes back to those that came, and not to what was ordered', async () => {
  await using world = await governedWorld({ ...auto, policy: 'ray', parameters: eager });
  await world.pass(5, { rate: 10, cpu: 0.5 });
  world.stall();
  await world.pass(2, { rate: 40, cpu: 0.9, queued: 3 });
  const [, first] = world.moves as [number, number];
  await world.pass(2, { rate: 60, cpu: 0.9, queued: 6 });
  const last = world.target;
  assert.ok(first > 1 && last > first, world.moves.join(' '));
  await world.pass(60, { rate: 60, cpu: 0.9, queued: 6 });
  assert.equal(world.target, 1, world.moves.join(' '));
  assert.match(
    world.governor().of('d')?.last?.thought.describe().reason ?? '',
    /1 of \d replicas are ready keeps it at/,
  );
});

test('what is raised in several steps of one surprise is judged, and taken back, as one', async () => {
  await using world = await governedWorld({ ...auto, policy: 'ray', parameters: eager });
  await world.pass(20, { rate: 9, cpu: 0.5 });
  // Nothing is late yet when it is raised; then all is, and less is answered than before.
  await world.pass(1, { rate: 9, cpu: 0.9, queued: 2 });
  await world.pass(1, { rate: 9, cpu: 0.9, queued: 5 });
  assert.deepEqual(world.moves, [1, 3], 'the last step is done by now');
  assert.equal(world.target, 6);
  await world.pass(30, { rate: 9, completed: 7, late: 7, cpu: 0.9, queued: 5 });
  const entries = await world.journal.read({ kind: 'decision', limit: 1000 });
  const verdict = entries.find(({ action }) => action === 'no help');
  assert.match(verdict?.reason ?? '', /5 more replicas changed nothing: 9 → 7 answers\/s/);
  assert.equal(world.target, 1, world.moves.join(' '));
});

test('what did not help is refused for that load, and tried again when far more is asked', async () => {
  await using world = await governedWorld({ ...auto, policy: 'ray', parameters: eager });
  await world.pass(20, { rate: 9, cpu: 0.5 });
  await world.pass(1, { rate: 9, cpu: 0.9, queued: 5 });
  const stuck: Load = { rate: 9, completed: 7, late: 7, cpu: 0.9, queued: 9 };
  await world.pass(40, stuck);
  assert.equal(world.target, 1, world.moves.join(' '));
  await world.pass(60, { ...stuck, rate: 10 });
  assert.equal(world.target, 1, 'about the same');
  await world.pass(10, { rate: 30, completed: 9, late: 9, cpu: 0.9, queued: 30 });
  assert.ok(world.target > 1, world.moves.join(' '));
});

test('callers who wait for their answers ask for more again once what did not help is gone: that is no other case', async () => {
  await using world = await governedWorld({ ...auto, policy: 'ray', parameters: eager });
  await world.pass(20, { rate: 9, cpu: 0.5 });
  await world.pass(1, { rate: 9, cpu: 0.9, queued: 5 });
  // Behind more replicas each takes longer, and fewer come.
  const stuck: Load = { rate: 4, completed: 4, late: 4, cpu: 0.9, queued: 9 };
  for (let second = 0; second < 60 && world.target > 1; second += 1) await world.pass(1, stuck);
  assert.equal(world.target, 1, world.moves.join(' '));
  await world.pass(100, { rate: 10, completed: 10, late: 10, cpu: 0.9, queued: 7 });
  assert.equal(world.target, 1, world.moves.join(' '));
});

test('what came of a change is judged by a load that was seen: not at once after control was gone, nor in silence', async () => {
  for (const how of ['gone', 'silent'] as const) {
    await using world = await governedWorld({ ...auto, policy: 'ray', parameters: eager });
    await world.pass(20, { rate: 9, cpu: 0.5 });
    await world.pass(2, { rate: 60, cpu: 0.9, completed: 9, late: 9, queued: 9 });
    assert.equal(world.target, 8);
    if (how === 'gone') {
      world.clock.pass(30_000);
      await world.kill();
    } else await world.pass(30, undefined);
    // It did help: more is answered, though some wait yet.
    await world.pass(3, { rate: 60, cpu: 0.9, late: 30, queued: 9 });
    const verdicts = async () =>
      (await world.journal.read({ kind: 'decision', limit: 1000 })).filter(({ action }) => /help/.test(action));
    assert.deepEqual(await verdicts(), [], how);
    await world.pass(10, { rate: 60, cpu: 0.9, late: 30, queued: 9 });
    assert.deepEqual(
      (await verdicts()).map(({ action }) => action),
      ['helped'],
      how,
    );
    assert.equal(world.target, 8, how);
  }
});
