/** What gateways tell between two looks: a crowd is answered before the next second, and what is none is let be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { governedWorld } from '../../testing/governed-world.ts';
import type { DecisionDetails } from './governed.ts';
import { replay } from './replay.ts';

test('a crowd is answered before the next second, by its own rate and not by the second before', async () => {
  await using world = await governedWorld(
    { policy: 'slo', mode: 'auto', modeReason: 'a test' },
    { min: 1, max: 12, startMs: 500 },
  );
  await world.pass(60, { rate: 5, cpu: 0.5 });
  assert.equal(world.target, 2);
  // 60 requests a second of 100 ms each keep six replicas busy.
  await world.speak(250, { rate: 15, completed: 3, cpu: 1, queued: 10 });
  assert.ok(world.target >= 6, `${world.moves.join(' ')} after 250 ms`);
  const entries = await world.journal.read({ kind: 'decision', limit: 1000 });
  const details = entries.at(-1)?.details as DecisionDetails | undefined;
  assert.equal(
    replay(details?.recording ?? '', details?.decision).same,
    true,
    'looks at odd times are made again, too',
  );
});

test('what is told between two looks counts once, and no queue that only stands is looked at again', async () => {
  await using world = await governedWorld(
    { policy: 'slo', mode: 'auto', modeReason: 'a test' },
    { min: 1, max: 12, startMs: 500 },
  );
  await world.pass(10, { rate: 5, cpu: 0.5 });
  const lookedAt = (): number | undefined => world.governor().of('d')?.lookedAt;
  const before = lookedAt();
  await world.speak(50, { rate: 3, cpu: 1, queued: 3 });
  assert.equal(lookedAt(), before, 'too soon after the last look');
  await world.speak(60, { rate: 4, cpu: 1, queued: 2 });
  assert.equal(lookedAt(), before, 'no more wait than there are replicas');
  await world.speak(50, { rate: 0, cpu: 1, queued: 3 });
  const { arrivals } = world.governor().of('d')?.last?.seen.signals ?? {};
  assert.deepEqual([arrivals?.value, world.governor().of('d')?.last?.seen.spanMs], [7, 160]);
  const then = lookedAt();
  await world.speak(200, { rate: 1, cpu: 1, queued: 3 });
  assert.equal(lookedAt(), then, 'the queue has not grown');
});

test('two requests that happen to come together are no crowd', async () => {
  await using world = await governedWorld(
    { policy: 'slo', mode: 'auto', modeReason: 'a test' },
    { min: 1, max: 12, startMs: 500 },
  );
  await world.pass(60, { rate: 1, cpu: 0.1 });
  const held = world.target;
  await world.speak(110, { rate: 3, completed: 0, cpu: 1, queued: 5 });
  assert.ok(world.target <= held + 2, world.moves.join(' '));
});
