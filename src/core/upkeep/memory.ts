/**
 * Which starts fit the memory that replicas may take together, and who goes to sleep so that they do. It knows bytes and
 * moments and no replica; drains, starts and ends are reconcile's.
 * Laws: who is busy is never put to sleep; the least recently asked goes first, and nobody goes in vain; with what is
 * promised here the budget is only exceeded by what must be there.
 */

export interface Holder {
  readonly name: string;
  /** Of all its replicas, those that drain among them: memory is back when a process is gone, not before. */
  readonly heldBytes: number;
  /** Of those, what drains already and will be back without anybody's doing. */
  readonly leavingBytes: number;
  /** Awake, allowed to sleep, and nothing waits, runs or starts. */
  readonly idle: boolean;
  /** When it was last asked. */
  readonly activeAt: number;
}

export interface Wish {
  readonly name: string;
  readonly replicas: number;
  /** How many of them must be there (`replicas.min`), whatever else there is. */
  readonly must: number;
  readonly bytesEach: number;
  /** Who has waited longest is first. */
  readonly since: number;
}

export interface MemoryDecision {
  /** Replicas that may be started now, by deployment; whoever wished and is not named may start none. */
  readonly granted: ReadonlyMap<string, number>;
  /** Deployments to put to sleep now. */
  readonly sleep: readonly string[];
  /** Those that got less than they wished. `never`: one replica alone is larger than the whole budget. */
  readonly held: ReadonlyMap<string, 'waits' | 'never'>;
}

export function fitMemory(budgetBytes: number, holders: readonly Holder[], wishes: readonly Wish[]): MemoryDecision {
  const granted = new Map<string, number>();
  const held = new Map<string, 'waits' | 'never'>();
  const sleep: string[] = [];
  let takenBytes = holders.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
  /** What is on its way back, by drains that were begun before and by those of this decision. */
  let comingBytes = holders.reduce((sum, { leavingBytes }) => sum + leavingBytes, 0);
  const wishing = new Set(wishes.map(({ name }) => name));
  const idle = holders
    .filter((holder) => holder.idle && holder.heldBytes > holder.leavingBytes && !wishing.has(holder.name))
    .toSorted((left, right) => left.activeAt - right.activeAt || (left.name < right.name ? -1 : 1));

  /** Puts as many to sleep as it takes; with `inVain` also when all of them are too few. */
  const makeRoom = (bytes: number, inVain: boolean): void => {
    const missing = (): number => takenBytes - comingBytes + bytes - budgetBytes;
    const all = idle.reduce((sum, { heldBytes, leavingBytes }) => sum + heldBytes - leavingBytes, 0);
    if (!inVain && missing() > all) return;
    while (missing() > 0) {
      const next = idle.shift();
      if (next === undefined) return;
      sleep.push(next.name);
      comingBytes += next.heldBytes - next.leavingBytes;
    }
  };

  const order = wishes.toSorted((left, right) => left.since - right.since || (left.name < right.name ? -1 : 1));
  for (const { name, replicas, must, bytesEach } of order) {
    const count = Math.min(must, replicas);
    for (let n = 0; n < count; n++) {
      makeRoom(bytesEach, true);
      takenBytes += bytesEach;
    }
    granted.set(name, count);
  }
  for (const { name, replicas, bytesEach } of order) {
    for (let count = granted.get(name) ?? 0; count < replicas; count++) {
      if (takenBytes + bytesEach > budgetBytes) {
        held.set(name, bytesEach > budgetBytes ? 'never' : 'waits');
        if (bytesEach > budgetBytes) break;
        makeRoom(bytesEach, false);
        // Room that is being made for it is not for whoever comes after it.
        comingBytes -= bytesEach;
        break;
      }
      takenBytes += bytesEach;
      granted.set(name, count + 1);
    }
  }
  return { granted, sleep, held };
}
