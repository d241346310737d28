/**
 * Whether a node meets a placement constraint, as the managers of a Swarm decide it (moby/swarmkit,
 * manager/constraint/constraint.go): values without regard to case, a label that is missing is the empty word.
 *
 *     constraint := key ("==" | "!=") value       key := node.id | node.hostname | node.role | node.labels.NAME
 *
 * Of other keys (node.ip, node.platform.*, engine.labels.*) the managers know more than is asked of them here.
 */
import type { ClusterNode } from './node.ts';

export type Meets = 'yes' | 'no' | 'unknown';

const nodeLabel = 'node.labels.';

export function meets(node: ClusterNode, constraint: string): Meets {
  const [, key = '', operator, value = ''] = /^\s*([\w.-]+)\s*(==|!=)\s*(.*?)\s*$/.exec(constraint) ?? [];
  const found = valueOf(node, key);
  if (found === undefined) return 'unknown';
  return (found.toLowerCase() === value.toLowerCase()) === (operator === '==') ? 'yes' : 'no';
}

/** `no` where one says no: it needs no others. */
export function meetsAll(node: ClusterNode, constraints: readonly string[]): Meets {
  const answers = new Set(constraints.map((constraint) => meets(node, constraint)));
  return answers.has('no') ? 'no' : answers.has('unknown') ? 'unknown' : 'yes';
}

function valueOf(node: ClusterNode, key: string): string | undefined {
  const lower = key.toLowerCase();
  if (lower === 'node.id') return node.id;
  if (lower === 'node.hostname') return node.name;
  if (lower === 'node.role') return node.role;
  return lower.startsWith(nodeLabel) ? (node.labels[key.slice(nodeLabel.length)] ?? '') : undefined;
}
