/** When a policy broke the promise: stretches in which more than the tolerated share was missed, joined where they touch. Pure. */
import type { Timelines } from './kinds.ts';

export interface Episode {
  /** Seconds since the beginning. */
  readonly from: number;
  readonly to: number;
  /** Of the requests that came in it. */
  readonly missed: number;
  readonly requests: number;
}

export function episodesOf(
  { load, stretchSeconds, policies }: Timelines,
  policy: number,
  tolerated: number,
): readonly Episode[] {
  const missed = policies[policy]?.missed ?? [];
  const found: { from: number; to: number; lost: number; requests: number }[] = [];
  for (const [index, came] of load.entries()) {
    const lost = missed[index] ?? 0;
    // What came in one stretch may be missed in the next, so that more can be missed than came.
    if (lost <= 0 || lost <= tolerated * came) continue;
    const from = index * stretchSeconds;
    const last = found.at(-1);
    const [counted, all] = [lost * stretchSeconds, came * stretchSeconds];
    if (last?.to === from) {
      last.to = from + stretchSeconds;
      last.lost += counted;
      last.requests += all;
    } else found.push({ from, to: from + stretchSeconds, lost: counted, requests: all });
  }
  return found.map(({ from, to, lost, requests }) => ({
    from,
    to,
    missed: requests > 0 ? Math.min(1, lost / requests) : 1,
    requests,
  }));
}
