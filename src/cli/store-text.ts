/**
 * Who holds the store, and what its loss means: two lines under the status, where it is not simply this machine that has
 * both (`here`: what it is called). Pure.
 */
import type { StatusView } from '../api/schemas.ts';

export function storeText({ store }: StatusView, here: string): string {
  if (store === undefined || (store.kind === 'sqlite' && store.holder === here)) return '';
  const { place, holder, token, loss } = store;
  const lease = token === undefined ? `control on ${holder} alone` : `control ${holder}, lease token ${token}`;
  return `Store ${place}: ${lease}\n  when control is lost: ${loss}\n`;
}
