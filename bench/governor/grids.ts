/** The parameter grids of the references: what an operator who knew each of them well would try. */
import { makePolicy } from '../../src/core/scaling/policies/list.ts';
import type { Policy } from '../../src/core/scaling/policy.ts';

export interface Candidate {
  readonly policy: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

function grid(policy: string, axes: Readonly<Record<string, readonly unknown[]>>, brief: boolean): Candidate[] {
  let all: Readonly<Record<string, unknown>>[] = [{}];
  for (const [name, values] of Object.entries(axes)) {
    // Briefly: every second value of an axis that has more than two.
    const taken = brief && values.length > 3 ? values.filter((_, index) => index % 2 === 0) : values;
    all = all.flatMap((one) => taken.map((value) => Object.assign({ [name]: value }, one)));
  }
  return all.map((parameters) => ({ policy, parameters }));
}

const down = (seconds: number): unknown => ({ stabilizationWindowSeconds: seconds });

/** Every policy of the list that reacts to load, over its own grid. */
export function references(brief: boolean): Candidate[] {
  const loads = [0.5, 0.6, 0.7, 0.8, 0.9, 1];
  return [
    ...grid('thresholds', { sustainedSeconds: [15, 60, 300], step: [1, 3], lower: [0.4, 0.6] }, brief),
    ...grid('hpa', { cpuPercent: [40, 50, 60, 70, 80, 90], scaleDown: [down(60), down(300)] }, brief),
    ...grid('kpa', { target: loads, utilization: [1], stableWindowSeconds: [20, 60, 300] }, brief),
    ...grid('keda', { threshold: loads, windowSeconds: [15, 60] }, brief),
    ...grid(
      'ray',
      {
        targetOngoingRequests: loads,
        upscaleDelaySeconds: [0, 30],
        downscaleDelaySeconds: [60, 600],
        lookBackSeconds: [10],
      },
      brief,
    ),
    ...grid('aws-target', { target: [40, 50, 60, 70, 80], inPeriods: [5, 15] }, brief),
    ...grid('aws-step', { threshold: [50, 60, 70] }, brief),
  ];
}

export function made({ policy, parameters }: Candidate): Policy {
  const one = makePolicy(policy, parameters);
  if (one.kind === 'refused') throw new TypeError(`${policy}: ${one.problems.join('; ')}`);
  return one.policy;
}

export const knobs: readonly number[] = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4];
