/** Who uses a model or a version, in words, so that a refusal says what to do first. */
import type { StoreAccess, VersionRecord } from '../store/store.ts';
import { parseReference, resolveReference } from './reference.ts';

/** Deployments and replicas that need the version now. */
export async function usersOfVersion(
  store: StoreAccess,
  { model, version }: VersionRecord,
): Promise<readonly string[]> {
  const users: string[] = [];
  for (const alias of await store.aliases(model)) {
    if (alias.version === version) users.push(`the alias ${alias.alias}`);
  }
  for (const deployment of await store.deployments()) {
    const reference = deployment.specification.model;
    if (parseReference(reference).model !== model) continue;
    // One whose model is gone already uses nothing.
    const used = await resolveReference(store, reference).catch(() => undefined);
    if (used?.version === version) users.push(`the deployment ${deployment.name} (${reference})`);
  }
  for (const replica of await store.replicas()) {
    const { launch } = replica.order;
    if (launch.model === model && launch.version === String(version)) users.push(`the replica ${replica.id}`);
  }
  return users;
}

export async function usersOfModel(store: StoreAccess, model: string): Promise<readonly string[]> {
  const deployments = await store.deployments();
  const replicas = await store.replicas();
  return [
    ...deployments
      .filter(({ specification }) => parseReference(specification.model).model === model)
      .map(({ name }) => `the deployment ${name}`),
    ...replicas.filter(({ order }) => order.launch.model === model).map(({ id }) => `the replica ${id}`),
  ];
}

export async function followersOfAlias(store: StoreAccess, model: string, alias: string): Promise<readonly string[]> {
  const deployments = await store.deployments();
  return deployments
    .filter(({ specification }) => specification.model === `${model}@${alias}`)
    .map(({ name }) => `the deployment ${name}`);
}
