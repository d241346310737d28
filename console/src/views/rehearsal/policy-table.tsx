/** Every policy in a row; a press on a heading sorts by it, and the address says by which. */
import type { JSX } from 'preact';
import { Badge } from '../../parts/badge.tsx';
import { Figure } from '../../parts/figure.tsx';
import { moveAmongFigures } from '../../parts/roving.ts';
import { sortingOf } from '../../parts/sorting.ts';
import { TableHead } from '../../parts/table-head.tsx';
import type { Params } from '../../router.ts';
import type { Rehearsal } from './kinds.ts';
import { columnsOf, ordered } from './order.ts';

interface PolicyTableProps {
  readonly rehearsal: Rehearsal;
  readonly own: number | undefined;
  readonly query: Params;
}

export function PolicyTable({ rehearsal, own, query }: PolicyTableProps): JSX.Element {
  const sorting = sortingOf(query);
  const columns = columnsOf(rehearsal);
  const rows = ordered(rehearsal, sorting.by, sorting.descending);
  return (
    <div class="scroller" tabIndex={0} role="region" aria-label="Policies, a table">
      <table class="rehearsal-table" onKeyDown={moveAmongFigures}>
        <caption class="sr-only">Policies on the same requests. Arrow keys go from figure to figure.</caption>
        <TableHead
          sorting={sorting}
          headings={[
            { id: 'policy', title: 'Policy', about: 'by name', sorts: true },
            { id: 'promise', title: 'Promise' },
            ...columns.map(({ id, title, about }) => ({ id, title, about, isNumber: true, sorts: true })),
          ]}
        />
        <tbody>
          {rows.map(({ index, row, label, keeps }) => (
            <tr key={index} class={index === own ? 'own' : ''} data-policy={label}>
              <th scope="row" class="policy-name">
                {label}
                {index === own && <span class="mode-chip auto">its own</span>}
              </th>
              <td>{keeps ? <Badge tone="ok" word="kept" /> : <Badge tone="bad" word="broken" />}</td>
              {columns.map(({ id, title, about, unit, value }, place) => (
                <td key={id} class="number">
                  <Figure
                    label={`${title} of ${label}: ${about}`}
                    value={value(row)}
                    unit={unit}
                    inGrid={place > 0}
                    limit={id === 'missed' ? rehearsal.tolerated : undefined}
                  />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
