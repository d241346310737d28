/**
 * Triton's model repository, in control's terms: loading a model gives it a deployment of its name and waits until that
 * answers; unloading drains the deployment and forgets it. The registry keeps the model either way.
 * Invariant: what Triton's clients look for, "failed to load" with the reason, is in every error of a load.
 */
import { FlyballError, toFlyballError } from '../errors.ts';
import type { DeploymentOrder, Management } from './management.ts';

const modelName = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/** Throws INVALID_NAME. */
export function requireModelName(name: string): void {
  if (modelName.test(name)) return;
  throw new FlyballError(
    'INVALID_NAME',
    `expected a model name of letters, digits, dots, dashes and underscores, got ${JSON.stringify(name.slice(0, 80))}`,
  );
}

/** Rejects with the runtime's own words when it cannot be loaded; what served before goes on then. */
export async function loadModel(management: Management, name: string, signal: AbortSignal): Promise<void> {
  requireModelName(name);
  try {
    const deployment = await settingsOf(management, name, signal);
    await management.settled(await management.deploy(name, deployment, signal), signal);
  } catch (thrown) {
    throw explained(`failed to load '${name}'`, thrown);
  }
}

/** Returns when its last request has been answered and its replicas are gone. One that is not loaded stays so. */
export async function unloadModel(management: Management, name: string, signal: AbortSignal): Promise<void> {
  requireModelName(name);
  try {
    await management.settled(await management.removeDeployment(name, signal), signal);
  } catch (thrown) {
    if (thrown instanceof FlyballError && thrown.code === 'DEPLOYMENT_NOT_FOUND') {
      const models = await management.models(signal);
      if (models.some((model) => model.name === name)) return;
    }
    throw explained(`failed to unload '${name}'`, thrown);
  }
}

/** As it is deployed or declared; a model that nobody has said anything about is served with the defaults. */
async function settingsOf(management: Management, name: string, signal: AbortSignal): Promise<DeploymentOrder> {
  const { resolved, overrides } = await management.specification(signal);
  const override = overrides.find(({ path }) => path === `deployments.${name}`)?.value as
    | DeploymentOrder
    | null
    | undefined;
  const declared = resolved?.specification.deployments ?? {};
  return override ?? (Object.hasOwn(declared, name) ? declared[name] : undefined) ?? { model: name };
}

function explained(what: string, thrown: unknown): FlyballError {
  const error = toFlyballError(thrown);
  const { retryAfterSeconds } = error;
  return new FlyballError(error.code, `${what}, ${error.message}`, {
    cause: thrown,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}
