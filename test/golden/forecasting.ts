/** The table of forecasting: smoothing and naive forecasts on the recorded trace, scores, intervals, comparison. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dieboldMariano } from '../../src/core/forecasting/diebold-mariano.ts';
import { lastValue, seasonalNaive } from '../../src/core/forecasting/naive.ts';
import {
  adaptAlpha,
  conformalQuantile,
  crpsEnsemble,
  pinball,
  quantileOf,
  winkler,
} from '../../src/core/forecasting/scores.ts';
import { fitted, smooth, smoothedForecast, type Smoothed } from '../../src/core/forecasting/smoothing.ts';
import { assertClose, check, runChecks } from './run.ts';
import type { Table, TableResult } from './table.ts';

const tolerance = 1e-8;

/** Requests a minute. The trace lies beside the tables, or, as far as the cases need it, beside this file. */
function readTrace(name: string): readonly number[] {
  const golden = process.env['GOLDEN_DIR'];
  const beside = golden === undefined ? undefined : join(golden, '..', 'traces', name);
  const own = fileURLToPath(new URL(`data/traces/${name}`, import.meta.url));
  const lines = readFileSync(beside !== undefined && existsSync(beside) ? beside : own, 'utf8')
    .trim()
    .split('\n');
  return lines.slice(1).map((line) => Number(line.split(',')[1]));
}

/** By Hyndman and Fan's type. */
const plottingPositions: Readonly<Record<number, readonly [number, number]>> = {
  4: [0, 1],
  5: [0.5, 0.5],
  6: [0, 0],
  7: [1, 1],
  8: [1 / 3, 1 / 3],
  9: [3 / 8, 3 / 8],
};

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
const sorted = (values: readonly number[]): readonly number[] => values.toSorted((left, right) => left - right);

function assertAllClose(actual: readonly number[], expected: readonly number[], what: string): void {
  assert.equal(actual.length, expected.length, `${what} has ${actual.length} values, expected ${expected.length}`);
  for (const [index, value] of expected.entries())
    assertClose(actual[index] as number, value, tolerance, `${what} ${index}`);
}

interface SmoothingCase {
  readonly input: { readonly trace: string; readonly firstHour: number; readonly hours: number };
  readonly model: {
    readonly trend: string | null;
    readonly seasonal: string | null;
    readonly alpha: number;
    readonly beta: number | null;
    readonly gamma: number | null;
    readonly phi: number | null;
    readonly initialLevel: number;
    readonly initialTrend: number | null;
    readonly initialSeasonal: readonly number[] | null;
  };
  readonly expected: {
    readonly sse: number;
    readonly firstFitted: readonly number[];
    readonly lastFitted: readonly number[];
    readonly forecast: readonly number[];
  };
}

interface NaiveCase {
  readonly input: {
    readonly trace: string;
    readonly originFirstMinute: number;
    readonly originEndMinute: number;
    readonly horizonMinutes: number;
    readonly lagMinutes: number | null;
  };
  readonly expected: { mae: number; rmse: number; wape: number; pinball90: number; n: number };
}

function checkSmoothing({ input, model, expected }: SmoothingCase): void {
  const minutes = readTrace(input.trace);
  const hours = Array.from({ length: input.hours }, (_, hour) =>
    sum(minutes.slice((input.firstHour + hour) * 60, (input.firstHour + hour + 1) * 60)),
  );
  const settings = {
    alpha: model.alpha,
    beta: model.trend === null ? undefined : (model.beta ?? 0),
    phi: model.phi ?? 1,
    gamma: model.gamma ?? 0,
    seasonal: model.seasonal?.startsWith('mul') === true ? ('multiplicative' as const) : ('additive' as const),
  };
  let state: Smoothed = {
    level: model.initialLevel,
    trend: model.initialTrend ?? 0,
    season: model.initialSeasonal ?? [],
  };
  const expectations = hours.map((value) => {
    const expectation = fitted(state, settings);
    state = smooth(state, settings, value);
    return expectation;
  });
  const errors = hours.map((value, hour) => (value - (expectations[hour] as number)) ** 2);
  assertClose(sum(errors), expected.sse, tolerance, 'sse');
  const { firstFitted, lastFitted } = expected;
  assertAllClose(expectations.slice(0, firstFitted.length), firstFitted, 'first fitted');
  assertAllClose(expectations.slice(-lastFitted.length), lastFitted, 'last fitted');
  const forecast = expected.forecast.map((_, step) => smoothedForecast(state, settings, step + 1));
  assertAllClose(forecast, expected.forecast, 'forecast');
}

