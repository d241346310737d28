/** The headings of a table. A press on one that sorts orders the rows by it, and the address says by which. */
import type { JSX } from 'preact';
import { choose } from '../router.ts';
import { afterPress, unsorted, type Sorting } from './sorting.ts';
import '../styles/tables.css';

export interface Heading {
  readonly id: string;
  readonly title: string;
  /** What it is, more exactly. */
  readonly about?: string | undefined;
  readonly isNumber?: boolean;
  readonly sorts?: boolean;
}

interface TableHeadProps {
  readonly headings: readonly Heading[];
  readonly sorting?: Sorting;
}

export function TableHead({ headings, sorting = unsorted }: TableHeadProps): JSX.Element {
  return (
    <thead>
      <tr>
        {headings.map((heading) => {
          const { id, title, about, isNumber = false, sorts = false } = heading;
          const isBy = sorting.by === id;
          const order = isBy ? (sorting.descending ? 'descending' : 'ascending') : 'none';
          return (
            <th
              key={id}
              scope="col"
              class={isNumber ? 'number' : ''}
              title={sorts ? undefined : about}
              {...(sorts && { 'aria-sort': order })}
            >
              {sorts ? (
                <button type="button" class="sorter" title={about} onClick={() => choose(afterPress(sorting, id))}>
                  {title}
                  <span aria-hidden="true" class="sorter-mark">
                    {isBy ? (sorting.descending ? '▼' : '▲') : ''}
                  </span>
                </button>
              ) : (
                title
              )}
            </th>
          );
        })}
      </tr>
    </thead>
  );
}
