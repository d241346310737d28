/** What the rehearsing policy says of itself: why this target, and the record of every way that it did not take. */
import { isHopeless, type Rehearsal } from './memory.ts';
import { violationOf } from './selection.ts';
import { describeWay, wayOf } from './ways.ts';

/** Less than a millionth is none. */
const percent = (share: number): string => `${share < 1e-6 ? 0 : Number((share * 100).toPrecision(2))} %`;

/** The words are made when they are read; what they say is noted now, since the state goes on. */
export function reasonOf(
  rehearsal: Rehearsal,
  tolerated: number,
  target: number,
  notes: readonly string[],
): () => string {
  const { all, chosen, priors, signals, history } = rehearsal;
  if (chosen < 0) return () => `${target} while nothing has been rehearsed yet`;
  const way = wayOf(all.holds, chosen);
  const load = signals[way.signal] as number;
  const cost = (all.cost[chosen] as number) / all.time;
  const violation = violationOf(all, priors, chosen);
  const { least } = rehearsal;
  const hopeless = isHopeless(rehearsal);
  const peak = Math.ceil(rehearsal.peaks.all);
  const seconds = history.seconds + rehearsal.older;
  return () => {
    const ways = all.late.length;
    const minutes = Math.round(seconds / 60);
    const span =
      seconds < 120
        ? `${Math.round(seconds)} s`
        : seconds < 7200
          ? `${minutes} min`
          : `${Math.round(seconds / 3600)} h`;
    const choice =
      violation <= 1.1 * rehearsal.target
        ? `the cheapest of ${ways} ways that keeps to it`
        : `the best of ${ways} ways`;
    const first =
      `${target} by ${describeWay(way)} (${load.toFixed(1)} now): over ${span} it would have held ${cost.toFixed(1)} ` +
      `and been late with ${percent(violation)}, ${percent(tolerated)} tolerated, ${choice}`;
    const said = hopeless
      ? [
          `a lag of ${all.lag} s cannot keep ${percent(tolerated)} on this load, no way was late with less than ` +
            `${percent(least)}: a standing fleet of ${peak} would`,
        ]
      : [];
    return [first, ...said, ...notes].join('; ');
  };
}

export interface WayRecord {
  /** In words: the measure of load, the multiplier, the hold. */
  readonly way: string;
  /** Mean units that it would have held. Starts are in it at their price. */
  readonly units: number;
  /** Share of the load that it would have been late with, as far as the prior still counts in. */
  readonly violations: number;
  readonly chosen: boolean;
}

/** Every way with its record, the cheapest first. */
export function recordsOf({ all, priors, chosen }: Rehearsal): WayRecord[] {
  return Array.from(all.late, (_, index) => ({
    way: describeWay(wayOf(all.holds, index)),
    units: all.time > 0 ? (all.cost[index] as number) / all.time : 0,
    violations: violationOf(all, priors, index),
    chosen: index === chosen,
  })).sort((a, b) => a.units - b.units);
}
