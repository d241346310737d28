/**
 * The machines as text for people: what each has, what is promised and used of it, what runs where, and why there. What
 * is not known is a dash, and never a zero. Pure.
 */
import type { NodeView } from '../api/node-schemas.ts';
import { stateWords } from '../core/placement/room.ts';
import { byteSize, significant } from '../units.ts';
import { table, type Column } from './output.ts';
import type { StatusStyle } from './status-text.ts';
import { wrap } from './wrap.ts';

const indent = 2;

export function nodesText(nodes: readonly NodeView[], style: StatusStyle): string {
  const { dash } = style;
  const known = <Value>(value: Value | null, text: (value: Value) => string): string =>
    value === null ? dash : text(value);
  const share = (value: number): string => `${Math.round(100 * value)} %`;
  const isCluster = nodes.some(({ role }) => role !== null);
  const kinds = [...new Set(nodes.flatMap(({ generic }) => Object.keys(generic)))].toSorted();
  const cluster: readonly Column<NodeView>[] = isCluster
    ? [
        { header: 'ROLE', cell: ({ role }) => role ?? dash },
        { header: 'STATE', cell: (node) => painted(node, style) },
        { header: 'ADDRESS', cell: ({ address }) => address ?? dash },
        {
          header: 'RESERVED',
          align: 'right',
          cell: ({ cpu }) => `${known(cpu.reservedCores, significant)} of ${known(cpu.cores, significant)} cores`,
        },
        {
          header: '',
          align: 'right',
          cell: ({ memory }) => `${known(memory.reservedBytes, byteSize)} of ${known(memory.totalBytes, byteSize)}`,
        },
        ...kinds.map((kind): Column<NodeView> => ({
          header: kind.toUpperCase(),
          align: 'right',
          cell: ({ generic: { [kind]: own } }) => (own === undefined ? dash : `${own.reserved} of ${own.total}`),
        })),
      ]
    : [{ header: 'STATE', cell: (node) => painted(node, style) }];
  const list = table(
    [
      { header: 'NODE', cell: ({ name }) => name },
      ...cluster,
      { header: 'BUSY', align: 'right', cell: ({ cpu }) => known(cpu.busyShare, share) },
      {
        header: 'MEMORY USED',
        align: 'right',
        cell: ({ memory }) =>
          memory.usedBytes === null
            ? dash
            : isCluster
              ? byteSize(memory.usedBytes)
              : `${byteSize(memory.usedBytes)} of ${known(memory.totalBytes, byteSize)}`,
      },
      { header: 'REPLICAS', align: 'right', cell: ({ replicas }) => String(replicas.length) },
    ],
    nodes,
  );
  const placed = nodes.flatMap(({ name, replicas }) => replicas.map((replica) => ({ node: name, ...replica })));
  if (placed.length === 0) return `${list}\nNo replica runs.\n`;
  const replicas = table(
    [
      { header: 'REPLICA', cell: ({ id }) => id },
      { header: 'DEPLOYMENT', cell: ({ deployment }) => deployment },
      { header: 'NODE', cell: ({ node }) => node },
      { header: 'CPU', align: 'right', cell: ({ cpuShare }) => known(cpuShare, share) },
      { header: 'MEMORY', align: 'right', cell: ({ memoryBytes }) => known(memoryBytes, byteSize) },
    ],
    placed,
  );
  return `${list}\n${replicas}${isCluster ? `\n${whyText(placed, style)}` : ''}`;
}

/** What is the same for several replicas is said once. */
function whyText(
  placed: readonly { readonly deployment: string; readonly node: string; readonly reason: string }[],
  { columns }: StatusStyle,
): string {
  const nodesBy = new Map<string, Set<string>>();
  for (const { deployment, node, reason } of placed) {
    const key = `${deployment} on NODES: ${reason}`;
    nodesBy.set(key, (nodesBy.get(key) ?? new Set()).add(node));
  }
  return [...nodesBy]
    .map(([key, nodes]) => key.replace('NODES', () => [...nodes].join(', ')))
    .map((line) => (columns === undefined ? line : wrap(line, columns, indent)))
    .map((line) => `${line}\n`)
    .join('');
}

function painted(node: NodeView, style: StatusStyle): string {
  const words = stateWords(node);
  return node.state !== 'ready' ? style.red(words) : node.availability === 'active' ? words : style.yellow(words);
}