function checkNaive({ input, expected }: NaiveCase): void {
  const minutes = readTrace(input.trace);
  const { horizonMinutes, lagMinutes, originFirstMinute, originEndMinute } = input;
  const forecaster = lagMinutes === null ? lastValue : seasonalNaive('seasonal', lagMinutes, Number.POSITIVE_INFINITY);
  let state: unknown = forecaster.start();
  const pairs: { actual: number; forecast: number }[] = [];
  for (let minute = 0; minute < originEndMinute; minute += 1) {
    state = forecaster.observe(state as never, minutes[minute] as number);
    if (minute < originFirstMinute) continue;
    const forecast = forecaster.forecast(state as never, horizonMinutes);
    pairs.push({ actual: minutes[minute + horizonMinutes] as number, forecast });
  }
  const errors = pairs.map(({ actual, forecast }) => actual - forecast);
  const absolute = errors.map(Math.abs);
  const scores = {
    mae: mean(absolute),
    rmse: Math.sqrt(mean(errors.map((error) => error ** 2))),
    wape: sum(absolute) / sum(pairs.map(({ actual }) => actual)),
    pinball90: mean(pairs.map(({ actual, forecast }) => pinball(0.9, actual, forecast))),
    n: pairs.length,
  };
  for (const [name, value] of Object.entries(expected))
    assertClose(scores[name as keyof typeof scores], value, tolerance, name);
}

export async function runForecasting(table: Table): Promise<TableResult> {
  return runChecks(table, {
    exponentialSmoothing: check<SmoothingCase>(checkSmoothing),
    naiveScore: check<NaiveCase>(checkNaive),
    pinball: check<{ quantile: number; actual: number[]; predicted: number[]; expected: number }>((golden) => {
      const losses = golden.actual.map((actual, index) =>
        pinball(golden.quantile, actual, golden.predicted[index] as number),
      );
      assertClose(mean(losses), golden.expected, tolerance);
    }),
    winkler: check<{
      alpha: number;
      actual: number[];
      lower: number[];
      upper: number[];
      expected: { meanScore: number; coverage: number; meanWidth: number };
    }>(({ alpha, actual, lower, upper, expected }) => {
      const rows = actual.map((value, at) => ({ value, low: lower[at] as number, high: upper[at] as number }));
      assertClose(
        mean(rows.map(({ value, low, high }) => winkler(alpha, value, low, high))),
        expected.meanScore,
        tolerance,
      );
      assertClose(mean(rows.map(({ value, low, high }) => Number(value >= low && value <= high))), expected.coverage);
      assertClose(mean(rows.map(({ low, high }) => high - low)), expected.meanWidth, tolerance);
    }),
    splitConformal: check<{ alpha: number; scores: number[]; expected: { rank: number; quantile: number | null } }>(
      ({ alpha, scores, expected }) => {
        const { rank, quantile } = conformalQuantile(sorted(scores), alpha);
        assert.equal(rank, expected.rank);
        assertClose(quantile, expected.quantile, tolerance);
      },
    ),
    adaptiveConformal: check<{
      targetAlpha: number;
      gamma: number;
      missed: number[];
      expected: { alphaAfterEach: number[] };
    }>(({ targetAlpha, gamma, missed, expected }) => {
      let alpha = targetAlpha;
      const alphas = missed.map((one) => (alpha = adaptAlpha(alpha, targetAlpha, gamma, one === 1)));
      assertAllClose(alphas, expected.alphaAfterEach, 'alpha');
    }),
    crpsEnsemble: check<{ members: number[]; actual: number; expected: number }>((golden) =>
      assertClose(crpsEnsemble(golden.members, golden.actual), golden.expected, tolerance),
    ),
    quantile: check<{ values: number[]; method: string; quantiles: number[]; expected: number[] }>((golden) => {
      const type = Number(/type (\d)/u.exec(golden.method)?.[1]);
      const position = plottingPositions[type];
      assert.ok(position !== undefined, `the method ${golden.method} is not known`);
      const quantiles = golden.quantiles.map((quantile) => quantileOf(sorted(golden.values), quantile, ...position));
      assertAllClose(quantiles, golden.expected, 'quantile');
    }),
    dieboldMariano: check<{
      horizon: number;
      loss: string;
      errors1: number[];
      errors2: number[];
      expected: Readonly<Record<string, number>>;
    }>(({ horizon, loss, errors1, errors2, expected }) => {
      const lossOf = (error: number): number => (loss === 'squared' ? error ** 2 : Math.abs(error));
      const losses = errors1.map((error, at) => lossOf(error) - lossOf(errors2[at] as number));
      const comparison = dieboldMariano(losses, horizon);
      for (const [name, value] of Object.entries(expected))
        assertClose(comparison[name as keyof typeof comparison], value, tolerance, name);
    }),
  });
}
