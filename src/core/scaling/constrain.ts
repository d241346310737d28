/**
 * What may be done of what is wished, in this order: stabilisation, rates, blast radius, flap budget, room, freeze windows,
 * cost budget, and the hard bounds last, which nothing may leave. Each stage that cuts says so.
 *
 * Laws: the result is whole and inside the bounds whatever is wished; a larger wish never gives less; in any hour there
 * are no more reversals than the flap budget has; no period costs more than its budget, as far as the minimum allows.
 * Nothing but bounds, rates, room, freezes and cost holds capacity back: a budget of changes never refuses to add any.
 */
import type { Limit } from './chain.ts';
import { limitOf, storeChange, type Change, type Rules } from './policies/hpa-behavior.ts';
import { record, resized, slidingMax, type SlidingMax } from './sliding-max.ts';

export interface Freeze {
  /** Milliseconds since 1970-01-01 UTC. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** `in`: nothing is taken away; `both`: nothing is changed. */
  readonly kind: 'in' | 'both';
  readonly reason: string;
}

export interface CostBudget {
  /** In the price's currency, a period. */
  readonly amount: number;
  readonly periodSeconds: number;
  /** Of one unit for an hour. */
  readonly pricePerHour: number;
}

/** What the nodes of a cluster have room for. */
export interface RoomLimit {
  readonly max: number;
  readonly reason: string;
}

export interface Constraints {
  readonly min: number;
  readonly max: number;
  /** Seconds that a higher wish has to have lasted, and a lower one. */
  readonly upStabilizationSeconds: number;
  readonly downStabilizationSeconds: number;
  /** As Kubernetes' scaling policies; null: no limit. */
  readonly upRate: Rules | null;
  readonly downRate: Rules | null;
  /** Share of the units that may be taken away at once, over 0; at least one may. */
  readonly blastRadius: number;
  /** Changes of direction in any hour, at least 3; infinite for no limit. */
  readonly reversalsPerHour: number;
  readonly freezes: readonly Freeze[];
  readonly cost: CostBudget | null;
  /** Absent where there is no cluster, or nothing is known to be in the way. */
  readonly room?: RoomLimit;
}

export const unconstrained: Constraints = {
  min: 0,
  max: Number.MAX_SAFE_INTEGER,
  upStabilizationSeconds: 0,
  downStabilizationSeconds: 0,
  upRate: null,
  downRate: null,
  blastRadius: 1,
  reversalsPerHour: Number.POSITIVE_INFINITY,
  freezes: [],
  cost: null,
};

/** In the order in which they take hold. */
export const stages = [
  'sound',
  'stabilisation',
  'rate',
  'blast radius',
  'flaps',
  'room',
  'freeze',
  'cost',
  'bounds',
] as const;
export type Stage = (typeof stages)[number];

export interface Cut {
  readonly stage: Stage;
  readonly from: number;
  readonly to: number;
  readonly reason: string;
}

/** Plain data; a step writes into the windows. Times are seconds. */
export interface ConstraintMemory {
  readonly target: number;
  readonly at: number;
  /** The largest and (negated) the smallest wish of the windows. */
  readonly highest: SlidingMax;
  readonly lowest: SlidingMax;
  readonly ups: readonly Change[];
  readonly downs: readonly Change[];
  /** Way of the last change, and when it turned from up to down in the last hour. */
  readonly direction: -1 | 0 | 1;
  readonly turnedDown: readonly number[];
  readonly periodStartedAt: number;
  readonly spent: number;
}

const hourSeconds = 3600;
const windowOf = (seconds: number): number => Math.max(1, Math.ceil(seconds));

export function startConstraints(set: Constraints, target: number, at: number): ConstraintMemory {
  return {
    target,
    at,
    highest: slidingMax(windowOf(set.downStabilizationSeconds)),
    lowest: slidingMax(windowOf(set.upStabilizationSeconds)),
    ups: [],
    downs: [],
    direction: 0,
    turnedDown: [],
    periodStartedAt: at,
    spent: 0,
  };
}

/** The windows are those of the settings in force: one that is made longer remembers what it has, from now on. */
function withWindows(memory: ConstraintMemory, set: Constraints): ConstraintMemory {
  const { highest, lowest } = memory;
  const [down, up] = [windowOf(set.downStabilizationSeconds), windowOf(set.upStabilizationSeconds)];
  if (highest.size === down && lowest.size === up) return memory;
  return { ...memory, highest: resized(highest, down), lowest: resized(lowest, up) };
}

