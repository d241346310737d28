/**
 * What a rehearsal showed over time, small enough to be kept beside its figures: a few hundred points of load, and for
 * each policy its target, what served and what was missed. Pure.
 */
import type { Outcome } from '../rehearse.ts';
import type { Scenario } from '../scenario.ts';

/** Points of a line at most, and lines of policies at most: beyond, the figures are kept without. */
export const pointsMax = 480;
export const linesMax = 24;

export interface Timelines {
  /** Unix milliseconds of the trace's beginning; of a course that nobody recorded, a nominal one. */
  readonly from: number;
  readonly stretchSeconds: number;
  /** Requests a second, mean of each stretch. */
  readonly load: number[];
  /** In the order of the report. Means of each stretch; `missed` is requests a second that were late or never computed. */
  readonly policies: {
    readonly target: number[];
    readonly serving: number[];
    readonly missed: number[];
  }[];
}

const rounded = (value: number): number => Math.round(value * 100) / 100;

/** Undefined where there is nothing to show, or more than is kept. */
export function timelinesOf(
  { traffic }: Pick<Scenario, 'traffic'>,
  outcomes: readonly Outcome[],
): Timelines | undefined {
  const [first] = outcomes;
  if (first === undefined || first.timeline.length === 0 || outcomes.length > linesMax) return undefined;
  return {
    from: traffic.startWallMs,
    stretchSeconds: first.stretchSeconds,
    load: first.timeline.map(({ perSecond }) => rounded(perSecond)),
    policies: outcomes.map(({ timeline }) => ({
      target: timeline.map(({ target }) => rounded(target)),
      serving: timeline.map(({ serving }) => rounded(serving)),
      missed: timeline.map(({ violationsPerSecond }) => rounded(violationsPerSecond)),
    })),
  };
}
