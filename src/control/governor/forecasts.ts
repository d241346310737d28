/**
 * The forecasters of one governed deployment: those that are built in, and the model that its specification names, which
 * is asked through the gateway when a step has ended. Nobody waits for its answer: while there is none, and when it is
 * late, dead or no number, it says nothing, and why it does so can be read.
 */
import {
  recentSteps,
  foresightOf,
  hear,
  stepSeconds,
  type Foresight,
  type OutlookState,
} from '../../core/forecasting/outlook.ts';
import { tellOutlook, type OutlookView } from '../../core/forecasting/outlook-view.ts';
import { answered, servedForecaster } from '../../core/forecasting/served.ts';
import { foresee, openSeer, resumeSeer } from '../../core/scaling/foresee.ts';
import type { Observation } from '../../core/scaling/observation.ts';
import { publish } from '../../telemetry/events.ts';
import type { Ask } from '../gateway-channel.ts';

export interface Forecasts {
  /** Name of the deployment that is asked; absent where there are only those built in. */
  readonly model: string | undefined;
  /** One look; what the policies are to be told with it. */
  look(seen: Observation): Foresight | undefined;
  /** What every forecaster says now, with its record. */
  view(): OutlookView;
  /** As it is now; it goes on writing into it. */
  state(): KeptForecasts;
  /** Until the question that is under way has its answer. */
  settled(): Promise<void>;
}

/** A fifth of a step: whoever takes longer is no help at a load that changes. */
export const askMsMax = (stepSeconds * 1000) / 5;

/** What they go on from after a restart: plain data. */
export interface KeptForecasts {
  readonly model: string | undefined;
  readonly outlook: OutlookState;
}

/** `before`: what they had come to `passedMs` ago; with another model the forecasters are others, and begin anew. */
export function openForecasts(
  deployment: string,
  seen: Observation,
  model: string | undefined,
  ask: Ask,
  before?: { readonly kept: KeptForecasts; readonly passedMs: number },
): Forecasts {
  const name = model === undefined ? '' : `model ${model}`;
  const seer = openSeer(seen, model === undefined ? [] : [servedForecaster(name)]);
  const index = seer.outlook.forecasters.length - 1;
  if (before !== undefined && before.kept.model === model) resumeSeer(seer, before.kept.outlook, before.passedMs, seen);
  let problem: string | undefined;
  let pending: Promise<void> | undefined;
  let steps = 0;

  async function question(of: string): Promise<void> {
    const askedAt = seer.outlook.state.steps;
    const reply = await ask(of, recentSteps(seer.outlook), askMsMax);
    const why =
      reply.kind === 'silent'
        ? reply.why
        : reply.values.some((rate) => Number.isFinite(rate) && rate >= 0)
          ? undefined
          : 'its answer holds no rate of requests: expected numbers of at least 0';
    if (why !== undefined && why !== problem) {
      publish('flyball:fault', { where: `forecasts of ${deployment}`, message: `${name} says nothing: ${why}` });
    }
    problem = why;
    if (reply.kind !== 'said' || why !== undefined) return;
    const age = seer.outlook.state.steps - askedAt;
    // Below none: all began anew meanwhile, and what was asked about is forgotten.
    if (age < 0) return;
    hear(seer.outlook, index, answered(reply.values, age));
    seer.foresight = foresightOf(seer.outlook);
  }

  return {
    model,
    look(observed) {
      const foresight = foresee(seer, observed);
      if (model !== undefined && seer.outlook.state.steps !== steps && pending === undefined) {
        steps = seer.outlook.state.steps;
        pending = question(model).finally(() => (pending = undefined));
      }
      return foresight;
    },
    view() {
      const view = tellOutlook(seer.outlook);
      if (problem === undefined) return view;
      const why = `it says nothing: ${problem}`;
      const horizons = view.horizons.map((horizon) => ({
        ...horizon,
        forecasters: horizon.forecasters.map((one) => (one.name === name ? { ...one, why } : one)),
      }));
      return { ...view, horizons };
    },
    state: () => ({ model, outlook: seer.outlook.state }),
    settled: async () => pending,
  };
}