/** Takes in what was really done since the last step, whoever did it, and what it cost. */
function account(memory: ConstraintMemory, set: Constraints, target: number, at: number): ConstraintMemory {
  const before = memory.target;
  const direction = target > before ? 1 : target < before ? -1 : memory.direction;
  const turned = target < before && memory.direction === 1;
  let { ups, downs, spent, periodStartedAt } = memory;
  if (target > before && set.upRate !== null) ups = storeChange(ups, target - before, set.upRate.policies, memory.at);
  if (target < before && set.downRate !== null)
    downs = storeChange(downs, before - target, set.downRate.policies, memory.at);
  if (set.cost !== null) {
    const { periodSeconds, pricePerHour } = set.cost;
    const periods = Math.floor((at - periodStartedAt) / periodSeconds);
    if (periods > 0) {
      periodStartedAt += periods * periodSeconds;
      spent = 0;
    }
    const seconds = at - Math.max(memory.at, periodStartedAt);
    spent += (target * pricePerHour * seconds) / hourSeconds;
  }
  const recent =
    turned || memory.turnedDown.length > 0
      ? memory.turnedDown.filter((one) => at - one < hourSeconds)
      : memory.turnedDown;
  return {
    ...memory,
    target,
    at,
    ups,
    downs,
    direction,
    turnedDown: turned ? [...recent, memory.at] : recent,
    periodStartedAt,
    spent,
  };
}

/**
 * A turn down is followed by a turn up, which nothing may refuse. So that a budget of b holds in every hour, of the turns
 * down no more than (b - 1)/2 are allowed in one: with the turns up after them, and one up from before, that is b.
 */
const turnsDown = (reversalsPerHour: number): number => Math.floor((reversalsPerHour - 1) / 2);

/** The most that can run until the period ends, or for an hour, and then the minimum, without going over the budget. */
function affordable(memory: ConstraintMemory, set: Constraints, cost: CostBudget): number {
  const left = memory.periodStartedAt + cost.periodSeconds - memory.at;
  const ahead = Math.min(left, hourSeconds) / hourSeconds;
  const forMinimum = (set.min * cost.pricePerHour * left) / hourSeconds;
  const more = (cost.amount - memory.spent - forMinimum) / (cost.pricePerHour * ahead);
  // What fits exactly must not fall out of it by a rounding of the last bit.
  return set.min + Math.max(0, Math.floor(more + 1e-6));
}

export interface Constrained {
  readonly memory: ConstraintMemory;
  readonly target: number;
  readonly cuts: readonly Cut[];
  /** How far each stage lets a wish go, whether it has cut this one or not; in their order. */
  readonly limits: () => readonly Limit[];
}

/**
 * `wish`: what reconcile gives; `held`: the target as it stands; `atMs`: monotonic. What comes of a step is seen by the
 * next one in `held`, so that a change that was refused elsewhere is not counted as made.
 */
