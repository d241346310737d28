/**
 * When the engine is looked at: one round at a time, at once when somebody asks for it, otherwise after a pause that is
 * shorter while something is under way.
 */
import type { Clock } from '../../../clock.ts';

export interface RoundsOptions {
  readonly clock: Clock;
  /** True when what it has done is to be looked at at once. */
  readonly round: () => Promise<boolean>;
  readonly isBusy: () => boolean;
  /** `count`: failures in a row, this one included. */
  readonly onFailure: (error: unknown, count: number) => void;
  /** Aborted when the driver is closed: there is no further round. */
  readonly signal: AbortSignal;
}

export interface Rounds {
  /** Resolves when a round that has begun after this call is over, or one has failed: then what was seen last is older. */
  ask(): Promise<void>;
  /** The next after the usual pause. */
  schedule(): void;
  /** Resolves when none is under way. */
  over(): Promise<void>;
}

/** Between rounds while something is under way, and while nothing is. */
export const soonMs = 150;
const idleMs = 1000;

export function newRounds({ clock, round, isBusy, onFailure, signal }: RoundsOptions): Rounds {
  let running: Promise<void> | undefined;
  let isAsked = false;
  let failures = 0;
  let cancelNext = (): void => {};
  signal.addEventListener('abort', () => cancelNext(), { once: true });

  function schedule(): void {
    cancelNext();
    if (!signal.aborted) cancelNext = clock.after(isBusy() && failures === 0 ? soonMs : idleMs, () => void ask());
  }

  function ask(): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    if (running !== undefined) {
      isAsked = true;
      return running;
    }
    cancelNext();
    running = (async () => {
      do {
        isAsked = false;
        try {
          if (await round()) isAsked = true;
          failures = 0;
        } catch (error) {
          failures += 1;
          onFailure(error, failures);
          break;
        }
      } while (isAsked && !signal.aborted);
      running = undefined;
      schedule();
    })();
    return running;
  }

  return { ask, schedule, over: async () => running };
}
