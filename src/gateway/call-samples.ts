/**
 * What single calls took since control was last told, for the latency model that it keeps. Of more than a few only every
 * second, fourth, eighth … is kept, evenly over the time, so that a fast model costs no more than a slow one.
 */
import type { CallSample } from '../core/latency/book.ts';
import type { VersionObservation } from './routing-table.ts';

const samplesMax = 32;
const fields = 5;

export class CallSamples {
  readonly #kept = new Float64Array(samplesMax * fields);
  #count = 0;
  #seen = 0;
  #every = 1;

  note({ rows, restMs, busy, nth, ms }: CallSample): void {
    const isKept = this.#seen % this.#every === 0;
    this.#seen += 1;
    if (!isKept) return;
    if (this.#count === samplesMax) {
      this.#thin();
      // Of those that are kept from now on this one is every second.
      if ((this.#seen - 1) % this.#every !== 0) return;
    }
    const at = this.#count * fields;
    this.#kept[at] = rows;
    this.#kept[at + 1] = restMs;
    this.#kept[at + 2] = busy;
    this.#kept[at + 3] = nth;
    this.#kept[at + 4] = ms;
    this.#count += 1;
  }

  /** Undefined when there was none. */
  take(): VersionObservation['calls'] {
    if (this.#seen === 0) return undefined;
    const samples = Array.from({ length: this.#count }, (_, index) =>
      Array.from(this.#kept.subarray(index * fields, (index + 1) * fields), (value) => Math.round(value * 1000) / 1000),
    );
    const taken = { count: this.#seen, samples };
    this.#count = 0;
    this.#seen = 0;
    this.#every = 1;
    return taken;
  }

  #thin(): void {
    const kept = samplesMax / 2;
    for (let index = 1; index < kept; index += 1)
      this.#kept.copyWithin(index * fields, 2 * index * fields, (2 * index + 1) * fields);
    this.#count = kept;
    this.#every *= 2;
  }
}
