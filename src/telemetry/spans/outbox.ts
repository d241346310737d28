/**
 * Spans on their way out of a gateway, for whoever fetches them: bounded, the oldest go and are counted. Nothing is held
 * before somebody has asked, nor when nobody has asked for long. Pure.
 */
import type { RequestSpan } from './span.ts';

const spansMax = 2000;
/** In one answer. */
const takenMax = 1000;
const forgetAfterMs = 60_000;

export interface Taken {
  readonly spans: readonly RequestSpan[];
  /** Lost since the last time. */
  readonly dropped: number;
}

export class SpanOutbox {
  #waiting: RequestSpan[] = [];
  #dropped = 0;
  #askedAt = -Infinity;

  /** `at`: milliseconds of one clock, as in `take`. */
  offer(span: RequestSpan, at: number): void {
    if (at - this.#askedAt > forgetAfterMs) {
      this.#waiting = [];
      this.#dropped = 0;
      return;
    }
    this.#waiting.push(span);
    // In halves: of a flood, each one taken off the front would move all the others.
    if (this.#waiting.length <= spansMax) return;
    this.#waiting.splice(0, spansMax / 2);
    this.#dropped += spansMax / 2;
  }

  take(at: number): Taken {
    this.#askedAt = at;
    const spans = this.#waiting.splice(0, takenMax);
    const dropped = this.#dropped;
    this.#dropped = 0;
    return { spans, dropped };
  }
}
