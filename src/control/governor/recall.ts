/**
 * What is on record of a deployment's load, for a policy that begins with nothing: after an upgrade, under another policy,
 * with another knob. An hour, as far as anybody saw it, in small pieces, one deployment after another.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../clock.ts';
import type { Series } from '../../series/open-series.ts';
import type { Mind } from './mind.ts';

export interface Past {
  /** The requests of each second of the last hour, oldest first; NaN where nobody saw. */
  of(deployment: string): Promise<Float64Array>;
}

const pastMs = 3_600_000;
/** A few milliseconds of a loop that all deployments share. */
const pieceSeconds = 60;
/** Less than this is seen again sooner than it is worth. */
const secondsMin = 30;

export function recordedPast(series: Pick<Series, 'read'>, clock: Clock): Past {
  let before: Promise<unknown> = Promise.resolve();
  return {
    of(deployment) {
      const read = before.then(async () => {
        const to = clock.wall();
        const columns = ['arrivals'] as const;
        const { values } = await series.read({ deployment, from: to - pastMs, to, stepMs: 1000, columns });
        return values.get('arrivals') ?? new Float64Array(0);
      });
      before = read.catch(() => undefined);
      return read;
    },
  };
}

/** Seconds that were learned from; 0 where there was nothing to learn, or the mind was changed meanwhile. */
export async function recallPast(past: Past, deployment: string, mind: Mind, isStill: () => boolean): Promise<number> {
  const arrivals = await past.of(deployment);
  const known = arrivals.reduce((count, value) => count + (Number.isNaN(value) ? 0 : 1), 0);
  // Of one that nobody has asked there is nothing to learn.
  if (known < secondsMin || !arrivals.some((value) => value > 0)) return 0;
  const recall = mind.recall();
  if (recall === undefined) return 0;
  for (let from = 0; from < arrivals.length; from += pieceSeconds) {
    if (!isStill() || !recall.take(arrivals.subarray(from, from + pieceSeconds))) return 0;
    await turn();
  }
  if (!isStill()) return 0;
  recall.lead();
  return known;
}
