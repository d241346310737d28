/**
 * The headroom quantile that a model sets for the policy `learned`: it is asked every ten seconds with the load of the
 * last hour and what the fleet is, and answers with one number. What it is worth the policy finds out by itself: it gets
 * the same shadow and the same gate as the bandit.
 */
import { recentSteps, stepSeconds, type Outlook } from '../../core/forecasting/outlook.ts';
import { orderToServingMs, type Observation, type SetPoint } from '../../core/scaling/observation.ts';
import { openAdviser } from './adviser.ts';
import type { Ask } from '../gateway-channel.ts';

export interface SetPoints {
  readonly model: string;
  /** One look; what the policy is to be told with it. */
  look(seen: Observation, outlook: Outlook, at: number): SetPoint | undefined;
  view(): SetPointView;
  settled(): Promise<void>;
}

export interface SetPointView {
  readonly model: string;
  readonly quantile: number | null;
  /** Why it sets nothing; absent while it does, and before it was asked. */
  readonly problem?: string;
}

const askEveryMs = stepSeconds * 1000;
/** What was said longer ago is of another load. */
const validMs = 3 * askEveryMs;

/** Requests a second by step, oldest first; then what the fleet is. The order is the contract (docs/governor.md). */
export function rowOf({ fleet, signals, objective, lag, foresight }: Observation, outlook: Outlook): Float64Array {
  const steps = recentSteps(outlook);
  const last = steps.at(-1) ?? Number.NaN;
  const { queued, serviceMs } = signals;
  return Float64Array.of(
    ...steps,
    foresight === undefined ? last : last + foresight.authority * (foresight.perSecond - last),
    fleet.target,
    fleet.ready,
    fleet.starting,
    queued.value,
    serviceMs.value,
    objective.latencyMs,
    orderToServingMs(lag) / 1000,
  );
}

export function openSetPoints(deployment: string, model: string, ask: Ask): SetPoints {
  const adviser = openAdviser(`set-point of ${deployment}`, model, ask);
  let said: { readonly quantile: number; readonly at: number } | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let now: SetPoint | undefined;

  return {
    model,
    look(seen, outlook, at) {
      if (at - askedAt >= askEveryMs) {
        const asked = adviser.question(rowOf(seen, outlook), ([quantile = Number.NaN]) => {
          if (!(quantile > 0 && quantile < 1)) return `expected a quantile between 0 and 1 first, got ${quantile}`;
          said = { quantile, at };
          return undefined;
        });
        if (asked) askedAt = at;
      }
      now =
        said !== undefined && at - said.at <= validMs ? { quantile: said.quantile, by: `model ${model}` } : undefined;
      return now;
    },
    view: () => ({
      model,
      quantile: now?.quantile ?? null,
      ...(adviser.problem === undefined ? {} : { problem: adviser.problem }),
    }),
    settled: () => adviser.settled(),
  };
}
