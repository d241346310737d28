/**
 * Sees that a queue grows faster than control would hear of it by itself, and says so. What control was last told counts:
 * a queue that stands as long as it stood is no news.
 */
import { isSurprise } from '../core/scaling/surprise.ts';

export class Surprise {
  readonly #tell: () => void;
  #toldAt = Number.NEGATIVE_INFINITY;
  #toldQueued = 0;

  constructor(tell: () => void) {
    this.#tell = tell;
  }

  /** Somebody has begun to wait. */
  waits(queued: number, ready: number, at: number): void {
    if (!isSurprise({ queued, ready }, { queued: this.#toldQueued, ageMs: at - this.#toldAt })) return;
    this.told(queued, at);
    this.#tell();
  }

  /** Control hears of so many now. */
  told(queued: number, at: number): void {
    this.#toldQueued = queued;
    this.#toldAt = at;
  }
}
