/**
 * The learned set-point of one deployment: how much headroom to hold over the load that is there, as a quantile of how
 * much it has grown within a lag. Beside the rule that it would replace it runs what it would have done as a shadow
 * fleet, and may decide only while its gate says so. It sets quantiles and never counts; what becomes of them is bounded
 * as every wish is. Plain data, and a step writes into it.
 */
import { arms, chooseArms, latePrice, noRecords, noteArm, notePeriod, type ArmRecords } from './arms.ts';
import { contextOf, contexts } from './contexts.ts';
import { order, serve, shadowFleet, wish, type ShadowFleet } from './fleet.ts';
import { closedGate, judge, type Account, type Gate } from './gate.ts';
import { growthAt, growthsAt, noGrowth, noteGrowth, type Growth } from './growth.ts';
import { effectiveOf } from '../slo/capacity-curve.ts';
import { hourSeconds, loadAt, meanOver } from '../slo/load-history.ts';
import { ageOf, type Rehearsal } from '../slo/memory.ts';
import { requirementOf } from '../slo/requirement.ts';
import { wishOf } from '../slo/shadows.ts';
import { record, slidingMax, type SlidingMax } from '../sliding-max.ts';

/** Who may decide in place of the rule: the bandit, and a model that is asked. */
export interface Contender {
  readonly fleet: ShadowFleet;
  readonly gate: Gate;
  /** What it sets now, and the headroom that this is. */
  quantile: number;
  headroom: number;
}

export interface Learner {
  /** Seconds: of the tier, and of a step. */
  readonly lag: number;
  readonly tick: number;
  /** Steps of a period, by which contenders are judged. */
  readonly periodSteps: number;
  readonly growth: Growth;
  readonly records: ArmRecords;
  /** By context. */
  chosen: number[];
  readonly arms: readonly ShadowFleet[];
  readonly rule: ShadowFleet;
  readonly bandit: Contender;
  readonly model: Contender;
  /** Levels and contexts of the last lag as rings, and what was needed since. */
  readonly levels: Float64Array;
  readonly situations: Float64Array;
  readonly needs: SlidingMax;
  /** Seconds of load that have entered, and steps. */
  seen: number;
  steps: number;
  context: number;
  level: number;
  /** Of the period that is being filled. */
  periodContext: number;
  periodWork: number;
  /** Steps of it in which the model had said something. */
  periodSaid: number;
}

const periodSeconds = 60;
/** A level is not taken for less than this share of the hour's mean: growth from next to nothing is no growth. */
const levelFloor = 0.25;

const contender = (hold: number, lag: number): Contender => ({
  fleet: shadowFleet(hold, lag),
  gate: closedGate(),
  quantile: Number.NaN,
  headroom: Number.NaN,
});

/** Goes on from what the rehearsal has seen so far, at its lag. */
export function startLearner(rehearsal: Rehearsal): Learner {
  const { lag, tick } = rehearsal.all;
  const lagSteps = Math.max(1, Math.round(lag / tick));
  const hold = Math.max(1, Math.round((lag <= 10 ? 20 : lag / 3) / tick));
  return {
    lag,
    tick,
    periodSteps: Math.ceil(Math.max(periodSeconds, 2 * lag) / tick),
    growth: noGrowth(contexts, lag),
    records: noRecords(),
    chosen: Array.from({ length: contexts }, () => arms.length - 1),
    arms: arms.map(() => shadowFleet(hold, lagSteps)),
    rule: shadowFleet(1, lagSteps),
    bandit: contender(hold, lagSteps),
    model: contender(hold, lagSteps),
    levels: new Float64Array(lagSteps),
    situations: new Float64Array(lagSteps),
    needs: slidingMax(lagSteps),
    seen: ageOf(rehearsal),
    steps: 0,
    context: 0,
    level: 0,
    periodContext: 0,
    periodWork: 0,
    periodSaid: 0,
  };
}

/**
 * Everything that the rehearsal has seen since the last time. `ruleUnits`: what the rule wants now; `asked`: the quantile
 * that a model sets, NaN while it says nothing.
 */
