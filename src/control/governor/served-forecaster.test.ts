/** A model as a forecaster: the suite of all forecasters, and what becomes of one that is late, dead or talks nonsense. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forecasters } from '../../core/forecasting/list.ts';
import { answered, servedForecaster } from '../../core/forecasting/served.ts';
import { stepSeconds } from '../../core/forecasting/outlook.ts';
import { fresh } from '../../core/scaling/signals.ts';
import { forecasterConformance } from '../../testing/conformance/forecaster.ts';
import { governedWorld } from '../../testing/governed-world.ts';
import { observe } from '../../testing/observations.ts';
import type { Ask, Reply } from '../gateway-channel.ts';
import { openForecasts } from './forecasts.ts';
import { whyNow } from './why.ts';

/** A linear autoregression: each step is what was twelve steps before, and says so of a minute and more. */
const rowOf = (values: ArrayLike<number>): Reply =>
  values.length < 12
    ? { kind: 'silent', why: 'it takes 12 numbers' }
    : {
        kind: 'said',
        values: Float64Array.from({ length: 72 }, (_, at) => values[values.length - 12 + (at % 12)] as number),
      };

for (const forecaster of forecasters(stepSeconds)) {
  forecasterConformance(`built in, ${forecaster.name}`, async () => {
    let state = forecaster.start();
    return {
      pass: async (value) => void (state = forecaster.observe(state, value)),
      forecast: (steps) => forecaster.forecast(state, steps),
      state: () => state,
    };
  });
}

forecasterConformance('a model that is served', async () => {
  const forecaster = servedForecaster('m');
  const seen: number[] = [];
  let state = forecaster.start();
  return {
    pass: async (value) => {
      seen.push(value);
      state = forecaster.observe(state, value);
      const reply = rowOf(seen);
      if (reply.kind === 'said') state = answered(reply.values);
    },
    forecast: (steps) => forecaster.forecast(state, steps),
    state: () => state,
  };
});

const look = (arrivals: number) => observe({ spanMs: 10_000, signals: { arrivals: fresh(arrivals) } });
const tide = (second: number): number => Math.round(30 + 25 * Math.sin((2 * Math.PI * second) / 120));

test('a model that knows the tide earns authority by the same record as all, and is shown by its name', async () => {
  await using world = await governedWorld(
    { mode: 'auto', modeReason: 'test', forecaster: 'oracle' },
    { max: 12, startMs: 20_000, ask: async (_model, values) => rowOf(values) },
  );
  for (let second = 0; second < 1800; second += 1) await world.pass(1, { rate: tide(second), cpu: 0.5 });
  const { governor, forecasts } = await whyNow(world.deployment, { ...world, governor: world.governor() });
  assert.equal(governor.forecast?.by, 'model oracle');
  const own = forecasts?.horizons[0]?.forecasters.find(({ name }) => name === 'model oracle');
  assert.ok(own !== undefined && own.authority > 0.5 && own.low !== null, JSON.stringify(own));
});

for (const [what, reply, why] of [
  ['is dead', { kind: 'silent', why: 'no answer within 2000 ms' }, /it says nothing: no answer within 2000 ms/],
  ['says NaN', { kind: 'said', values: Float64Array.of(Number.NaN, -3) }, /it says nothing: its answer holds no rate/],
] as const satisfies readonly (readonly [string, Reply, RegExp])[]) {
  test(`a model that ${what} is no forecast, costs nobody a look, and why says so`, async () => {
    const forecasts = openForecasts('d', look(0), 'oracle', async () => reply);
    for (let step = 0; step < 400; step += 1) {
      forecasts.look(look(300));
      await forecasts.settled();
    }
    const own = forecasts.view().horizons[0]?.forecasters.at(-1);
    assert.equal(own?.name, 'model oracle');
    assert.equal(own.perSecond, null);
    assert.equal(own.authority, 0);
    assert.match(own.why, why);
  });
}

test('one that is late is asked again only when it has answered, and what it said counts from its question on', async () => {
  const asked: ((reply: Reply) => void)[] = [];
  const ask: Ask = () => new Promise((resolve) => asked.push(resolve));
  const forecasts = openForecasts('d', look(0), 'oracle', ask);
  const own = (): number | null | undefined => forecasts.view().horizons[0]?.forecasters.at(-1)?.perSecond;
  const row: Reply = { kind: 'said', values: Float64Array.of(1, 2, 3, 4, 5, 6) };
  for (let step = 0; step < 3; step += 1) forecasts.look(look(300));
  assert.equal(asked.length, 1);
  asked[0]?.(row);
  await forecasts.settled();
  // Two steps late: of the next step it says what it said of the third.
  assert.equal(own(), 3);
  for (let step = 0; step < 4; step += 1) forecasts.look(look(300));
  assert.equal(asked.length, 2);
  asked[1]?.(row);
  await forecasts.settled();
  assert.equal(own(), null);
});
