/** Every policy in a row; a press on a heading sorts by it, and the address says by which. */
import type { JSX } from 'preact';
import { Badge } from '../../parts/badge.tsx';
import { Figure } from '../../parts/figure.tsx';
import { moveAmongFigures } from '../../parts/roving.ts';
import { choose, type Params } from '../../router.ts';
import type { Rehearsal } from './kinds.ts';
import { columnsOf, ordered } from './order.ts';

interface PolicyTableProps {
  readonly rehearsal: Rehearsal;
  readonly own: number | undefined;
  readonly query: Params;
}

export function PolicyTable({ rehearsal, own, query }: PolicyTableProps): JSX.Element {
  const by = query['sort'] ?? '';
  const descending = query['way'] === 'down';
  const columns = columnsOf(rehearsal);
  const rows = ordered(rehearsal, by, descending);
  const heading = (id: string, title: string, about: string, isNumber: boolean): JSX.Element => {
    const isBy = by === id;
    // Three presses: up, down, as it was.
    const next = !isBy
      ? { sort: id, way: undefined }
      : descending
        ? { sort: undefined, way: undefined }
        : { way: 'down' };
    return (
      <th
        key={id}
        scope="col"
        class={isNumber ? 'number' : ''}
        aria-sort={isBy ? (descending ? 'descending' : 'ascending') : 'none'}
      >
        <button type="button" class="sorter" title={about} onClick={() => choose(next)}>
          {title}
          <span aria-hidden="true" class="sorter-mark">
            {isBy ? (descending ? '▼' : '▲') : ''}
          </span>
        </button>
      </th>
    );
  };
  return (
    <div class="scroller" tabIndex={0} role="region" aria-label="Policies, a table">
      <table class="rehearsal-table" onKeyDown={moveAmongFigures}>
        <caption class="sr-only">Policies on the same requests. Arrow keys go from figure to figure.</caption>
        <thead>
          <tr>
            {heading('policy', 'Policy', 'by name', false)}
            <th scope="col">Promise</th>
            {columns.map(({ id, title, about }) => heading(id, title, about, true))}
          </tr>
        </thead>
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
