/**
 * The alternatives: each a measure of load, how long its highest value is held, and a multiplier. A way's number is its
 * place in this order: signal, hold, multiplier. The holds follow the lag: a fleet that grows within a second need not
 * hold for long, and one that takes minutes gains nothing from giving back for seconds.
 */
import { signalNames } from './load-signals.ts';

export const multipliers = [0.7, 0.8, 0.9, 1, 1.05, 1.12, 1.2, 1.3, 1.42, 1.6, 1.8, 2.1, 2.5, 3, 4, 5] as const;

/** Seconds. `lag`: from order to serving, seconds. */
export function holdsOf(lag: number): readonly number[] {
  if (lag <= 1) return [20];
  if (lag <= 10) return [10, 40];
  return [Math.round(lag / 3), Math.round(lag)];
}

/** Seconds between two steps of the shadows: a thirtieth of the lag, within 1 and 15. */
export function tickOf(lag: number): number {
  return Math.min(15, Math.max(1, Math.round(lag / 30)));
}

export function waysOf(holds: readonly number[]): number {
  return signalNames.length * holds.length * multipliers.length;
}

export interface Way {
  readonly signal: number;
  readonly hold: number;
  readonly multiplier: number;
}

export function wayOf(holds: readonly number[], index: number): Way {
  const pair = Math.floor(index / multipliers.length);
  return {
    signal: Math.floor(pair / holds.length),
    hold: holds[pair % holds.length] as number,
    multiplier: multipliers[index % multipliers.length] as number,
  };
}

export function describeWay({ signal, hold, multiplier }: Way): string {
  return `${signalNames[signal] as string} × ${multiplier}, held for ${hold} s`;
}
