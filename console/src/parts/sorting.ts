/** By which heading a table's rows are in order, as the address has it. Pure. */
import type { Params } from '../router.ts';

export interface Sorting {
  /** A heading's id; empty: rows come as they came. */
  readonly by: string;
  readonly descending: boolean;
}

export const unsorted: Sorting = { by: '', descending: false };

export const sortingOf = ({ sort = '', way }: Params): Sorting => ({ by: sort, descending: way === 'down' });

/** Three presses: up, down, as it was. */
export function afterPress(
  { by, descending }: Sorting,
  id: string,
): Readonly<Record<'sort' | 'way', string | undefined>> {
  if (by !== id) return { sort: id, way: undefined };
  return descending ? { sort: undefined, way: undefined } : { sort: id, way: 'down' };
}

type Value = number | string | null | undefined;

/** By what `value` says of each, without which they stay as they are; what is not known comes last, whichever way. */
export function sorted<Row>(
  rows: readonly Row[],
  value: ((row: Row) => Value) | undefined,
  descending: boolean,
): readonly Row[] {
  if (value === undefined) return rows;
  const way = descending ? -1 : 1;
  return rows.toSorted((one, other) => {
    const [left, right] = [value(one) ?? null, value(other) ?? null];
    if (left === null || right === null) return Number(left === null) - Number(right === null);
    if (typeof left === 'number' && typeof right === 'number') return way * (left - right);
    return way * String(left).localeCompare(String(right));
  });
}
