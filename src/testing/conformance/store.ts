/**
 * What every store must do, run by each driver's test. `make` gives a way to open the same store again: the durable
 * ones are closed and opened between the steps of a test, so that nothing passes by having stayed in memory.
 */
import { test } from 'node:test';
import type { Store } from '../../store/store.ts';
import type { StoreCheck } from './store-check.ts';
import { deploymentChecks } from './store-deployments.ts';
import { journalChecks } from './store-journal.ts';
import { journalSearchChecks } from './store-journal-search.ts';
import { keyChecks } from './store-keys.ts';
import { requestChecks } from './store-requests.ts';
import { registryChecks } from './store-registry.ts';
import { signInChecks } from './store-sign-ins.ts';
import { transactionChecks } from './store-transactions.ts';

export interface StoreUnderTest extends AsyncDisposable {
  open(): Promise<Store>;
  /** False for one whose content goes with its last connection. */
  readonly durable: boolean;
}

/** Declares the suite's tests under `name`. `skip`: why it cannot be tested here. */
export function storeConformance(
  name: string,
  make: () => Promise<StoreUnderTest>,
  { skip = false }: { readonly skip?: string | false } = {},
): void {
  const check: StoreCheck = (title, body) => {
    void test(`${name}: ${title}`, { skip }, async () => {
      await using place = await make();
      let store = await place.open();
      const reopen = async () => {
        if (!place.durable) return;
        await store[Symbol.asyncDispose]();
        store = await place.open();
      };
      try {
        await body(() => store, reopen);
      } finally {
        await store[Symbol.asyncDispose]();
      }
    });
  };

  registryChecks(check);
  deploymentChecks(check);
  keyChecks(check);
  journalChecks(check);
  journalSearchChecks(check);
  requestChecks(check);
  signInChecks(check);
  transactionChecks(check);
}
