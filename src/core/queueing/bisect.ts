/**
 * What to do after a call that computed nothing: one request may have spoiled it for the others. The batch is halved
 * and both halves are run again, until a request that fails on its own is alone and gets the runtime's own message.
 * With one bad request among n this costs about 2·log2(n) further calls and nobody else notices but by time.
 */

export type AfterFailure<Item> =
  | { readonly kind: 'fail'; readonly item: Item }
  | { readonly kind: 'rerun'; readonly batches: readonly (readonly Item[])[] };

export function afterFailedBatch<Item>(items: readonly Item[]): AfterFailure<Item> {
  const [first] = items;
  if (items.length === 1 && first !== undefined) return { kind: 'fail', item: first };
  const half = Math.ceil(items.length / 2);
  return {
    kind: 'rerun',
    batches: [items.slice(0, half), items.slice(half)].filter((batch) => batch.length > 0),
  };
}
