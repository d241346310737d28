/** A clock that stands still until a test moves it: callbacks run in order of their time, then of their request. */
import type { Clock } from '../clock.ts';

export interface VirtualClock extends Clock {
  /** Moves on by `ms`, running everything that falls due on the way at its own time. */
  pass(ms: number): void;
  /** Callbacks that are still waited for. */
  readonly pending: number;
}

/** Unix time at the clock's zero. */
const wallStart = 1_700_000_000_000;

export function createVirtualClock(): VirtualClock {
  let at = 0;
  let nextOrder = 0;
  const waiting = new Map<number, { readonly at: number; readonly callback: () => void }>();
  return {
    now: () => at,
    wall: () => wallStart + at,
    after(ms, callback) {
      const order = (nextOrder += 1);
      waiting.set(order, { at: at + Math.max(ms, 0), callback });
      return () => void waiting.delete(order);
    },
    get pending() {
      return waiting.size;
    },
    pass(ms) {
      const end = at + ms;
      for (;;) {
        const [next] = [...waiting].filter(([, timer]) => timer.at <= end).sort(([, a], [, b]) => a.at - b.at);
        if (next === undefined) break;
        waiting.delete(next[0]);
        at = Math.max(at, next[1].at);
        next[1].callback();
      }
      at = end;
    },
  };
}
