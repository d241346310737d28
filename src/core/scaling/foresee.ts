/** What the forecasters of one deployment say of what it sees: kept by whoever looks once a second, live and in rehearsal. */
import {
  foresightOf,
  startOutlook,
  watchLoad,
  type Foresight,
  type Outlook,
  type OutlookState,
} from '../forecasting/outlook.ts';
import type { Forecaster } from '../forecasting/forecaster.ts';
import { orderToServingMs, type Observation } from './observation.ts';

export interface Seer {
  readonly outlook: Outlook;
  foresight: Foresight | undefined;
}

/** `more`: forecasters beside those built in. */
export function openSeer(seen: Observation, more: readonly Forecaster[] = []): Seer {
  return { outlook: startOutlook(orderToServingMs(seen.lag) / 1000, more), foresight: undefined };
}

/** Goes on from what one of an earlier process had come to, `passedMs` ago: what came meanwhile nobody saw. */
export function resumeSeer(seer: Seer, state: OutlookState, passedMs: number, { spanMs, lag }: Observation): void {
  seer.outlook.state = state;
  const lagSeconds = orderToServingMs(lag) / 1000;
  if (passedMs > spanMs) watchLoad(seer.outlook, Number.NaN, passedMs - spanMs, lagSeconds);
  seer.foresight = foresightOf(seer.outlook);
}

/** One look; what the policy is to be told with it. */
export function foresee(seer: Seer, { signals, spanMs, lag }: Observation): Foresight | undefined {
  const { arrivals } = signals;
  // Nobody learns from what is in doubt: a step that was not seen is a gap.
  const requests = arrivals.kind === 'fresh' ? arrivals.value : Number.NaN;
  if (watchLoad(seer.outlook, requests, spanMs, orderToServingMs(lag) / 1000)) {
    seer.foresight = foresightOf(seer.outlook);
  }
  return seer.foresight;
}
