/**
 * Machines that come only after they were asked for, as the thesis's did: which are to be asked for, switched on and given
 * back, given how many workers are wanted. Pure; what is ordered comes, also when it is not wanted any more.
 *
 *   off → ordered → on → off (given back when it is not wanted and nothing runs on it)
 */

export interface Machines {
  /** Numbers of the nodes that are on. */
  readonly on: ReadonlySet<number>;
  /** When each that was ordered comes, seconds. */
  readonly ordered: ReadonlyMap<number, number>;
}

export interface Wanted {
  readonly workers: number;
  /** Numbers of the nodes on which something runs. */
  readonly busy: ReadonlySet<number>;
  /** Never given back. */
  readonly fewest: number;
  readonly most: number;
}

export interface MachinesStep {
  readonly machines: Machines;
  readonly switchOn: readonly number[];
  readonly giveBack: readonly number[];
}

/** The part of `flyball why` that says how many replicas are wanted. */
export interface WhySeen {
  readonly desired: number;
  readonly decision?:
    | { readonly cuts: readonly { readonly stage: string; readonly from: number; readonly to: number }[] }
    | undefined;
}

/** What is held, or what would be if the nodes had room for it. */
export function workersAsked({ desired, decision }: WhySeen): number {
  const cut = decision?.cuts.find(({ stage }) => stage === 'room');
  return Math.max(desired, cut?.from ?? 0);
}

export function stepMachines(before: Machines, wanted: Wanted, at: number, lagSeconds: number): MachinesStep {
  const { workers, busy, fewest, most } = wanted;
  const switchOn = [...before.ordered].filter(([, comes]) => comes <= at).map(([node]) => node);
  const on = new Set([...before.on, ...switchOn]);
  const ordered = new Map([...before.ordered].filter(([node]) => !switchOn.includes(node)));
  const goal = Math.min(most, Math.max(fewest, workers));
  for (let node = 1; node <= most && on.size + ordered.size < goal; node += 1) {
    if (!on.has(node) && !ordered.has(node)) ordered.set(node, at + lagSeconds);
  }
  const giveBack: number[] = [];
  for (const node of [...before.on].toSorted((left, right) => right - left)) {
    if (on.size <= goal || node <= fewest) break;
    if (busy.has(node)) continue;
    on.delete(node);
    giveBack.push(node);
  }
  return { machines: { on, ordered }, switchOn, giveBack };
}
