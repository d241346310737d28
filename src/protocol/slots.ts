/**
 * What is in flight, each by a number that is free again as soon as its member has left.
 * For the hot paths in place of a Map or Set: one that members keep entering and leaving makes itself a new table every few
 * entries, and each old table points at the next (for iterators that may stand in it). A table that the collector has
 * promoted so keeps all later ones alive, with everything in them, until the next full collection: a quarter of all that
 * the gateway allocated survived the collector's first look, and copying it was a tenth of its time.
 * Invariant: a number names at most one member at a time; there are never more numbers than members at once so far.
 */
export class Slots<Member> {
  readonly #members: (Member | undefined)[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#members.length - this.#free.length;
  }

  add(member: Member): number {
    const number = this.#free.pop() ?? this.#members.length;
    this.#members[number] = member;
    return number;
  }

  /** The member of this number, which is free from then on; undefined when there is none. */
  take(number: number): Member | undefined {
    const member = this.#members[number];
    if (member === undefined) return undefined;
    this.#members[number] = undefined;
    this.#free.push(number);
    return member;
  }

  /** All members, in the order of their numbers. */
  all(): Member[] {
    return this.#members.filter((member) => member !== undefined);
  }

  takeAll(): Member[] {
    const all = this.all();
    this.#members.length = 0;
    this.#free.length = 0;
    return all;
  }
}
