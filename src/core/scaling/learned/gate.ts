/**
 * Whether a contender may decide in place of the rule. Period by period both are run as shadow fleets on the load that
 * came; what counts is by how much the rule's loss was larger, over what it was:
 *
 *   shadow ──earns: mean gain > 2 standard errors, and late with no more than is tolerated or than the rule──▶ in charge
 *   in charge ──loses: mean gain < 1 standard error, or late with more──▶ shadow
 *   in charge ──its loss against the rule's changes for the worse (cumulative sum)──▶ shadow, with an empty record
 *
 * Plain data, and a period writes into it.
 */
import { noChange, watch, type ChangePoint } from '../../forecasting/change-point.ts';

export interface Gate {
  /** Decayed: periods, gain and its square, the loss of the rule, late work of both, work. */
  periods: number;
  gain: number;
  gainSquared: number;
  ruleLoss: number;
  late: number;
  ruleLate: number;
  work: number;
  cost: number;
  ruleCost: number;
  seconds: number;
  inCharge: boolean;
  change: ChangePoint;
  /** How often it was in charge, and how often a change has taken that away. */
  earned: number;
  lost: number;
}

export const closedGate = (): Gate => ({
  periods: 0,
  gain: 0,
  gainSquared: 0,
  ruleLoss: 0,
  late: 0,
  ruleLate: 0,
  work: 0,
  cost: 0,
  ruleCost: 0,
  seconds: 0,
  inCharge: false,
  change: noChange,
  earned: 0,
  lost: 0,
});

/** What one of the two would have held and been late with in a period: unit-seconds with starts, and work. */
export interface Account {
  readonly cost: number;
  readonly late: number;
}

export const evidencePeriods = 60;
const halfLifePeriods = 1440;
const keep = 2 ** (-1 / halfLifePeriods);
/** Losses of the two move together, so their ratio is steady: half as much again for six periods is a change. */
const changeSettings = { tolerated: 0.2, threshold: 3, warmUp: 20 };
const earnErrors = 2;
const loseErrors = 1;

/** Mean gain and its standard error, as shares of the rule's mean loss. */
export function gainOf({ periods, gain, gainSquared, ruleLoss }: Gate): {
  readonly mean: number;
  readonly error: number;
} {
  if (periods === 0 || ruleLoss <= 0) return { mean: 0, error: Number.POSITIVE_INFINITY };
  const mean = gain / periods;
  const deviation = Math.sqrt(Math.max(0, gainSquared / periods - mean * mean) / periods);
  const scale = ruleLoss / periods;
  return { mean: mean / scale, error: deviation / scale };
}

/** Whether it is late with no more than it may be. */
export function keepsPromise({ late, ruleLate, work }: Gate, tolerated: number): boolean {
  return late <= Math.max(tolerated * work, ruleLate);
}

function forget(gate: Gate): void {
  Object.assign(gate, closedGate(), { earned: gate.earned, lost: gate.lost + (gate.inCharge ? 1 : 0) });
}

/** One period of `seconds`, in which `work` came. `price`: unit-seconds that late work costs. */
export function judge(
  gate: Gate,
  own: Account,
  rule: Account,
  work: number,
  seconds: number,
  price: number,
  tolerated: number,
): void {
  const loss = own.cost + price * own.late;
  const ruleLoss = rule.cost + price * rule.late;
  const gain = ruleLoss - loss;
  gate.periods = gate.periods * keep + 1;
  gate.gain = gate.gain * keep + gain;
  gate.gainSquared = gate.gainSquared * keep + gain * gain;
  gate.ruleLoss = gate.ruleLoss * keep + ruleLoss;
  gate.late = gate.late * keep + own.late;
  gate.ruleLate = gate.ruleLate * keep + rule.late;
  gate.work = gate.work * keep + work;
  gate.cost = gate.cost * keep + own.cost;
  gate.ruleCost = gate.ruleCost * keep + rule.cost;
  gate.seconds = gate.seconds * keep + seconds;
  const { state, changed } = watch(gate.change, ruleLoss > 0 ? loss / ruleLoss : 1, changeSettings);
  gate.change = state;
  if (changed) {
    forget(gate);
    return;
  }
  const { mean, error } = gainOf(gate);
  const keeps = keepsPromise(gate, tolerated);
  if (gate.inCharge) gate.inCharge = keeps && mean > loseErrors * error;
  else if (gate.periods >= evidencePeriods && keeps && mean > earnErrors * error) {
    gate.inCharge = true;
    gate.earned += 1;
  }
}
