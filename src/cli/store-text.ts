/** Who holds the store, and what its loss means: two lines under the status. Pure. */
import type { StatusView } from '../api/schemas.ts';

export function storeText({ store }: StatusView): string {
  if (store === undefined) return '';
  const { place, holder, token, loss } = store;
  const lease = token === undefined ? `control on ${holder} alone` : `control ${holder}, lease token ${token}`;
  return `Store ${place}: ${lease}\n  when control is lost: ${loss}\n`;
}
