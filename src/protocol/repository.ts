/**
 * Triton's model repository, in control's terms: loading a model gives it a deployment of its name and waits until that
 * answers; unloading drains the deployment and forgets it. The registry keeps the model either way.
 * Invariant: what Triton's clients look for, "failed to load" with the reason, is in every error of a load.
 */
import type { ModelView } from '../api/schemas.ts';
import { FlyballError, toFlyballError } from '../errors.ts';
import type { InferenceService, RepositoryEntry } from './inference.ts';
import type { DeploymentOrder, Management } from './management.ts';
import { refuse } from './v2-fields.ts';

const modelName = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/** Throws INVALID_NAME. */
export function requireModelName(name: string): void {
  if (modelName.test(name)) return;
  throw new FlyballError(
    'INVALID_NAME',
    `expected a model name of letters, digits, dots, dashes and underscores, got ${JSON.stringify(name.slice(0, 80))}`,
  );
}

/** A model that is given with the load: a file of a version, and how it is to be served. */
export interface LoadOrder {
  /** Triton's model configuration as JSON. */
  readonly config?: string;
  readonly files: readonly { readonly version: number; readonly name: string; readonly bytes: Uint8Array }[];
}

const filePattern = /^file:([1-9]\d{0,8})\/([A-Za-z0-9._-]+\.onnx)$/;

/**
 * The parameters of a load: `config`, and `file:<version>/<name>` as bytes or as their base64. Throws INVALID_REQUEST for
 * any other.
 */
export function toLoadOrder(parameters: readonly (readonly [string, unknown])[]): LoadOrder {
  let config: string | undefined;
  const files = new Map<number, LoadOrder['files'][number]>();
  for (const [key, value] of parameters) {
    if (key === 'config') {
      if (typeof value !== 'string') refuse('parameters.config: expected a model configuration as JSON in a string');
      config = value;
      continue;
    }
    const match = filePattern.exec(key);
    if (match === null) {
      refuse(`parameters: expected config or file:<version>/<name>.onnx, got ${JSON.stringify(key.slice(0, 80))}`);
    }
    const version = Number(match[1]);
    if (files.has(version)) refuse(`parameters: expected one file for version ${version}, got two`);
    files.set(version, { version, name: match[2] ?? '', bytes: toFile(key, value) });
  }
  const sorted = [...files.values()].toSorted((left, right) => left.version - right.version);
  return { files: sorted, ...(config !== undefined && { config }) };
}

function toFile(key: string, value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(value) && value.length % 4 === 0) {
    return Buffer.from(value, 'base64');
  }
  return refuse(`parameters.${key}: expected the bytes of the file in base64, got something else`);
}

/** Rejects with the runtime's own words when it cannot be loaded; what served before goes on then. */
export async function loadModel(
  management: Management,
  name: string,
  order: LoadOrder,
  signal: AbortSignal,
): Promise<void> {
  requireModelName(name);
  try {
    let deployment = await settingsOf(management, name, signal);
    if (order.config !== undefined) {
      throw new FlyballError('NOT_IMPLEMENTED', 'a configuration with the load is not offered yet');
    }
    if (order.files.length > 0) {
      await addVersions(management, name, order, signal);
      deployment = { ...deployment, model: await referenceTo(management, name, order, signal) };
    }
    await management.settled(await management.deploy(name, deployment, signal), signal);
  } catch (thrown) {
    throw explained(`failed to load '${name}'`, thrown);
  }
}

/** A version never changes under its number: other content under one that is there is a CONFLICT that says so. */
async function addVersions(management: Management, name: string, order: LoadOrder, signal: AbortSignal): Promise<void> {
  for (const { version, name: file, bytes } of order.files) {
    const digest = await management.putArtefact(bytes, signal);
    await management.addVersion(name, { version, digest, source: `${file}, given with a load` }, signal);
  }
}

/** The newest of the files given; what is newer still in the registry was not asked for. */
async function referenceTo(
  management: Management,
  name: string,
  { files }: LoadOrder,
  signal: AbortSignal,
): Promise<string> {
  const wanted = files.at(-1)?.version ?? 0;
  const { versions } = await management.model(name, signal);
  return versions.some(({ version }) => version > wanted) ? `${name}:${wanted}` : name;
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

/** What is served with its state and, of what is registered but not loaded, each version. Only ready ones need no control. */
export async function listModels(
  service: InferenceService,
  ready: boolean,
  management: () => Management,
  signal: AbortSignal,
): Promise<readonly RepositoryEntry[]> {
  const served = service.index();
  if (ready) return served.filter(({ state }) => state === 'READY');
  if (service.management === undefined) return served;
  const names = new Set(served.map(({ name }) => name));
  const models = await registered(management(), signal);
  return [...served, ...models.filter(({ name }) => !names.has(name)).flatMap(unloaded)];
}

async function registered(management: Management, signal: AbortSignal): Promise<readonly ModelView[]> {
  try {
    return await management.models(signal);
  } catch (error) {
    // Who may only infer is told what can be inferred with.
    if (error instanceof FlyballError && error.code === 'FORBIDDEN') return [];
    throw error;
  }
}

const unloaded = ({ name, versions }: ModelView): readonly RepositoryEntry[] =>
  versions.map(({ version }) => ({ name, version: String(version), state: 'UNAVAILABLE', reason: 'unloaded' }));

function explained(what: string, thrown: unknown): FlyballError {
  const error = toFlyballError(thrown);
  const { retryAfterSeconds } = error;
  return new FlyballError(error.code, `${what}, ${error.message}`, {
    cause: thrown,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}
