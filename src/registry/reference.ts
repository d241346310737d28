/**
 * How a version is named: `digits@champion` (an alias), `digits:3` (a number), `digits` (the newest).
 * Reads only what it is handed, so that it also works inside a transaction.
 */
import { didYouMean } from '../config/nearest.ts';
import { namePattern } from '../config/specification.ts';
import { FlyballError } from '../errors.ts';
import type { StoreAccess, VersionRecord } from '../store/store.ts';

export type Reference =
  | { readonly kind: 'alias'; readonly model: string; readonly alias: string }
  | { readonly kind: 'number'; readonly model: string; readonly version: number }
  | { readonly kind: 'newest'; readonly model: string };

export function requireName(name: string, what: string): string {
  if (namePattern.test(name)) return name;
  throw new FlyballError(
    'INVALID_NAME',
    `expected a name of a ${what} of 1 to 63 of a-z A-Z 0-9 . _ -, beginning and ending with a letter or digit, got ${JSON.stringify(name)}`,
  );
}

/** INVALID_NAME for what is none of the three. */
export function parseReference(reference: string): Reference {
  const match = /^([^@:]+)(?:@([^@:]+)|:([1-9]\d{0,8}))?$/.exec(reference);
  if (match === null) {
    const message = `expected name, name@alias or name:version, got ${JSON.stringify(reference)}`;
    throw new FlyballError('INVALID_NAME', message);
  }
  const model = requireName(match[1] ?? '', 'model');
  if (match[2] !== undefined) return { kind: 'alias', model, alias: requireName(match[2], 'alias') };
  if (match[3] !== undefined) return { kind: 'number', model, version: Number(match[3]) };
  return { kind: 'newest', model };
}

export async function requireModel(store: StoreAccess, model: string): Promise<void> {
  const models = await store.models();
  if (models.includes(model)) return;
  throw new FlyballError('MODEL_NOT_FOUND', `no model has the name ${model}${didYouMean(model, models)}`);
}

export async function requireVersion(store: StoreAccess, model: string, version: number): Promise<VersionRecord> {
  const found = await store.version(model, version);
  if (found !== undefined) return found;
  await requireModel(store, model);
  const there = (await store.versions(model)).map((record) => record.version).join(', ');
  throw new FlyballError('VERSION_NOT_FOUND', `${model} has no version ${version}, only ${there}`);
}

/** MODEL_NOT_FOUND, ALIAS_NOT_FOUND, VERSION_NOT_FOUND, each with what there is. */
export async function resolveReference(store: StoreAccess, written: string): Promise<VersionRecord> {
  const reference = parseReference(written);
  const { model } = reference;
  if (reference.kind === 'number') return requireVersion(store, model, reference.version);
  await requireModel(store, model);
  return reference.kind === 'newest' ? newestOf(store, model) : versionAtAlias(store, model, reference.alias);
}

async function newestOf(store: StoreAccess, model: string): Promise<VersionRecord> {
  const newest = (await store.versions(model)).at(-1);
  if (newest === undefined) throw new FlyballError('VERSION_NOT_FOUND', `${model} has no version`);
  return newest;
}

async function versionAtAlias(store: StoreAccess, model: string, alias: string): Promise<VersionRecord> {
  const aliases = await store.aliases(model);
  const found = aliases.find((record) => record.alias === alias);
  if (found !== undefined) return requireVersion(store, model, found.version);
  const there = aliases.length === 0 ? 'none' : aliases.map((record) => record.alias).join(', ');
  throw new FlyballError('ALIAS_NOT_FOUND', `${model} has no alias ${alias}; it has ${there}`);
}
