/** Every forecaster of one grid, by its name. What a period is in steps depends on the grid. */
import { autoregression } from './autoregression.ts';
import { dampedHolt } from './holt.ts';
import { lastValue, seasonalNaive } from './naive.ts';
import { spectral } from './spectral.ts';
import type { Forecaster } from './forecaster.ts';

/** `stepSeconds`: width of one step, from 1 to 3600. */
export function forecasters(stepSeconds: number): readonly Forecaster[] {
  const steps = (seconds: number): number => Math.max(1, Math.round(seconds / stepSeconds));
  return [
    lastValue,
    dampedHolt(),
    seasonalNaive('as an hour ago', steps(3600)),
    seasonalNaive('as a day ago', steps(86_400)),
    seasonalNaive('as a week ago', steps(7 * 86_400)),
    spectral(stepSeconds),
    autoregression(),
  ] as readonly Forecaster[];
}
