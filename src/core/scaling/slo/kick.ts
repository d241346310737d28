/**
 * What is done about a queue that is there now, beside the way that is taken: when those who wait will have waited for
 * half of what they may, order for the load of the last seconds and for the queue, to be gone a lag after.
 * A queue that still grows at a tier that starts within seconds is a surprise that waiting makes worse: there the order
 * is bounded by the cap alone. Else, and at slow tiers, by one and a half times the target: what a queue asks for at a
 * long lag comes when the queue has long gone.
 */
import { meanOver, type LoadHistory } from './load-history.ts';

export const kickSeconds = 20;
const fastLag = 10;

export interface Backlog {
  /** Unit-seconds of work that wait, now and a second ago. */
  readonly work: number;
  readonly before: number;
  readonly ready: number;
}

/**
 * Units, or 0 where nothing has to be done. `patience` and `lag` in seconds; `now`: the load since the last whole second,
 * where a look in between has seen enough of it, else 0.
 */
export function kickOf(
  history: LoadHistory,
  { work, before, ready }: Backlog,
  target: number,
  patience: number,
  lag: number,
  now = 0,
): number {
  if (!(work / Math.max(1, ready) > patience / 2)) return 0;
  const growing = work > before && lag <= fastLag;
  const load = growing ? Math.max(meanOver(history, 1), meanOver(history, 3), now) : meanOver(history, 3);
  const wanted = Math.ceil(1.05 * load + work / Math.max(1, lag) + 1);
  return growing ? wanted : Math.min(wanted, Math.ceil(1.5 * target + 2));
}
