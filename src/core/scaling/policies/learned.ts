/**
 * The learned set-point over the rehearsing policy: a contextual bandit that sets the headroom quantile, in the shadow of
 * the rule until it has beaten it on recorded reward, with confidence, and back in its shadow when it no longer does
 * (docs/governor.md). Without authority it decides exactly as the rule; with its input in doubt the rule stands alone.
 */
import { inCharge, learn, startLearner, type Learner } from '../learned/learner.ts';
import { wordsOf } from '../learned/reason.ts';
import { unitsOf } from '../slo/capacity-curve.ts';
import type { SloState } from '../slo/state.ts';
import type { Observation } from '../observation.ts';
import type { Parameters } from '../parameters.ts';
import type { Policy, PolicyDefinition, Proposal } from '../policy.ts';
import { slo } from './slo.ts';

export interface LearnedState {
  rule: SloState;
  /** Undefined before a load was seen. */
  learner: Learner | undefined;
  /** What the rule would hold. */
  ruleUnits: number;
}

const { parameters } = slo;

function create({ tolerated }: Parameters<typeof parameters>): Policy<LearnedState> {
  const rule = slo.create({ tolerated }) as Policy<SloState>;

  const decide = (state: LearnedState, learner: Learner, seen: Observation, said: Proposal, at: number): Proposal => {
    const who = inCharge(learner);
    const { terms, kickUntil, kickUnits } = state.rule;
    if (who === undefined) {
      const words = wordsOf(learner, undefined, said.target);
      return { target: said.target, reason: () => `${said.reason()}; ${words()}` };
    }
    const { fleet } = who === 'model' ? learner.model : learner.bandit;
    // A queue that is there now is no matter of headroom: what the rule does about it stands.
    const wanted = unitsOf(terms.curve, at < kickUntil ? Math.max(fleet.target, kickUnits) : fleet.target);
    const target = Math.min(seen.max, Math.max(seen.min, wanted));
    const words = wordsOf(learner, who, target);
    return { target, reason: () => `${words()}; the rule it replaces says ${said.reason()}` };
  };

  return {
    name: 'learned',
    foresees: true,
    start: (seen, at) => ({ rule: rule.start(seen, at), learner: undefined, ruleUnits: seen.fleet.target }),
    // The apprentice begins where the rule has come to, and is judged by what it sees itself.
    learn: (state, seen, arrivals) => rule.learn?.(state.rule, seen, arrivals) ?? false,
    step: (state, seen, at) => {
      const { fleet } = seen;
      const leads = state.learner !== undefined && inCharge(state.learner) !== undefined;
      // The rule goes on from what it would hold, so that what it would have done stays known.
      const ruleSeen = leads && fleet.target > 0 ? { ...seen, fleet: { ...fleet, target: state.ruleUnits } } : seen;
      const { state: ruled, proposal: said } = rule.step(state.rule, ruleSeen, at);
      state.rule = ruled;
      const { rehearsal } = ruled;
      if (said.doubt !== undefined) {
        // It holds what is there, which may be more than the rule would have.
        return { state, proposal: { ...said, target: Math.max(fleet.target, said.target) } };
      }
      state.ruleUnits = said.target;
      if (rehearsal.chosen < 0 || fleet.target === 0) return { state, proposal: said };
      // At another lag everything is another: it has to be earned anew.
      if (state.learner?.lag !== rehearsal.all.lag) state.learner = startLearner(rehearsal);
      learn(state.learner, rehearsal, said.target, seen.setPoint?.quantile ?? Number.NaN, tolerated);
      return { state, proposal: decide(state, state.learner, seen, said, at) };
    },
  };
}

export const learned: PolicyDefinition<typeof parameters> = {
  name: 'learned',
  layout: 2,
  summary: 'A bandit on the headroom quantile, in the shadow of slo until it has shown to be better.',
  source: 'docs/governor.md.',
  parameters,
  create,
};
