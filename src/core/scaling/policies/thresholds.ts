/**
 * The CPU rule of the thesis from which this project grew ("Architecture for scalable deployment of AI models",
 * Instituto Politécnico de Bragança, 2025): mean CPU above 80 % for the whole alert period adds one step, below 40 % for
 * the whole period takes one away, between them nothing happens, and there is one action at a time.
 * The signal is CPU, so a saturated fleet reads 100 % however long its queue is: one step a period, not more.
 */
import { doubtOf } from '../signals.ts';
import { hold, type Policy, type PolicyDefinition, type Proposal } from '../policy.ts';
import type { Observation } from '../observation.ts';
import type { ParameterTable, Parameters } from '../parameters.ts';

const parameters = {
  upper: { kind: 'number', default: 0.8, min: 0, max: 1, about: 'Share of CPU above which a step is added.' },
  lower: { kind: 'number', default: 0.4, min: 0, max: 1, about: 'Share of CPU below which a step is taken away.' },
  sustainedSeconds: { kind: 'number', default: 300, min: 0, max: 86_400, about: 'How long it must have been so.' },
  step: { kind: 'number', default: 1, min: 1, max: 1000, whole: true, about: 'Units that one action adds or takes.' },
} as const satisfies ParameterTable;

/** Times are monotonic milliseconds, infinite while it is not so. */
interface Sustained {
  readonly target: number;
  readonly aboveSince: number;
  readonly belowSince: number;
}

const never = Number.POSITIVE_INFINITY;

function propose(seen: Observation, set: Parameters<typeof parameters>, state: Sustained, at: number): Proposal {
  const { target, starting } = seen.fleet;
  const cpu = seen.signals.cpu.value;
  const periodMs = set.sustainedSeconds * 1000;
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  if (at - state.aboveSince >= periodMs && target < seen.max) {
    if (starting > 0) return { target, reason: () => `CPU is at ${percent(cpu)}, and ${starting} are still starting` };
    return {
      target: Math.min(seen.max, target + set.step),
      reason: () => `CPU is at ${percent(cpu)}, above ${percent(set.upper)} for ${set.sustainedSeconds} s`,
    };
  }
  if (at - state.belowSince >= periodMs && target > seen.min && starting === 0) {
    return {
      target: Math.max(seen.min, target - set.step),
      reason: () => `CPU is at ${percent(cpu)}, below ${percent(set.lower)} for ${set.sustainedSeconds} s`,
    };
  }
  return { target, reason: () => `CPU is at ${percent(cpu)}: nothing to do` };
}

function create(set: Parameters<typeof parameters>): Policy<Sustained> {
  return {
    name: 'thresholds',
    start: (seen) => ({ target: seen.fleet.target, aboveSince: never, belowSince: never }),
    step: (before, seen, at) => {
      const { cpu } = seen.signals;
      const { target } = seen.fleet;
      const doubt = doubtOf('CPU', cpu);
      if (doubt !== undefined) {
        return { state: { target, aboveSince: never, belowSince: never }, proposal: hold(seen, doubt) };
      }
      // A fleet that has just been changed has to show anew that it is too small or too large.
      const anew = target !== before.target;
      const since = (start: number, holds: boolean): number => (holds ? Math.min(anew ? never : start, at) : never);
      const state = {
        target,
        aboveSince: since(before.aboveSince, cpu.value > set.upper),
        belowSince: since(before.belowSince, cpu.value < set.lower),
      };
      return { state, proposal: propose(seen, set, state, at) };
    },
  };
}

export const thresholds: PolicyDefinition<typeof parameters> = {
  name: 'thresholds',
  layout: 1,
  summary: 'CPU above 80 % adds a step, below 40 % takes one away.',
  source: 'Architecture for scalable deployment of AI models, Instituto Politécnico de Bragança, 2025.',
  parameters,
  create,
};
