/** What a decision rested on, as people and the journal read it: plain JSON, and what is absent has no value. */
import type { Fleet, Lag, Objective, Observation, Signals } from '../../core/scaling/observation.ts';
import type { Signal, SignalKind } from '../../core/scaling/signals.ts';

export interface Known {
  readonly kind: SignalKind;
  readonly value: number | null;
  readonly ageMs: number | null;
}

export interface Inputs {
  readonly spanMs: number;
  readonly fleet: Fleet;
  readonly min: number;
  readonly max: number;
  readonly lag: Lag;
  readonly objective: Objective;
  readonly signals: Readonly<Record<keyof Signals, Known>>;
  /** From outside, by the specification's names. */
  readonly external?: Readonly<Record<string, Known>>;
  /** Requests per second that so many replicas were measured to hold. */
  readonly capacity: Readonly<Record<string, number>>;
}

const known = (value: number): number | null => (Number.isFinite(value) ? value : null);

export function toInputs(seen: Observation): Inputs {
  const { spanMs, fleet, min, max, lag, objective } = seen;
  const signals = toKnown({ ...seen.signals }) as Inputs['signals'];
  const external = toKnown(seen.external);
  const capacity: Record<string, number> = {};
  Array.from(seen.capacity).forEach((rate, count) => {
    if (Number.isFinite(rate)) capacity[count] = rate;
  });
  const named = Object.keys(external).length === 0 ? {} : { external };
  return { spanMs, fleet, min, max, lag, objective, signals, ...named, capacity };
}

function toKnown(signals: Readonly<Record<string, Signal>>): Readonly<Record<string, Known>> {
  return Object.fromEntries(
    Object.entries(signals).map(([name, { kind, value, ageMs }]) => [
      name,
      { kind, value: known(value), ageMs: known(ageMs) },
    ]),
  );
}
