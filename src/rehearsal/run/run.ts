/**
 * One rehearsal from what was asked and what the platform has on record to what is kept of it. It computes without a
 * pause, so it has a thread of its own (thread.ts). Pure, but for the time it takes.
 */
import type { RehearsalRequest } from '../../api/rehearsal-schemas.ts';
import { toKeep } from '../keep/keep.ts';
import { inBody, type Ask, type AskedOf } from '../plan/ask.ts';
import { atMean, type AskedTraffic } from '../plan/asked-traffic.ts';
import { planRehearsal } from '../plan/plan.ts';
import { trafficOfRecording, type RecordedArrivals, type RecordedStretch } from '../plan/recording.ts';
import { readShape } from '../plan/shape.ts';
import { compare } from '../report/compare.ts';
import { labelOf } from '../report/verdict.ts';
import type { Gaps } from '../traffic/read-trace.ts';

export type RunTrace =
  | { readonly kind: 'shape'; readonly trace: string; readonly seconds: number | undefined }
  | {
      readonly kind: 'recorded';
      readonly trace: string;
      readonly stretch: RecordedStretch;
      readonly found: RecordedArrivals;
      readonly gaps: Gaps;
    };

/** Plain data: it goes to another thread. */
export interface RunInput {
  readonly deployment: string;
  readonly ask: Ask;
  readonly of: AskedOf;
  readonly trace: RunTrace;
  /** Requests a second on average; undefined: as recorded, and the default of a shape. */
  readonly mean: number | undefined;
  readonly by: string;
  /** Digest of the decision code. */
  readonly build: string;
}

export type RunMessage =
  /** What is under way now; what was before has ended. */
  | { readonly kind: 'step'; readonly text: string }
  | { readonly kind: 'done'; readonly request: RehearsalRequest }
  /** It cannot be rehearsed, as the words say. */
  | { readonly kind: 'refused'; readonly message: string };

/** Throws AskRefused. `now`: monotonic milliseconds. */
export function runRehearsal(input: RunInput, onStep: (text: string) => void, now: () => number): RehearsalRequest {
  const { ask, of, trace, mean, by, build } = input;
  onStep(`reading ${trace.trace}`);
  const traffic = atMean(trace.trace, trafficOf(input), mean, inBody);
  const plan = planRehearsal(ask, of, traffic, inBody);
  const { scenario, entrants, tolerated, pricePerHour } = plan;
  const contenders = entrants.map((entrant) => {
    if (entrant.isInHindsight) onStep(`${entrant.name}: looking for the cheapest fleet of one size`);
    return entrant.enter(scenario);
  });
  let place = 0;
  const rehearsed = compare(scenario, contenders, {
    pricePerHour,
    tolerated,
    now,
    onPolicy() {
      const contender = contenders[place];
      place += 1;
      if (contender !== undefined) onStep(`${labelOf(contender)} (${place} of ${contenders.length})`);
    },
  });
  return toKeep(plan, rehearsed, { specification: of.specification, by, build });
}

function trafficOf({ deployment, trace, ask }: RunInput): AskedTraffic {
  if (trace.kind === 'shape') return { traffic: readShape(trace.trace, trace.seconds), notes: [] };
  const { stretch, found, gaps } = trace;
  return trafficOfRecording(deployment, stretch, found, { gaps, seed: ask.seed }, inBody);
}
