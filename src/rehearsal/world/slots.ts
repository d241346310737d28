/**
 * The replicas that serve, as numbered slots in typed arrays: what each is at, and the requests of its call. Those that
 * are idle stand in a ring in the order in which they became so, and the one that has been idle longest is given the
 * next call: with one call a replica the least loaded is any idle one.
 * Invariant: `serving` counts idle and busy ones; a slot that drains or has died keeps its number until its call is over.
 */

export const free = 0;
export const idle = 1;
export const busy = 2;
export const draining = 3;
export const dead = 4;

export class Slots {
  readonly #cap: number;
  phase = new Uint8Array(64);
  /** Since when it serves; the order in which slots were taken breaks ties. */
  bornAt = new Float64Array(64);
  /** Of its call: rows, whether it is run a second time, and the factor of its time. */
  rows = new Int32Array(64);
  again = new Uint8Array(64);
  factor = new Float64Array(64);
  /** Since when it computes or, idle, rests; and the calls that it was given. */
  since = new Float64Array(64);
  calls = new Int32Array(64);
  /** Arrival of each request of its call, from `slot × cap` on. */
  arrived: Float64Array;
  #ring = new Int32Array(64);
  #ringFirst = 0;
  #unused: number[] = [];
  #used = 0;
  idleCount = 0;
  serving = 0;
  drainingCount = 0;

  constructor(cap: number) {
    this.#cap = cap;
    this.arrived = new Float64Array(64 * cap);
  }

  /** A replica begins to serve, with nothing to do. */
  open(at: number): void {
    const slot = this.#unused.pop() ?? this.#used;
    if (slot === this.#used) {
      this.#used += 1;
      if (slot === this.phase.length) this.#grow();
    }
    this.phase[slot] = idle;
    this.bornAt[slot] = at;
    this.rows[slot] = 0;
    this.since[slot] = Number.NEGATIVE_INFINITY;
    this.calls[slot] = 0;
    this.serving += 1;
    this.#append(slot);
  }

  close(slot: number): void {
    this.phase[slot] = free;
    this.#unused.push(slot);
  }

  /** The one that has been idle longest, which is busy from now on. */
  takeIdle(): number {
    const slot = this.#ring[this.#ringFirst] as number;
    this.#ringFirst = (this.#ringFirst + 1) & (this.#ring.length - 1);
    this.idleCount -= 1;
    this.phase[slot] = busy;
    return slot;
  }

  /** Its call is over, or it has found nothing to do. */
  giveBack(slot: number): void {
    this.phase[slot] = idle;
    this.#append(slot);
  }

  /** What goes first when one has to go, as upkeep has it: the one with the least to do, then the youngest. -1: none. */
  leastMissed(): number {
    const wanted = this.idleCount > 0 ? idle : busy;
    let found = -1;
    for (let slot = 0; slot < this.#used; slot += 1) {
      if (this.phase[slot] !== wanted) continue;
      const more = found === -1 || wanted === idle ? 0 : (this.rows[slot] as number) - (this.rows[found] as number);
      if (found === -1 || more < 0 || (more === 0 && (this.bornAt[slot] as number) >= (this.bornAt[found] as number)))
        found = slot;
    }
    return found;
  }

  servingSince(at: number): number {
    let count = 0;
    for (let slot = 0; slot < this.#used; slot += 1) {
      const phase = this.phase[slot];
      if ((phase === idle || phase === busy) && (this.bornAt[slot] as number) <= at) count += 1;
    }
    return count;
  }

  /** The n-th of those that serve, in the order of their numbers. */
  nthServing(n: number): number {
    let left = n;
    for (let slot = 0; slot < this.#used; slot += 1) {
      const phase = this.phase[slot];
      if (phase !== idle && phase !== busy) continue;
      if (left === 0) return slot;
      left -= 1;
    }
    return -1;
  }

  /** Takes an idle one out of the ring, wherever it stands. */
  removeIdle(slot: number): void {
    const mask = this.#ring.length - 1;
    let to = this.#ringFirst;
    for (let from = this.#ringFirst, left = this.idleCount; left > 0; left -= 1, from = (from + 1) & mask) {
      const each = this.#ring[from] as number;
      if (each === slot) continue;
      this.#ring[to] = each;
      to = (to + 1) & mask;
    }
    this.idleCount -= 1;
  }

  #append(slot: number): void {
    this.#ring[(this.#ringFirst + this.idleCount) & (this.#ring.length - 1)] = slot;
    this.idleCount += 1;
  }

  #grow(): void {
    const size = this.phase.length * 2;
    const ring = new Int32Array(size);
    for (let place = 0; place < this.idleCount; place += 1)
      ring[place] = this.#ring[(this.#ringFirst + place) & (this.#ring.length - 1)] as number;
    this.#ring = ring;
    this.#ringFirst = 0;
    this.phase = longer(this.phase, new Uint8Array(size));
    this.bornAt = longer(this.bornAt, new Float64Array(size));
    this.rows = longer(this.rows, new Int32Array(size));
    this.again = longer(this.again, new Uint8Array(size));
    this.factor = longer(this.factor, new Float64Array(size));
    this.since = longer(this.since, new Float64Array(size));
    this.calls = longer(this.calls, new Int32Array(size));
    this.arrived = longer(this.arrived, new Float64Array(size * this.#cap));
  }
}

function longer<Numbers extends Uint8Array | Int32Array | Float64Array>(from: Numbers, into: Numbers): Numbers {
  into.set(from);
  return into;
}
