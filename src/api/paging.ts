/**
 * Pages of lists: `limit` rows, and where the next page begins as a link of RFC 8288. Pure. A page that is full has a next
 * one, which may be empty.
 */

/** What of the query is another for the next page. */
export type NextPage = Readonly<Record<string, string | number>>;

/** Rows of a whole list that stands in one order, after the one that is named `after`. */
export function pageOf<Row>(
  rows: readonly Row[],
  nameOf: (row: Row) => string,
  { after, limit }: { readonly after?: string | undefined; readonly limit?: number | undefined },
): readonly Row[] {
  const from = after === undefined ? 0 : rows.findIndex((row) => nameOf(row) === after) + 1;
  // One that is gone is found by where it would stand, in a list that is sorted by its names.
  const start = after === undefined || from > 0 ? from : rows.findIndex((row) => nameOf(row) > after);
  if (start < 0) return [];
  return rows.slice(start, limit === undefined ? undefined : start + limit);
}

/** Of a list whose last row names where the next page begins. */
export function nextBy<Row>(
  parameter: 'after' | 'before',
  nameOf: (row: Row) => string | number,
): (query: { readonly limit?: number | undefined }, rows: readonly Row[]) => NextPage | undefined {
  return ({ limit }, rows) => {
    const last = rows.at(-1);
    return limit === undefined || last === undefined || rows.length < limit ? undefined : { [parameter]: nameOf(last) };
  };
}

/** `url` as it was asked for, path and query. */
export function nextLink(url: string, next: NextPage): string {
  const [path = '', query = ''] = url.split('?');
  const parameters = new URLSearchParams(query);
  for (const [name, value] of Object.entries(next)) parameters.set(name, String(value));
  return `<${path}?${parameters.toString()}>; rel="next"`;
}