export function learn(
  learner: Learner,
  rehearsal: Rehearsal,
  ruleUnits: number,
  asked: number,
  tolerated: number,
): void {
  const { tick } = learner;
  const all = ageOf(rehearsal);
  // What is older than the history is gone: nobody can be judged by it.
  learner.seen = Math.max(learner.seen, all - hourSeconds);
  while (all - learner.seen >= tick) {
    const back = all - learner.seen;
    let work = 0;
    for (let second = 0; second < tick; second += 1) work += loadAt(rehearsal.history, back - second);
    learner.seen += tick;
    step(learner, rehearsal, work, ruleUnits, asked);
    if (learner.steps % learner.periodSteps === 0) endPeriod(learner, tolerated);
  }
}

function step(
  learner: Learner,
  { history, world, signals }: Rehearsal,
  work: number,
  ruleUnits: number,
  asked: number,
): void {
  const { tick, lag, levels, situations, growth, steps, bandit, model, rule } = learner;
  for (const fleet of learner.arms) serve(fleet, work, tick, world);
  for (const fleet of [rule, bandit.fleet, model.fleet]) serve(fleet, work, tick, world);
  learner.periodWork += work;

  const need = requirementOf(history, world.patience);
  const needed = record(learner.needs, steps, need);
  const place = steps % levels.length;
  if (steps >= levels.length) {
    const then = levels[place] as number;
    if (then > 0) noteGrowth(growth, situations[place] as number, needed / then, tick);
  }
  const now = meanOver(history, 10);
  learner.context = contextOf(now, meanOver(history, 120), Math.max(signals[7] as number, need));
  const recent = meanOver(history, Math.min(120, Math.max(10, lag)));
  learner.level = Math.max(now, recent, levelFloor * meanOver(history, hourSeconds));
  levels[place] = learner.level;
  situations[place] = learner.context;

  const headrooms = growthsAt(growth, learner.context, arms);
  const units = (headroom: number): number => wishOf(learner.level, headroom, world);
  learner.arms.forEach((fleet, arm) => wish(fleet, steps, units(headrooms[arm] as number), tick, world));
  const taken = learner.chosen[learner.context] as number;
  bandit.quantile = arms[taken] as number;
  bandit.headroom = headrooms[taken] as number;
  wish(bandit.fleet, steps, units(bandit.headroom), tick, world);
  const says = asked > 0 && asked < 1;
  model.quantile = says ? asked : Number.NaN;
  // While it says nothing it does as the bandit: who is silent may not be blamed, and not be in charge.
  model.headroom = says ? growthAt(growth, learner.context, asked) : bandit.headroom;
  wish(model.fleet, steps, units(model.headroom), tick, world);
  if (says) learner.periodSaid += 1;
  order(
    rule,
    steps,
    Math.min(Math.max(world.least, effectiveOf(world.curve, ruleUnits)), Math.max(world.least, world.cap)),
    tick,
    world,
  );
  learner.steps += 1;
}

function accountOf(fleet: ShadowFleet): Account {
  const { cost, late } = fleet;
  fleet.cost = 0;
  fleet.late = 0;
  return { cost, late };
}

function endPeriod(learner: Learner, tolerated: number): void {
  const { records, periodContext, periodWork, periodSteps, tick, bandit, model } = learner;
  const seconds = periodSteps * tick;
  const price = latePrice(tolerated);
  const rule = accountOf(learner.rule);
  notePeriod(records, periodContext, periodWork);
  learner.arms.forEach((fleet, arm) => {
    const { cost, late } = accountOf(fleet);
    noteArm(records, periodContext, arm, cost, late);
  });
  // The first periods are those in which nobody had ordered for a whole lag yet.
  const settled = learner.steps > 2 * periodSteps;
  const [own, other] = [accountOf(bandit.fleet), accountOf(model.fleet)];
  if (settled) judge(bandit.gate, own, rule, periodWork, seconds, price, tolerated);
  if (settled && learner.periodSaid >= periodSteps / 2)
    judge(model.gate, other, rule, periodWork, seconds, price, tolerated);
  else if (model.gate.inCharge) model.gate.inCharge = false;
  learner.chosen = chooseArms(records, tolerated);
  learner.periodContext = learner.context;
  learner.periodWork = 0;
  learner.periodSaid = 0;
}

/** Who decides in place of the rule now; undefined while nobody does. */
export function inCharge({ bandit, model }: Learner): 'bandit' | 'model' | undefined {
  if (model.gate.inCharge && !Number.isNaN(model.quantile)) return 'model';
  return bandit.gate.inCharge ? 'bandit' : undefined;
}
