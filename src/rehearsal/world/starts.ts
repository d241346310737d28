/**
 * What starts take as they were measured: one is drawn from those that began most like it, with as many ordered before it
 * that are not ready and as many that start beside it. Milliseconds from the look that wants a replica to the first
 * request that it may have.
 */
import type { LatencyModel } from '../../core/latency/model.ts';
import type { Rng } from '../../rng.ts';

export type MeasuredStarts = Pick<LatencyModel, 'starts' | 'stopsMs'>;

/** Of so many that are most alike one is drawn: fewer would repeat themselves, more would not be alike. */
const alike = 8;

export class Starts {
  readonly #starts: readonly { readonly before: number; readonly beside: number; readonly ms: number }[];
  readonly #stopsMs: readonly number[];
  readonly #chance: Rng;

  /** At least one start. */
  constructor({ starts, stopsMs }: MeasuredStarts, chance: Rng) {
    this.#starts = starts.map(({ before, beside, decideMs, startMs, loadMs, warmMs, serveMs }) => ({
      before,
      beside,
      ms: decideMs + startMs + loadMs + warmMs + serveMs,
    }));
    this.#stopsMs = stopsMs;
    this.#chance = chance;
  }

  draw(before: number, beside: number): number {
    const apart = (one: { readonly before: number; readonly beside: number }): number =>
      2 * Math.abs(one.before - before) + Math.abs(one.beside - beside);
    const nearest = this.#starts.toSorted((left, right) => apart(left) - apart(right)).slice(0, alike);
    return (nearest[Math.floor(this.#chance.next() * nearest.length)] as { ms: number }).ms;
  }

  /** What an end takes after the last call; 0 where none was seen. */
  drawStop(): number {
    const { length } = this.#stopsMs;
    return length === 0 ? 0 : (this.#stopsMs[Math.floor(this.#chance.next() * length)] as number);
  }
}
