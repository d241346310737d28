/**
 * Why a replica is on its node, as far as anybody outside the managers can tell: which nodes may have it, and by what
 * rule the managers choose among those. What they weighed at that moment they keep to themselves. Pure.
 */
import { meetsAll } from './constraints.ts';
import type { ClusterNode } from './node.ts';

export interface Placing {
  readonly constraints: readonly string[];
  readonly spread: readonly string[];
}

export function placementReason(nodes: readonly ClusterNode[], { constraints, spread }: Placing): string {
  const all = nodes.length;
  const answers = nodes.map((node) => meetsAll(node, constraints));
  const may = answers.filter((answer) => answer === 'yes').length;
  const of = constraints.length === 0 ? '' : ` (${constraints.join(', ')})`;
  const chosen =
    `the engine chose it among those with room: ` +
    `${spread.map((label) => `evenly over ${label}, then `).join('')}where the fewest tasks of its version are`;
  if (answers.includes('unknown')) return `the engine alone knows which nodes may have it${of}; ${chosen}`;
  if (may === 1) return `the only node that may have it${of}`;
  if (may === 0) return `no node may have it now${of}; one did when it came`;
  return `${constraints.length === 0 ? `any of ${all}` : `${may} of ${all}`} nodes may have it${of}; ${chosen}`;
}
