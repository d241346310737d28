/**
 * How many more replicas of a deployment the nodes of a cluster have room for, and why no more, in words. Pure.
 * It is the arithmetic of the managers: a node has room when it takes tasks, meets the constraints, and what is asked
 * for is no more than what it has less what is promised. What is used does not count there, and so it does not here.
 *
 *     node1  2 cores, 1.9 promised  ─┐
 *     node2  2 cores, 0.5 promised  ─┼─▶ 0.5 cores each: 0 + 3 + 0 = 3 more
 *     node3  down                   ─┘
 *
 * Laws: a node more never gives less; a task more never gives more; it says `unknown` rather than too few.
 */
import { meetsAll } from './constraints.ts';
import { takesTasks, type ClusterNode, type Room } from './node.ts';

export type Fit =
  /** Asked for is nothing that could run out, or the managers alone can tell, or not even they can at the moment. */
  | { readonly kind: 'unknown' }
  | {
      readonly kind: 'known';
      readonly more: number;
      /** Why there is no room for one more than these, node by node. */
      readonly why: string;
    };

export interface Asked {
  /** Of each replica; what is absent is not asked for. */
  readonly cores?: number | undefined;
  readonly memoryBytes?: number | undefined;
  readonly generic?: Readonly<Record<string, number>> | undefined;
  readonly constraints: readonly string[];
}

/** Fractions of cores are added up: what fits exactly must not fall out by the last bit. */
const rounding = 1e-6;

export function fitting(nodes: readonly ClusterNode[], asked: Asked): Fit {
  const needs = needsOf(asked);
  let more = 0;
  const full: Full[] = [];
  const closed: string[] = [];
  const others: string[] = [];
  for (const node of nodes.toSorted((left, right) => (left.name < right.name ? -1 : 1))) {
    const meet = meetsAll(node, asked.constraints);
    if (meet === 'no') others.push(node.name);
    else if (node.state === 'unknown' && node.availability === 'active') return { kind: 'unknown' };
    else if (!takesTasks(node)) closed.push(`${node.name} is ${stateWords(node)}`);
    else if (meet === 'unknown' || needs.length === 0) return { kind: 'unknown' };
    else {
      const counts = needs.map((need) => Math.max(0, Math.floor(need.free(node) / need.each + rounding)));
      const count = Math.min(...counts);
      more += count;
      const short = needs[counts.indexOf(count)];
      if (short !== undefined) full.push({ node, short, count });
    }
  }
  const elsewhere =
    others.length === 0 ? [] : [`${listed(others)} ${others.length === 1 ? 'does' : 'do'} not meet its constraints`];
  const words = [...fullWords(full), ...closed, ...elsewhere];
  return { kind: 'known', more, why: words.length === 0 ? 'there is no node' : words.join('; ') };
}

interface Need {
  readonly each: number;
  readonly free: (node: ClusterNode) => number;
  /** On an empty node. */
  readonly whole: (node: ClusterNode) => number;
  readonly words: (node: ClusterNode) => string;
  /** Of a node that is smaller than what is asked for. */
  readonly smallWords: (node: ClusterNode) => string;
}

interface Full {
  readonly node: ClusterNode;
  readonly short: Need;
  readonly count: number;
}

function needsOf({ cores, memoryBytes, generic = {} }: Asked): readonly Need[] {
  const need = (each: number | undefined, of: (room: Room) => number, unit: string, scale = 1): readonly Need[] => {
    if (each === undefined || each <= 0) return [];
    const free = ({ whole, reserved }: ClusterNode): number => of(whole) - of(reserved);
    const shown = (value: number): string => String(Math.round((value / scale) * 100) / 100);
    return [
      {
        each,
        free,
        whole: (node) => of(node.whole),
        words: (node) => `${shown(Math.max(0, free(node)))} of ${shown(of(node.whole))} ${unit}`,
        smallWords: (node) =>
          of(node.whole) === 0 ? `no ${unit}` : `${shown(of(node.whole))} ${unit} in all, ${shown(each)} asked for`,
      },
    ];
  };
  return [
    ...need(cores, (room) => room.cores, 'cores'),
    ...need(memoryBytes, (room) => room.memoryBytes, 'MiB', 1_048_576),
    ...Object.entries(generic).flatMap(([kind, each]) => need(each, (room) => room.generic[kind] ?? 0, kind)),
  ];
}

/** Of those with room for some it is said for how many: together they are what fits. */
function fullWords(all: readonly Full[]): readonly string[] {
  const small = all.filter(({ node, short }) => short.whole(node) + rounding < short.each);
  const others = all
    .filter((each) => !small.includes(each))
    .map(({ node, short, count }) =>
      count === 0
        ? `${node.name} is full, ${short.words(node)} free`
        : `${node.name} has room for ${count}, ${short.words(node)} free`,
    );
  return [...others, ...smallWords(small)];
}

/** Those that would not do if they were empty; alike as nodes often are, they are named together. */
function smallWords(small: readonly Full[]): readonly string[] {
  const byWords = new Map<string, string[]>();
  for (const { node, short } of small) {
    const words = short.smallWords(node);
    byWords.set(words, [...(byWords.get(words) ?? []), node.name].toSorted());
  }
  return [...byWords].map(([words, names]) => `${listed(names)} ${names.length === 1 ? 'has' : 'have'} ${words}`);
}

export function stateWords({ state, availability }: Pick<ClusterNode, 'state' | 'availability'>): string {
  if (state !== 'ready') return state === 'unknown' ? 'of unknown state' : state;
  return { active: 'ready', pause: 'paused', drain: 'drained' }[availability];
}

export const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
