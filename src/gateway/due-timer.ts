/**
 * One timer for the earliest of all that is due. It is left alone when it rings early enough: most of what is due never
 * matters, since its request ends before, and a timer for each would cost more than the request.
 */
import type { Clock } from '../clock.ts';

/** Longest single timer; what is due later is met by several. */
const timerMsMax = 60_000;

export class DueTimer {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #ringsAt = Infinity;
  #cancel = (): void => {};

  /** `onDue` looks for itself what is due, which may be nothing yet, and arms the timer again. */
  constructor(clock: Clock, onDue: (at: number) => void) {
    this.#clock = clock;
    this.#ring = () => {
      this.#ringsAt = Infinity;
      onDue(clock.now());
    };
  }

  /** Sees to it that it rings at `next`, or before. */
  arm(next: number, at: number): void {
    if (this.#ringsAt <= next) return;
    this.#cancel();
    const wait = Math.min(Math.max(Math.ceil(next - at), 0), timerMsMax);
    this.#ringsAt = at + wait;
    this.#cancel = this.#clock.after(wait, this.#ring);
  }

  stop(): void {
    this.#cancel();
    this.#ringsAt = Infinity;
  }
}
