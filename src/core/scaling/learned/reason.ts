/** What the learned set-point says of itself: its quantile, its record against the rule, and whether it may decide. */
import { contexts, describeContext } from './contexts.ts';
import { evidencePeriods, gainOf, type Gate } from './gate.ts';
import type { Learner } from './learner.ts';

const percent = (share: number): string => `${Number((share * 100).toPrecision(2))} %`;

/** `over 26 h 8.1 % better than the rule (±1.2 %), 14.2 units and 0.4 % late against 15.6 and 0.6 %`. */
function recordOf(gate: Gate): string {
  const { periods, cost, ruleCost, late, ruleLate, work, seconds } = gate;
  const taken = gate.lost > 0 ? `, taken away ${gate.lost} times` : '';
  const { mean, error } = gainOf(gate);
  if (!Number.isFinite(error)) return `without a record${taken}`;
  const better = `${percent(Math.abs(mean))} ${mean < 0 ? 'worse' : 'better'} than the rule (±${percent(error)})`;
  const share = (part: number): string => percent(work > 0 ? part / work : 0);
  const short = periods < evidencePeriods ? ` of the ${evidencePeriods} it takes` : '';
  return (
    `in ${Math.floor(periods)} periods${short} ${better}, ${(cost / seconds).toFixed(1)} units and ${share(late)} late ` +
    `against ${(ruleCost / seconds).toFixed(1)} and ${share(ruleLate)}${taken}`
  );
}

/** Words are made when they are read; the state goes on, so numbers are taken now. */
export function wordsOf(learner: Learner, who: 'bandit' | 'model' | undefined, target: number): () => string {
  const { bandit, model, context, level, steps } = learner;
  if (steps === 0) return () => 'the learned headroom has seen no load yet';
  const contender = who === 'model' || (who === undefined && !Number.isNaN(model.quantile)) ? model : bandit;
  const { quantile, headroom } = contender;
  const gate = { ...contender.gate };
  const would = contender.fleet.target;
  const name = contender === model ? 'the model that sets the headroom' : 'the learned headroom';
  return () => {
    const setting =
      `${Number((100 * quantile).toPrecision(4))} % of growth while ${describeContext(context % contexts)}, × ${headroom.toFixed(2)} of ` +
      level.toFixed(1);
    return who === undefined
      ? `${name} (${setting}) would hold ${would} and is not in charge: ${recordOf(gate)}`
      : `${target} by ${name}: ${setting}, in charge: ${recordOf(gate)}`;
  };
}