export function constrain(
  before: ConstraintMemory,
  wish: number,
  held: number,
  set: Constraints,
  wallMs: number,
  atMs: number,
): Constrained {
  const at = Math.max(before.at, atMs / 1000);
  const memory = account(withWindows(before, set), set, held, at);
  const cuts: Cut[] = [];
  let target = wish;
  const cut = (stage: Stage, to: number, reason: () => string): void => {
    if (to === target) return;
    cuts.push({ stage, from: target, to, reason: reason() });
    target = to;
  };

  const isSound = Number.isSafeInteger(target) && target >= 0;
  if (!isSound) cut('sound', held, () => `${wish} is no count`);
  const second = Math.floor(at);
  // Windows know whole seconds, and several looks may fall into one: without a window there is nothing to remember.
  const most = set.downStabilizationSeconds === 0 ? target : record(memory.highest, second, target);
  const least = set.upStabilizationSeconds === 0 ? target : -record(memory.lowest, second, -target);
  const stable = Math.min(Math.max(held, least), most);
  cut('stabilisation', stable, () =>
    target < stable
      ? `${most} was wished in the last ${set.downStabilizationSeconds} s`
      : `${least} was enough in the last ${set.upStabilizationSeconds} s`,
  );
  if (target > held && set.upRate !== null) {
    const limit = Math.max(held, limitOf('up', held, set.upRate, memory.ups, memory.downs, at));
    cut('rate', Math.min(target, limit), () => `no more than ${limit} yet, it was raised just now`);
  } else if (target < held && set.downRate !== null) {
    const limit = Math.min(held, limitOf('down', held, set.downRate, memory.ups, memory.downs, at));
    cut('rate', Math.max(target, limit), () => `no fewer than ${limit} yet, it was lowered just now`);
  }
  const atOnce = Math.max(1, Math.floor(held * set.blastRadius));
  const spentTurns = memory.direction === 1 && memory.turnedDown.length >= turnsDown(set.reversalsPerHour);
  if (target < held) {
    cut('blast radius', Math.max(target, held - atOnce), () => `at most ${atOnce} of ${held} go at once`);
    if (spentTurns) cut('flaps', held, () => `it turned ${memory.turnedDown.length} times in the last hour`);
  }
  const { room } = set;
  if (room !== undefined) cut('room', Math.min(target, room.max), () => room.reason);
  const freeze = set.freezes.find(({ fromMs, untilMs }) => wallMs >= fromMs && wallMs < untilMs);
  if (freeze !== undefined && (freeze.kind === 'both' || target < held)) cut('freeze', held, () => freeze.reason);
  if (set.cost !== null && target > 0) {
    const { amount } = set.cost;
    const limit = affordable(memory, set, set.cost);
    cut(
      'cost',
      Math.min(target, limit),
      () => `${memory.spent.toFixed(2)} of ${amount} are spent, ${limit} can be paid`,
    );
  }
  cut('bounds', Math.max(set.min, Math.min(set.max, target)), () => `the bounds are ${set.min} to ${set.max}`);
  const limits = (): readonly Limit[] => [
    isSound
      ? free('sound', `${wish} is a count`)
      : { stage: 'sound', min: held, max: held, reason: `${wish} is no count` },
    stabilisationLimit(set, held, most, least),
    rateLimit(memory, set, held, at),
    set.blastRadius >= 1
      ? free('blast radius', 'as many as there are may go at once')
      : { stage: 'blast radius', min: held - atOnce, max: null, reason: `at most ${atOnce} of ${held} go at once` },
    spentTurns
      ? { stage: 'flaps', min: held, max: null, reason: `it turned ${memory.turnedDown.length} times in the last hour` }
      : free('flaps', `it turned down ${memory.turnedDown.length} times in the last hour`),
    ...(room === undefined ? [] : [{ stage: 'room' as const, min: null, ...room }]),
    freeze === undefined
      ? free('freeze', 'nothing is frozen now')
      : { stage: 'freeze', min: held, max: freeze.kind === 'both' ? held : null, reason: freeze.reason },
    costLimit(memory, set),
    { stage: 'bounds', min: set.min, max: set.max, reason: `the bounds are ${set.min} to ${set.max}` },
  ];
  return { memory, target, cuts, limits };
}

const free = (stage: Stage, reason: string): Limit => ({ stage, min: null, max: null, reason });

/** `most` and `least`: the largest and the smallest wish of the windows. */
function stabilisationLimit(set: Constraints, held: number, most: number, least: number): Limit {
  const { upStabilizationSeconds: up, downStabilizationSeconds: down } = set;
  const words = [
    ...(down === 0 ? [] : [`${most} was wished in the last ${down} s`]),
    ...(up === 0 ? [] : [`${least} was enough in the last ${up} s`]),
  ];
  return {
    stage: 'stabilisation',
    min: down === 0 ? null : Math.min(held, most),
    max: up === 0 ? null : Math.max(held, least),
    reason: words.length === 0 ? 'no wish has to have lasted' : words.join(', '),
  };
}

function rateLimit(memory: ConstraintMemory, set: Constraints, held: number, at: number): Limit {
  const { upRate, downRate } = set;
  const limit = (way: 'up' | 'down', rules: Rules): number => limitOf(way, held, rules, memory.ups, memory.downs, at);
  const max = upRate === null ? null : Math.max(held, limit('up', upRate));
  const min = downRate === null ? null : Math.min(held, limit('down', downRate));
  const words = [
    ...(max === null ? [] : [`no more than ${max} yet`]),
    ...(min === null ? [] : [`no fewer than ${min} yet`]),
  ];
  return { stage: 'rate', min, max, reason: words.length === 0 ? 'no rate is set' : words.join(', ') };
}

function costLimit(memory: ConstraintMemory, set: Constraints): Limit {
  if (set.cost === null) return free('cost', 'there is no budget');
  const max = affordable(memory, set, set.cost);
  const reason = `${memory.spent.toFixed(2)} of ${set.cost.amount} are spent, ${max} can be paid`;
  return { stage: 'cost', min: null, max, reason };
}
