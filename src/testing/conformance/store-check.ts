/** One test of the suite that every store must pass, for the files of the suite. */
import type { Store } from '../../store/store.ts';

/** `reopen` closes a durable store and opens it again: `store` gives whichever is open. */
export type StoreCheck = (
  title: string,
  body: (store: () => Store, reopen: () => Promise<void>) => Promise<void>,
) => void;

export const withCode = (code: string) => ({ name: 'FlyballError', code });
