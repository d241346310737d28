/**
 * Which replica ends its call next: a binary heap in typed arrays, of slots by the time at which they end. Of two that
 * end together the lower slot is first, so that the order never depends on how the heap came to be.
 */

export class Completions {
  #times: Float64Array;
  #slots: Int32Array;
  size = 0;

  constructor(capacity: number) {
    this.#times = new Float64Array(capacity + 1);
    this.#slots = new Int32Array(capacity + 1);
    this.#times[0] = Infinity;
  }

  /** Infinity when nothing runs. */
  get nextAt(): number {
    return this.#times[0] as number;
  }

  push(slot: number, at: number): void {
    if (this.size + 1 >= this.#times.length) this.#grow();
    const times = this.#times;
    const slots = this.#slots;
    let place = this.size;
    this.size += 1;
    while (place > 0) {
      const up = (place - 1) >> 1;
      const above = times[up] as number;
      if (above < at || (above === at && (slots[up] as number) < slot)) break;
      times[place] = above;
      slots[place] = slots[up] as number;
      place = up;
    }
    times[place] = at;
    slots[place] = slot;
  }

  /** The slot that ends next; not to be asked of an empty heap. */
  pop(): number {
    const times = this.#times;
    const slots = this.#slots;
    const first = slots[0] as number;
    const last = this.size - 1;
    this.size = last;
    const at = times[last] as number;
    const slot = slots[last] as number;
    times[last] = Infinity;
    if (last === 0) return first;
    let place = 0;
    for (;;) {
      let down = 2 * place + 1;
      if (down >= last) break;
      if (down + 1 < last && this.#isBefore(down + 1, down)) down += 1;
      const below = times[down] as number;
      if (at < below || (at === below && slot < (slots[down] as number))) break;
      times[place] = below;
      slots[place] = slots[down] as number;
      place = down;
    }
    times[place] = at;
    slots[place] = slot;
    return first;
  }

  #isBefore(one: number, other: number): boolean {
    const left = this.#times[one] as number;
    const right = this.#times[other] as number;
    return left < right || (left === right && (this.#slots[one] as number) < (this.#slots[other] as number));
  }

  #grow(): void {
    const times = new Float64Array(this.#times.length * 2);
    const slots = new Int32Array(times.length);
    times.set(this.#times);
    slots.set(this.#slots);
    this.#times = times;
    this.#slots = slots;
  }
}
