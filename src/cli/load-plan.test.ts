import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringTerminal } from '../testing/string-terminal.ts';
import { atRate, isRelative, readLoadPlan } from './load-plan.ts';

const planOf = (values: Readonly<Record<string, string>>): ReturnType<typeof readLoadPlan> =>
  readLoadPlan(values, stringTerminal());

test('a shape without a rate waits for one, and a flash is ten times what came before', async () => {
  const plan = await planOf({ shape: 'flash' });
  assert.ok(isRelative(plan));
  const { loop, text } = atRate(plan, 0.8);
  assert.deepEqual(loop.kind === 'open' && loop.shape, { kind: 'flash', rate: 0.8, peak: 8, durationMs: 10_000 });
  assert.match(text, /flash 0\.8\/s to 8\/s/);
  assert.ok(!isRelative(atRate(plan, 0.8)));
});

test('a rate that was given stays as it is', async () => {
  const plan = await planOf({ shape: 'ramp', rate: '5/s' });
  assert.ok(!isRelative(plan));
  assert.equal(atRate(plan, 100), plan);
  assert.deepEqual(plan.loop.kind === 'open' && plan.loop.shape, {
    kind: 'ramp',
    rate: 5,
    peak: 15,
    durationMs: 10_000,
  });
});

test('a peak without a rate says nothing', async () => {
  await assert.rejects(planOf({ shape: 'flash', peak: '9/s' }), /--peak N\/s expects --rate/);
});
