/**
 * Spans on their way out of a gateway, for whoever fetches them: bounded, the oldest go and are counted. What was handed
 * out is held until it is known to be settled (taken by the collector, or counted as lost), so that a control that dies
 * with it loses nothing: the next one gets it again. Nothing is held before somebody has asked, nor when nobody has asked
 * for long. Pure.
 *
 *   waiting ──take──▶ handed ──take that settles it──▶ gone
 *      ▲  │              └──take by somebody who does not know of it──▶ handed again
 *   offer └──no room──▶ lost, counted
 */
import type { RequestSpan } from './span.ts';

const spansMax = 2000;
/** In one answer. */
const handedMax = 1000;
/** Longer than the longest pause between two exports: a control that comes back by then finds what there was room for. */
const forgetAfterMs = 7_200_000;

export interface Handed {
  /** Of this answer, to settle it by. */
  readonly number: number;
  readonly spans: readonly RequestSpan[];
  /** Of all that there have been: those that had no room. */
  readonly lost: number;
}

export interface Take {
  /** Number of the last answer that came, whose spans are settled. */
  readonly settled?: number | undefined;
  /** There is no room for spans: they are to wait here. */
  readonly isFull?: boolean | undefined;
}

export class SpanOutbox {
  #waiting: RequestSpan[] = [];
  /** The first so many of those were in the last answer. */
  #handed = 0;
  #number = 0;
  #lost = 0;
  #askedAt = -Infinity;

  /** `at`: milliseconds of one clock, as in `take`. */
  offer(span: RequestSpan, at: number): void {
    if (at - this.#askedAt > forgetAfterMs) {
      this.#waiting = [];
      this.#handed = 0;
      return;
    }
    this.#waiting.push(span);
    // In halves: of a flood, each one taken off the front would move all the others.
    if (this.#waiting.length <= spansMax) return;
    this.#waiting.splice(this.#handed, spansMax / 2);
    this.#lost += spansMax / 2;
  }

  take({ settled, isFull = false }: Take, at: number): Handed {
    this.#askedAt = at;
    if (isFull) return { number: this.#number, spans: [], lost: this.#lost };
    if (settled === this.#number) this.#waiting.splice(0, this.#handed);
    const spans = this.#waiting.slice(0, handedMax);
    this.#handed = spans.length;
    this.#number += 1;
    return { number: this.#number, spans, lost: this.#lost };
  }
}
