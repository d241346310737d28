/**
 * AWS target tracking (Application Auto Scaling user guide): an alarm of three minutes above the target scales out in
 * proportion, one of fifteen minutes below 90 % of it scales in; replicas that still warm up block scaling in; a
 * scale-out ends a scale-in cooldown. The periods are what the service creates by itself; no page promises them.
 */
import { trackTarget } from './aws-rules.ts';
import { awsMetrics, readMetric, unitOf } from './aws-metric.ts';
import { count, inARow, noPeriods, type Periods } from './aws-periods.ts';
import { hold, type Policy, type PolicyDefinition } from '../policy.ts';
import type { ParameterTable, Parameters } from '../parameters.ts';

const parameters = {
  metric: { kind: 'choice', of: awsMetrics, default: 'cpu', about: 'What is tracked.' },
  target: { kind: 'number', default: 50, min: 0.01, about: 'Percent, or requests a minute a replica.' },
  periodSeconds: { kind: 'number', default: 60, min: 1, max: 3600, about: 'Seconds of one period of the alarms.' },
  outPeriods: { kind: 'number', default: 3, min: 1, max: 60, whole: true, about: 'Periods above, to scale out.' },
  inPeriods: { kind: 'number', default: 15, min: 1, max: 60, whole: true, about: 'Periods below 90 %, to scale in.' },
  outCooldownSeconds: { kind: 'number', default: 300, min: 0, about: 'Seconds after scaling out.' },
  inCooldownSeconds: { kind: 'number', default: 300, min: 0, about: 'Seconds after scaling in.' },
} as const satisfies ParameterTable;

interface TrackState {
  readonly periods: Periods;
  readonly target: number;
  readonly outAt: number;
  readonly inAt: number;
}

const lowShare = 0.9;
const never = Number.NEGATIVE_INFINITY;

function create(set: Parameters<typeof parameters>): Policy<TrackState> {
  const kept = Math.max(set.outPeriods, set.inPeriods);
  return {
    name: 'aws-target',
    start: (seen, atMs) => ({
      periods: noPeriods(atMs / 1000),
      target: seen.fleet.target,
      outAt: never,
      inAt: never,
    }),
    step: (before, seen, atMs) => {
      const at = atMs / 1000;
      const { target, starting } = seen.fleet;
      const { value, doubt } = readMetric(set.metric, seen);
      const state: TrackState = {
        periods: count(before.periods, value, seen.spanMs / 1000, set.periodSeconds, kept, at),
        target,
        outAt: target > before.target ? at : before.outAt,
        inAt: target < before.target ? at : before.inAt,
      };
      if (doubt !== undefined) return { state, proposal: hold(seen, doubt) };
      const mean = state.periods.means.at(-1) ?? Number.NaN;
      const reading = Number.isNaN(mean) ? 'not enough data yet' : `${mean.toFixed(1)}${unitOf(set.metric)}`;
      const wanted = trackTarget(target, mean, set.target);
      const out =
        inARow(state.periods, set.outPeriods, (one) => one > set.target) && at - state.outAt >= set.outCooldownSeconds;
      if (out && wanted > target) {
        const reason = (): string => `${reading} for ${set.outPeriods} periods, the target is ${set.target}`;
        return { state, proposal: { target: Math.min(Math.max(seen.max, target), wanted), reason } };
      }
      const cool = at - state.outAt >= set.outCooldownSeconds && at - state.inAt >= set.inCooldownSeconds;
      const low = inARow(state.periods, set.inPeriods, (one) => one < lowShare * set.target);
      if (low && cool && starting === 0 && wanted < target) {
        const reason = (): string => `${reading} after ${set.inPeriods} periods below ${lowShare * set.target}`;
        return { state, proposal: { target: Math.max(Math.min(seen.min, target), wanted), reason } };
      }
      return { state, proposal: { target, reason: () => `${reading}, the target is ${set.target}: nothing to do` } };
    },
  };
}

export const awsTarget: PolicyDefinition<typeof parameters> = {
  name: 'aws-target',
  layout: 1,
  summary: 'AWS target tracking.',
  source: 'Application Auto Scaling user guide, target tracking scaling policies.',
  parameters,
  create,
};
