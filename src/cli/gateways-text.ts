/** Where gateways are that control hears, one line under the status; nothing where all are on its own machine. Pure. */
import type { StatusView } from '../api/schemas.ts';

type Gateway = StatusView['gateways'][number];

/** `Gateways: here (2 workers), node-2, node-3 (behind: table 11 of 12)`. */
export function gatewaysText({ gateways }: Pick<StatusView, 'gateways'>): string {
  if (gateways.every(({ node }) => node === undefined)) return '';
  const newest = Math.max(...gateways.map(({ revision }) => revision));
  const nodes = [...Map.groupBy(gateways, ({ node }) => node)].map(([node, workers]) =>
    nodeText(node ?? 'here', workers, newest),
  );
  return `Gateways: ${nodes.join(', ')}\n`;
}

function nodeText(node: string, workers: readonly Gateway[], newest: number): string {
  const oldest = Math.min(...workers.map(({ revision }) => revision));
  const facts = [
    ...(workers.length > 1 ? [`${workers.length} workers`] : []),
    ...(oldest < newest ? [`behind: table ${oldest} of ${newest}`] : []),
  ];
  return facts.length === 0 ? node : `${node} (${facts.join('; ')})`;
}
