/** What a plan is made against, read from the store. */
import type { Store } from '../store/store.ts';
import type { PlanState } from './plan.ts';

export const planStateOf = (store: Store) => async (): Promise<PlanState> => ({
  applied: (await store.applied())?.resolved,
  deployments: await store.deployments(),
  versions: await store.versions(),
  aliases: await store.aliases(),
  overrides: await store.overrides(),
});
