/** What a decision rested on, as people and the journal read it: plain JSON, and what is absent has no value. */
import type { Fleet, Lag, Objective, Observation, Signals } from '../../core/scaling/observation.ts';
import type { SignalKind } from '../../core/scaling/signals.ts';

export interface Inputs {
  readonly spanMs: number;
  readonly fleet: Fleet;
  readonly min: number;
  readonly max: number;
  readonly lag: Lag;
  readonly objective: Objective;
  readonly signals: Readonly<
    Record<keyof Signals, { readonly kind: SignalKind; readonly value: number | null; readonly ageMs: number | null }>
  >;
  /** Requests per second that so many replicas were measured to hold. */
  readonly capacity: Readonly<Record<string, number>>;
}

const known = (value: number): number | null => (Number.isFinite(value) ? value : null);

export function toInputs(seen: Observation): Inputs {
  const { spanMs, fleet, min, max, lag, objective } = seen;
  const signals = Object.fromEntries(
    Object.entries(seen.signals).map(([name, { kind, value, ageMs }]) => [
      name,
      { kind, value: known(value), ageMs: known(ageMs) },
    ]),
  ) as Inputs['signals'];
  const capacity: Record<string, number> = {};
  Array.from(seen.capacity).forEach((rate, count) => {
    if (Number.isFinite(rate)) capacity[count] = rate;
  });
  return { spanMs, fleet, min, max, lag, objective, signals, capacity };
}
