/**
 * Triton's model repository, in control's terms: loading a model gives it a deployment of its name and waits until that
 * answers; unloading drains the deployment and forgets it. The registry keeps the model either way.
 * Invariant: what Triton's clients look for, "failed to load" with the reason, is in every error of a load.
 */
import type { ModelView } from '../api/schemas.ts';
import { FlyballError, toFlyballError } from '../errors.ts';
import type { InferenceService, RepositoryEntry } from './inference.ts';
import { readLoadConfig } from './load-config.ts';
import type { DeploymentOrder, Management } from './management.ts';
import type { ModelSignature } from './tensor.ts';
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
    const { config: text, files } = order;
    const config = text === undefined ? undefined : await readLoadConfig(text, files.length > 0);
    const before = await settingsOf(management, name, signal);
    if (files.length > 0) await addVersions(management, name, order, config?.modelFile, signal);
    const model = await referenceTo(management, name, files.at(-1)?.version ?? config?.version, signal);
    const deployment = { ...before, ...(model !== undefined && { model: model.reference }) };
    if (config !== undefined) config.check(model?.signature ?? (await resolved(management, deployment.model, signal)));
    const wanted = config?.applyTo(deployment) ?? deployment;
    const note = config?.notes.join('; ') ?? '';
    await management.settled(await management.deploy(name, wanted, signal, note === '' ? undefined : note), signal);
  } catch (thrown) {
    throw explained(`failed to load '${name}'`, thrown);
  }
}

/** A version never changes under its number: other content under one that is there is a CONFLICT that says so. */
async function addVersions(
  management: Management,
  name: string,
  order: LoadOrder,
  settings: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const modelFile = settings === undefined ? undefined : await management.putArtefact(Buffer.from(settings), signal);
  for (const { version, name: file, bytes } of order.files) {
    const digest = await management.putArtefact(bytes, signal);
    const offer = {
      version,
      digest,
      source: `${file}, given with a load`,
      ...(modelFile !== undefined && { modelFile }),
    };
    await management.addVersion(name, offer, signal);
  }
}

/** A version by its number: as the newest where it is that, so that later ones follow; what is newer was not asked for. */
async function referenceTo(
  management: Management,
  name: string,
  wanted: number | undefined,
  signal: AbortSignal,
): Promise<{ readonly reference: string; readonly signature: ModelSignature } | undefined> {
  if (wanted === undefined) return undefined;
  const { versions } = await management.model(name, signal);
  const found = versions.find(({ version }) => version === wanted);
  if (found === undefined) throw new FlyballError('VERSION_NOT_FOUND', `there is no version ${wanted} of ${name}`);
  const isNewest = versions.every(({ version }) => version <= wanted);
  return { reference: isNewest ? name : `${name}:${wanted}`, signature: toSignature(found.signature) };
}

/** The signature of what a reference names now. */
async function resolved(management: Management, reference: string, signal: AbortSignal): Promise<ModelSignature> {
  const [name = '', version] = reference.split(/[@:]/);
  const { versions, aliases } = await management.model(name, signal);
  const number = reference.includes('@') ? aliases[version ?? ''] : Number(version);
  const found = versions.find((one) => one.version === number) ?? versions.at(-1);
  if (found === undefined) throw new FlyballError('VERSION_NOT_FOUND', `${name} has no version`);
  return toSignature(found.signature);
}

const toSignature = (signature: ModelView['versions'][number]['signature']): ModelSignature =>
  signature as ModelSignature;

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
