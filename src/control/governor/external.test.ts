/** Figures from outside in the live loop: what is done by them, what is held without them, and how both are told. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whyText } from '../../cli/why-text.ts';
import type { MetricSettings } from '../../config/metrics-specification.ts';
import { absent, fresh } from '../../core/scaling/signals.ts';
import { governedWorld, type Load } from '../../testing/governed-world.ts';
import type { DecisionDetails } from './governed.ts';
import { replay } from './replay.ts';
import { whyNow } from './why.ts';

const auto = { mode: 'auto' as const, modeReason: 'a test' };
const source = { url: 'http://a', query: 'sum(jobs)', intervalMs: 15_000, timeoutMs: 5000 };
const jobs: Record<string, MetricSettings> = { jobs: { ...source, perReplica: 10 } };
const calm: Load = { rate: 10, cpu: 0.5 };
const style = { bold: (text: string) => text, arrow: '→' } as Parameters<typeof whyText>[1];

async function textOf(world: Awaited<ReturnType<typeof governedWorld>>): Promise<string> {
  return whyText(await whyNow(world.deployment, { ...world, governor: world.governor() }), style);
}

test('hpa holds one replica for what one can take of a figure; why shows what it said and how old it is', async () => {
  await using world = await governedWorld({ ...auto, policy: 'hpa', parameters: { cpuPercent: 0 }, metrics: jobs });
  world.external['jobs'] = fresh(42, 3000);
  await world.pass(60, calm);
  assert.equal(world.target, 5);
  assert.match(await textOf(world), /signal +jobs 42 \(3 s old\), 10 a replica/);
  const entries = await world.journal.read({ kind: 'decision', limit: 100 });
  const moved = entries.map(({ details }) => details as DecisionDetails).filter(({ done }) => done?.kind === 'moved');
  assert.ok(moved.length > 0);
  for (const { recording, decision, inputs } of moved) {
    assert.equal(inputs.external?.['jobs']?.value, 42);
    assert.equal(replay(recording ?? '', decision).same, true);
  }
});

test('a source that fails holds what is there, for as long as it does, and why has its reason', async () => {
  await using world = await governedWorld({ ...auto, policy: 'keda', metrics: jobs });
  world.external['jobs'] = fresh(42);
  await world.pass(60, calm);
  const held = world.target;
  assert.equal(held, 5);
  world.external['jobs'] = absent;
  world.failures['jobs'] = 'http://a: no answer within 5000 ms';
  await world.pass(600, calm);
  assert.equal(world.target, held);
  assert.match(await textOf(world), /signal +jobs unknown, 10 a replica, http:\/\/a: no answer within 5000 ms/);
  assert.match(world.governor().of('d')?.last?.thought.doubt ?? '', /jobs is not known/);
});

test('a multiplier raises what any policy holds; unknown, it lowers nothing', async () => {
  const metrics = { campaign: { ...source, multiplier: { min: 1, max: 4 } } };
  await using world = await governedWorld({ ...auto, policy: 'hpa', metrics });
  const load = (): Load => ({ rate: 20, cpu: 1.6 / world.target });
  world.external['campaign'] = fresh(1);
  for (let second = 0; second < 120; second += 1) await world.pass(1, load());
  assert.equal(world.target, 2);
  world.external['campaign'] = fresh(3);
  for (let second = 0; second < 120; second += 1) await world.pass(1, load());
  assert.equal(world.target, 6);
  world.external['campaign'] = absent;
  for (let second = 0; second < 900; second += 1) await world.pass(1, load());
  assert.equal(world.target, 6);
  assert.match(await textOf(world), /the multiplier campaign is not known keeps it at least 6/);
  world.external['campaign'] = fresh(1);
  for (let second = 0; second < 900; second += 1) await world.pass(1, load());
  assert.equal(world.target, 2);
});
