/**
 * The next deadline of many, without looking at all of them: a binary heap whose members know their own place, so that
 * one that was answered or hung up leaves in O(log n).
 * Invariant: no member has a deadline before its parent's; `member.heapIndex` is its place, -1 outside.
 */

export interface Timed {
  readonly deadlineAt: number;
  /** Kept by the heap. */
  heapIndex: number;
}

export class DeadlineHeap<Member extends Timed> {
  readonly #members: Member[] = [];

  get size(): number {
    return this.#members.length;
  }

  /** Earliest deadline; Infinity when there is none. */
  get nextAt(): number {
    return this.#members[0]?.deadlineAt ?? Infinity;
  }

  add(member: Member): void {
    this.#members.push(member);
    this.#rise(member, this.#members.length - 1);
  }

  /** False when it was not in. */
  remove(member: Member): boolean {
    const index = member.heapIndex;
    if (index < 0) return false;
    member.heapIndex = -1;
    const last = this.#members.pop();
    if (last !== undefined && last !== member) {
      this.#rise(last, index);
      this.#sink(last, last.heapIndex);
    }
    return true;
  }

  /** Takes out whatever has its deadline at or before `at`, earliest first. */
  takeDue(at: number): Member[] {
    const due: Member[] = [];
    for (let first = this.#members[0]; first !== undefined && first.deadlineAt <= at; first = this.#members[0]) {
      this.remove(first);
      due.push(first);
    }
    return due;
  }

  #rise(member: Member, from: number): void {
    const members = this.#members;
    let index = from;
    while (index > 0) {
      const up = (index - 1) >> 1;
      const parent = members[up] as Member;
      if (parent.deadlineAt <= member.deadlineAt) break;
      members[index] = parent;
      parent.heapIndex = index;
      index = up;
    }
    members[index] = member;
    member.heapIndex = index;
  }

  #sink(member: Member, from: number): void {
    const members = this.#members;
    let index = from;
    for (;;) {
      let down = index * 2 + 1;
      if (down >= members.length) break;
      if (down + 1 < members.length && (members[down + 1] as Member).deadlineAt < (members[down] as Member).deadlineAt)
        down += 1;
      const child = members[down] as Member;
      if (child.deadlineAt >= member.deadlineAt) break;
      members[index] = child;
      child.heapIndex = index;
      index = down;
    }
    members[index] = member;
    member.heapIndex = index;
  }
}
