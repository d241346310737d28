/** What is observed of a deployment, with what is said of it: by its forecasters, and by the model that sets its headroom. */
import type { DeploymentSpecification } from '../../config/specification.ts';
import type { Observation } from '../../core/scaling/observation.ts';
import type { Ask } from '../gateway-channel.ts';
import { openForecasts, type KeptForecasts } from './forecasts.ts';
import type { Governed } from './governed.ts';
import { openSetPoints } from './set-point.ts';
import { forecasterOf, setPointOf } from './settings.ts';

export interface Teller {
  readonly deployment: string;
  readonly specification: DeploymentSpecification;
  readonly ask: Ask;
  /** What the forecasters had come to in an earlier life. */
  readonly before: { readonly kept: KeptForecasts; readonly passedMs: number } | undefined;
}

export function tell(
  own: Governed,
  observed: Observation,
  at: number,
  { deployment, specification, ask, before }: Teller,
): Observation {
  const forecaster = forecasterOf(specification);
  if (own.forecasts === undefined || own.forecasts.model !== forecaster)
    own.forecasts = openForecasts(deployment, observed, forecaster, ask, before);
  const foresight = own.forecasts.look(observed);
  const foreseen = foresight === undefined ? observed : { ...observed, foresight };
  const adviser = setPointOf(specification);
  if (own.setPoints?.model !== adviser)
    own.setPoints = adviser === undefined ? undefined : openSetPoints(deployment, adviser, ask);
  const setPoint = own.setPoints?.look(foreseen, own.forecasts.outlook(), at);
  return setPoint === undefined ? foreseen : { ...foreseen, setPoint };
}
