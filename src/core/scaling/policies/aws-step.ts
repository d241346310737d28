/**
 * AWS step scaling (EC2 Auto Scaling user guide): an alarm, and a change that is larger the further the metric is past
 * its threshold. Defaults are the guide's own example. Replicas that are starting are its instances in warm-up.
 */
import { stepScale, type StepAdjustment, type StepPolicy } from './aws-rules.ts';
import { awsMetrics, readMetric, unitOf } from './aws-metric.ts';
import { count, inARow, noPeriods, type Periods } from './aws-periods.ts';
import { hold, type Policy, type PolicyDefinition } from '../policy.ts';
import type { ParameterTable, Parameters } from '../parameters.ts';

function readSteps(value: unknown): readonly StepAdjustment[] {
  if (!Array.isArray(value)) throw new TypeError('expected a list of steps, each of lower, upper and adjust');
  return value.map((step: unknown) => {
    const { lower, upper, adjust } = (step ?? {}) as Record<string, unknown>;
    const isBound = (bound: unknown): bound is number | null => bound === null || typeof bound === 'number';
    if (!isBound(lower) || !isBound(upper) || typeof adjust !== 'number')
      throw new TypeError(`a step is ${JSON.stringify(step)}, expected lower and upper as numbers or null and adjust`);
    return { lower, upper, adjust };
  });
}

const parameters = {
  metric: { kind: 'choice', of: awsMetrics, default: 'cpu', about: 'What the alarm watches.' },
  threshold: { kind: 'number', default: 50, min: 0, about: 'Percent, or requests a minute a replica.' },
  periodSeconds: { kind: 'number', default: 60, min: 1, max: 3600, about: 'Seconds of one period of the alarm.' },
  periods: { kind: 'number', default: 1, min: 1, max: 60, whole: true, about: 'Periods past the threshold in a row.' },
  out: {
    kind: 'structure',
    default: [
      { lower: 0, upper: 10, adjust: 0 },
      { lower: 10, upper: 20, adjust: 10 },
      { lower: 20, upper: null, adjust: 30 },
    ],
    about: 'Steps above the threshold, percent of the capacity.',
    read: readSteps,
  },
  in: {
    kind: 'structure',
    default: [
      { lower: -10, upper: 0, adjust: 0 },
      { lower: -20, upper: -10, adjust: -10 },
      { lower: null, upper: -20, adjust: -30 },
    ],
    about: 'Steps below the threshold, percent of the capacity.',
    read: readSteps,
  },
  minAdjustmentMagnitude: { kind: 'number', default: 0, min: 0, whole: true, about: 'Least units of one change.' },
} as const satisfies ParameterTable;

interface StepState {
  readonly periods: Periods;
  readonly target: number;
}

function create(set: Parameters<typeof parameters>): Policy<StepState> {
  const policyOf = (direction: 'out' | 'in'): StepPolicy => ({
    threshold: set.threshold,
    direction,
    adjustmentType: 'PercentChangeInCapacity',
    steps: direction === 'out' ? set.out : set.in,
    minAdjustmentMagnitude: set.minAdjustmentMagnitude,
  });
  const out = policyOf('out');
  const down = policyOf('in');
  return {
    name: 'aws-step',
    start: (seen, atMs) => ({ periods: noPeriods(atMs / 1000), target: seen.fleet.target }),
    step: (before, seen, atMs) => {
      const at = atMs / 1000;
      const { target, ready, starting } = seen.fleet;
      const { value, doubt } = readMetric(set.metric, seen);
      const length = set.periodSeconds;
      const counted = count(before.periods, value, seen.spanMs / 1000, length, set.periods, at);
      // What was changed has to be seen for a period before it is judged again.
      const periods = target === before.target ? counted : noPeriods(at);
      const state = { periods, target };
      if (doubt !== undefined) return { state, proposal: hold(seen, doubt) };
      const mean = periods.means.at(-1) ?? Number.NaN;
      const bounds = { min: Math.min(seen.min, target), max: Math.max(seen.max, target) };
      const capacity = { warm: Math.min(ready, target), warming: Math.min(starting, Math.max(0, target - ready)) };
      const scaled = (policy: StepPolicy): number => stepScale(policy, capacity, bounds, mean);
      const reading = Number.isNaN(mean) ? 'not enough data yet' : `${mean.toFixed(1)}${unitOf(set.metric)}`;
      const reason = (): string => `${reading}, the threshold is ${set.threshold}`;
      if (inARow(periods, set.periods, (one) => one >= set.threshold)) {
        return { state, proposal: { target: Math.max(target, scaled(out)), reason } };
      }
      if (starting === 0 && inARow(periods, set.periods, (one) => one <= set.threshold)) {
        return { state, proposal: { target: Math.min(target, scaled(down)), reason } };
      }
      return { state, proposal: { target, reason } };
    },
  };
}

export const awsStep: PolicyDefinition<typeof parameters> = {
  name: 'aws-step',
  layout: 1,
  summary: 'AWS step scaling.',
  source: 'EC2 Auto Scaling user guide, step scaling policies.',
  parameters,
  create,
};
