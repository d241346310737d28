/** A rehearsal as one HTML file that needs nothing else: the verdict, the table, the picture. Pure. */
import type { Rehearsed } from './compare.ts';
import { duration, escaped, picture } from './picture.ts';
import { labelOf, percent, replicaHours } from './verdict.ts';

const style = [
  ':root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}',
  'table{border-collapse:collapse;margin:1rem 0}th,td{padding:.25rem .75rem;text-align:right;border-bottom:1px solid #8886}',
  'th:first-child,td:first-child{text-align:left}svg{width:100%;height:auto}',
].join('');

export interface Column {
  readonly header: string;
  readonly cells: readonly string[];
}

/** The table of a rehearsal, the same on a terminal and on a page. */
export function columnsOf({ report }: Rehearsed): readonly Column[] {
  const { policies, clairvoyant } = report;
  const ms = (value: number | null): string => (value === null ? 'no data' : `${Math.round(value)} ms`);
  const column = (header: string, cell: (policy: (typeof policies)[number]) => string): Column => ({
    header,
    cells: policies.map(cell),
  });
  return [
    column('POLICY', labelOf),
    column('MISSED', ({ violationFraction }) => percent(violationFraction)),
    column('SHED', ({ shedFraction }) => percent(shedFraction)),
    column('P50', ({ p50Ms }) => ms(p50Ms)),
    column('P99', ({ p99Ms }) => ms(p99Ms)),
    column('REPLICA-H', ({ replicaSeconds }) => replicaHours(replicaSeconds)),
    column('COST', ({ cost }) => cost.toFixed(2)),
    column('ACTIONS', ({ actions }) => String(actions)),
    column('FLAPS', ({ flaps }) => String(flaps)),
    column('× BOUND', ({ replicaSeconds }) =>
      clairvoyant.replicaSeconds > 0 ? (replicaSeconds / clairvoyant.replicaSeconds).toFixed(2) : 'no data',
    ),
  ];
}

export function page(rehearsed: Rehearsed, sentences: readonly string[], setting: string): string {
  const { report } = rehearsed;
  const columns = columnsOf(rehearsed);
  const cells = (tag: 'th' | 'td', texts: readonly string[]): string =>
    `<tr>${texts.map((text) => `<${tag}>${escaped(text)}</${tag}>`).join('')}</tr>`;
  const rows = report.policies.map((_, row) =>
    cells(
      'td',
      columns.map((column) => column.cells[row] ?? ''),
    ),
  );
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
    `<title>Rehearsal of ${escaped(report.trace)}</title><style>${style}</style></head><body>`,
    `<h1>Rehearsal of ${escaped(report.trace)}</h1>`,
    `<p>${duration(report.simulatedSeconds)}, ${report.requests} requests, seed ${report.seed}. ${escaped(setting)}</p>`,
    `<p>${sentences.map(escaped).join('<br>')}</p>`,
    `<table><thead>${cells(
      'th',
      columns.map(({ header }) => header),
    )}</thead><tbody>${rows.join('')}</tbody></table>`,
    picture(rehearsed),
    '</body></html>\n',
  ].join('\n');
}
