/**
 * The forecasters of one governed deployment: those that are built in, and the model that its specification names, which
 * is asked through the gateway when a step has ended. Nobody waits for its answer: while there is none, and when it is
 * late, dead or no number, it says nothing, and why it does so can be read.
 */
import {
  recentSteps,
  foresightOf,
  hear,
  type Foresight,
  type Outlook,
  type OutlookState,
} from '../../core/forecasting/outlook.ts';
import { tellOutlook, type OutlookView } from '../../core/forecasting/outlook-view.ts';
import { answered, servedForecaster } from '../../core/forecasting/served.ts';
import { foresee, openSeer, resumeSeer, type Seer } from '../../core/scaling/foresee.ts';
import type { Observation } from '../../core/scaling/observation.ts';
import type { Ask } from '../gateway-channel.ts';
import { openAdviser } from './adviser.ts';

export interface Forecasts {
  /** Name of the deployment that is asked; absent where there are only those built in. */
  readonly model: string | undefined;
  /** One look; what the policies are to be told with it. */
  look(seen: Observation): Foresight | undefined;
  outlook(): Outlook;
  /** What every forecaster says now, with its record. */
  view(): OutlookView;
  /** To be looked ahead with: no model is asked by it, its last answer grows old. */
  copy(): Seer;
  /** As it is now; it goes on writing into it. */
  state(): KeptForecasts;
  /** Until the question that is under way has its answer. */
  settled(): Promise<void>;
}

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
  const adviser = model === undefined ? undefined : openAdviser(`forecasts of ${deployment}`, model, ask);
  let steps = 0;

  function question(): void {
    const askedAt = seer.outlook.state.steps;
    const asked = adviser?.question(recentSteps(seer.outlook), (said) => {
      if (!said.some((rate) => Number.isFinite(rate) && rate >= 0))
        return 'its answer holds no rate of requests: expected numbers of at least 0';
      const age = seer.outlook.state.steps - askedAt;
      // Below none: all began anew meanwhile, and what was asked about is forgotten.
      if (age < 0) return undefined;
      hear(seer.outlook, index, answered(said, age));
      seer.foresight = foresightOf(seer.outlook);
      return undefined;
    });
    if (asked === true) steps = askedAt;
  }

  return {
    model,
    outlook: () => seer.outlook,
    look(observed) {
      const foresight = foresee(seer, observed);
      if (seer.outlook.state.steps !== steps) question();
      return foresight;
    },
    view() {
      const view = tellOutlook(seer.outlook);
      if (adviser?.problem === undefined) return view;
      const why = `it says nothing: ${adviser.problem}`;
      const horizons = view.horizons.map((horizon) => ({
        ...horizon,
        forecasters: horizon.forecasters.map((one) => (one.name === name ? { ...one, why } : one)),
      }));
      return { ...view, horizons };
    },
    copy: () => ({
      outlook: { ...seer.outlook, state: structuredClone(seer.outlook.state) },
      foresight: seer.foresight,
    }),
    state: () => ({ model, outlook: seer.outlook.state }),
    settled: async () => adviser?.settled(),
  };
}
