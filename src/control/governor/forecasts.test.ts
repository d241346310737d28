/** Forecasters in the live loop: what they say is seen, told, journalled with the decision, and part of its replay. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { governedWorld } from '../../testing/governed-world.ts';
import type { DeploymentView } from '../../api/schemas.ts';
import { openRegistry } from '../../telemetry/registry.ts';
import { registerGovernorGauges } from './gauges.ts';
import type { DecisionDetails } from './governed.ts';
import { replay, unpackRecording } from './replay.ts';
import { governorView, whyNow, whyThen } from './why.ts';

const tide = (second: number): number => Math.round(30 + 25 * Math.sin((2 * Math.PI * second) / 240));

test('who foresees a tide is believed, it is told why, and decisions replay with what was said', async () => {
  await using world = await governedWorld({ mode: 'auto', modeReason: 'test' }, { max: 12, startMs: 20_000 });
  const parts = { ...world, governor: world.governor() };
  let second = 0;
  const go = async (seconds: number): Promise<void> => {
    for (const end = second + seconds; second < end; second += 1) await world.pass(1, { rate: tide(second), cpu: 0.5 });
  };
  await go(60);
  const early = await whyNow(world.deployment, parts);
  assert.equal(early.governor.forecast, undefined);
  assert.ok(early.forecasts !== undefined);
  assert.ok(early.forecasts.horizons.every(({ by, authority }) => by === null && authority === 0));
  await go(1500);
  const { forecast } = governorView(world.deployment, parts);
  assert.ok(forecast !== undefined && forecast.authority > 0.1, JSON.stringify(forecast));
  const registry = openRegistry();
  const view = { name: 'd', governor: governorView(world.deployment, parts) } as DeploymentView;
  registerGovernorGauges(
    registry,
    () => [view],
    () => false,
  );
  const values = new Map(registry.families().map(({ name, samples }) => [name, samples[0]]));
  assert.partialDeepStrictEqual(values.get('flyball_governor_forecast'), { value: forecast.perSecond });
  assert.partialDeepStrictEqual(values.get('flyball_governor_forecast_authority'), { value: forecast.authority });
  const now = await whyNow(world.deployment, parts);
  const horizon = now.forecasts?.horizons[0];
  assert.equal(horizon?.by, forecast.by);
  const leader = horizon?.forecasters.find(({ name }) => name === forecast.by);
  assert.match(leader?.why ?? '', /% better than "it stays as it is"/);
  assert.ok(leader?.low !== null && leader?.high !== null);

  const entries = await world.store.journal({ subject: 'd', kind: 'decision', newestFirst: true, limit: 20 });
  let foreseen = 0;
  for (const { details } of entries) {
    const { recording, decision, forecasts } = details as DecisionDetails;
    if (recording === undefined) continue;
    assert.equal(replay(recording, decision).same, true);
    assert.ok(forecasts !== undefined);
    if (unpackRecording(recording).looks.some(({ seen }) => seen.foresight !== undefined)) foreseen += 1;
  }
  assert.ok(foreseen > 0);
  const then = await whyThen(world.deployment, world.clock.wall(), parts);
  assert.equal(then.forecasts?.stepSeconds, 10);

  await world.restart();
  await go(2);
  const after = governorView(world.deployment, { ...world, governor: world.governor() }).forecast;
  assert.ok(after !== undefined && after.authority > 0.1, 'a control that dies takes no record along');
});

test('under a policy that makes nothing of them the forecasters are shown all the same', async () => {
  await using world = await governedWorld({ mode: 'auto', modeReason: 'test', policy: 'thresholds' }, { max: 12 });
  await world.pass(60, { rate: 30, cpu: 0.5 });
  const { forecasts } = await whyNow(world.deployment, { ...world, governor: world.governor() });
  assert.deepEqual(
    forecasts?.horizons.map(({ seconds }) => seconds),
    [10, 60, 600],
  );
  assert.equal(forecasts.now, 30);
});
