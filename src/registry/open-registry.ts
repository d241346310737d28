/**
 * The registry over a store and an artefact store.
 * Invariants: a version is recorded only when all its bytes are kept; its bytes go only when no version names them,
 * and never while something is being added that may turn out to have the same.
 */
import { readFile } from 'node:fs/promises';
import type { Clock } from '../clock.ts';
import { checkModelFile, parseModelFile } from '../config/load.ts';
import type { ModelFile } from '../config/model-file.ts';
import { FlyballError } from '../errors.ts';
import { readVerified } from '../verified-file.ts';
import type { Store, StoreAccess, VersionRecord } from '../store/store.ts';
import type { ArtefactSource, ArtefactStore, PutArtefact } from './artefacts.ts';
import { assetNames, toLabels } from './assets.ts';
import { versionDigest } from './digest.ts';
import { requireModel, requireName, requireVersion, resolveReference } from './reference.ts';
import type { AddedVersion, ModelFileInput, Registry, VersionOffer } from './registry.ts';
import { signatureOf } from './signature.ts';
import { isSignatureOf, parseSignature, signaturesMax } from './signing.ts';
import { contentOf, openTrust, type Trust } from './trust.ts';
import { followersOfAlias, usersOfModel, usersOfVersion } from './usage.ts';
import { trackUnused } from './unused.ts';
import { toModelView } from './views.ts';

export interface RegistryParts {
  readonly store: Store;
  readonly artefacts: ArtefactStore;
  readonly clock: Pick<Clock, 'wall' | 'now'>;
  /** How long an artefact may lie unused. */
  readonly unusedAfterMs?: number;
  /** Whose signatures count; by default nobody's, and none is needed. */
  readonly trust?: Trust;
}

const unusedAfterMsDefault = 86_400_000;

const versionMax = 999_999_999;

export function openRegistry({ store, artefacts, clock, ...parts }: RegistryParts): Registry {
  const unused = trackUnused(parts.unusedAfterMs ?? unusedAfterMsDefault);
  const trust = parts.trust ?? openTrust({});
  let adding = 0;

  let releasing: Promise<void> | undefined;

  /**
   * Removes those bytes that no version names. While others are adding they stay: they may turn out to be theirs; and
   * who wants to add waits until the removal is over.
   */
  const release = async (choose: Choose, ownAdds: 0 | 1): Promise<readonly string[]> => {
    if (adding > ownAdds || releasing !== undefined) return [];
    const removed: string[] = [];
    const removal = async (): Promise<void> => {
      const named = new Set((await store.versions()).flatMap(digestsOf));
      for (const digest of await choose(named)) {
        if (named.has(digest)) continue;
        await artefacts.remove(digest);
        removed.push(digest);
      }
    };
    releasing = removal().finally(() => {
      releasing = undefined;
    });
    await releasing;
    return removed;
  };

  const readSettings = async (modelFile: VersionOffer['modelFile'], put: Put): Promise<Settings> => {
    if (modelFile === undefined) return checkModelFile({}, 'model.yaml');
    if (!isSource(modelFile)) return checkModelFile(modelFile, 'model.yaml');
    const { digest } = await put(modelFile);
    return parseModelFile(await readFile(await artefacts.path(digest), 'utf8'), 'model.yaml');
  };

  const readContent = async (offer: VersionOffer, put: Put) => {
    const { settings, modelFile } = await readSettings(offer.modelFile, put);
    const file = offer.file === undefined ? undefined : await put(offer.file, offer.fileDigest);
    const assets: Record<string, string> = {};
    for (const name of assetNames(modelFile)) {
      const source = Object.hasOwn(offer.assets ?? {}, name) ? offer.assets?.[name] : undefined;
      if (source === undefined) {
        throw new FlyballError('INVALID_SPECIFICATION', `model.yaml names ${name}, but that file did not come with it`);
      }
      assets[name] = (await put(source)).digest;
    }
    const digest = versionDigest({ file: file?.digest, modelFile: settings, assets });
    if (offer.digest !== undefined && offer.digest !== digest) {
      throw new FlyballError('DIGEST_MISMATCH', `the version was announced as ${offer.digest}, but it is ${digest}`);
    }
    const path = file === undefined ? undefined : await artefacts.path(file.digest);
    return { modelFile, file, assets, digest, signature: await signatureOf(modelFile, path) };
  };

  const record = async (model: string, offer: VersionOffer, put: Put): Promise<AddedVersion> => {
    const { modelFile, file, assets, digest, signature } = await readContent(offer, put);
    return store.transaction(async (access) => {
      const same = await access.versionByDigest(model, digest);
      if (same !== undefined) {
        const known = sameNumber(same, offer.version);
        return { version: await addSignatures(access, known, offer.signatures ?? []), added: false };
      }
      const version: VersionRecord = {
        model,
        version: await freeNumber(access, model, offer.version, digest),
        digest,
        bytes: file?.bytes ?? 0,
        createdAt: clock.wall(),
        platform: modelFile.platform,
        signature,
        labels: { ...modelFile.labels, ...offer.labels },
        provenance: offer.provenance,
        ...(modelFile.description === undefined ? {} : { description: modelFile.description }),
        modelFile,
        ...(file === undefined ? {} : { file: file.digest }),
        assets,
      };
      const signatures = signaturesOf(version, offer.signatures ?? []);
      const signed = signatures.length === 0 ? version : { ...version, signatures };
      trust.require(signed);
      await access.addVersion(signed);
      return { version: signed, added: true };
    });
  };

  const addSignatures = async (
    access: StoreAccess,
    version: VersionRecord,
    added: readonly string[],
  ): Promise<VersionRecord> => {
    const signatures = signaturesOf(version, added);
    const signed = { ...version, signatures };
    trust.require(signed);
    if (signatures.length === (version.signatures?.length ?? 0)) return version;
    await access.setSignatures(version.model, version.version, signatures);
    return signed;
  };

  return {
    artefacts,
    trust,
    signVersion: (model, version, signatures) =>
      store.transaction(async (access) =>
        addSignatures(access, await requireVersion(access, model, version), signatures),
      ),
    async addVersion(model, offer, signal) {
      requireName(model, 'model');
      if (offer.version !== undefined && !(Number.isInteger(offer.version) && offer.version >= 1)) {
        throw new FlyballError('INVALID_NAME', `expected a version number from 1, got ${offer.version}`);
      }
      const added: string[] = [];
      const put: Put = async (source, announced) => {
        const artefact = await artefacts.put(source, announced, signal);
        if (artefact.added) added.push(artefact.digest);
        return artefact;
      };
      while (releasing !== undefined) await releasing;
      adding += 1;
      try {
        return await record(model, offer, put);
      } catch (error) {
        await release(() => added, 1).catch(() => undefined);
        throw error;
      } finally {
        adding -= 1;
      }
    },
    async removeVersion(model, version) {
      const removed = await store.transaction(async (access) => {
        const found = await requireVersion(access, model, version);
        refuseWhileUsed(`${model}:${version}`, await usersOfVersion(access, found));
        await access.removeVersion(model, version);
        return found;
      });
      await release(() => digestsOf(removed), 0);
    },
    async removeModel(model) {
      const removed = await store.transaction(async (access) => {
        await requireModel(access, model);
        refuseWhileUsed(model, await usersOfModel(access, model));
        const versions = await access.versions(model);
        await access.removeModel(model);
        return versions;
      });
      await release(() => removed.flatMap(digestsOf), 0);
    },
    async setAlias(model, alias, version, by, access) {
      requireName(alias, 'alias');
      const set = async (inside: StoreAccess): Promise<void> => {
        await requireVersion(inside, model, version);
        await inside.setAlias({ model, alias, version, by, at: clock.wall() });
      };
      await (access === undefined ? store.transaction(set) : set(access));
    },
    async removeAlias(model, alias, by) {
      await store.transaction(async (access) => {
        await resolveReference(access, `${model}@${alias}`);
        refuseWhileUsed(`${model}@${alias}`, await followersOfAlias(access, model, alias));
        await access.removeAlias(model, alias, by, clock.wall());
      });
    },
    aliasHistory: (model) => store.aliasHistory(model),
    list: () =>
      store.transaction(async (access) => {
        const versions = await access.versions();
        const aliases = await access.aliases();
        return (await access.models()).map((name) => toModelView(name, versions, aliases, trust));
      }),
    show: (model) =>
      store.transaction(async (access) => {
        await requireModel(access, model);
        return toModelView(model, await access.versions(model), await access.aliases(model), trust);
      }),
    resolve: (reference) => resolveReference(store, reference),
    async files({ file, assets, modelFile: { output, warmUp, server } }) {
      const assetOf = (name: string): Promise<string> => artefacts.place(assets[name] ?? '');
      const labels = output?.labels;
      const readText = async (name: string): Promise<string> =>
        (await readVerified(await artefacts.path(assets[name] ?? ''), assets[name])).toString('utf8');
      const read = typeof labels === 'string' ? toLabels(await readText(labels)) : labels;
      const samples = await Promise.all((warmUp?.samples ?? []).map(assetOf));
      const serverFiles: Record<string, string> = {};
      for (const name of server?.files ?? []) serverFiles[name] = await assetOf(name);
      const digests: Record<string, string> = {};
      for (const name of [...(warmUp?.samples ?? []), ...(server?.files ?? [])])
        digests[await assetOf(name)] = assets[name] ?? '';
      return {
        ...(file === undefined ? {} : { path: await artefacts.place(file) }),
        ...(output === undefined ? {} : { output: { ...output, ...(read === undefined ? {} : { labels: read }) } }),
        samples,
        serverFiles,
        digests,
      };
    },
    touch: (digest) => unused.touch(digest, clock.now()),
    sweep: () => release(async (named) => unused.due(await artefacts.list(), named, clock.now()), 0),
    async verify(model, version) {
      const found = await requireVersion(store, model, version);
      for (const digest of digestsOf(found)) await artefacts.verify(digest);
    },
  };
}

/** What may go, given what versions name. */
type Choose = (named: ReadonlySet<string>) => readonly string[] | Promise<readonly string[]>;
type Put = (source: ArtefactSource, announced?: string) => Promise<PutArtefact>;
type Settings = { readonly settings: ModelFileInput; readonly modelFile: ModelFile };

/** Settings have no key `kind`, every source has. */
function isSource(value: ModelFileInput | ArtefactSource): value is ArtefactSource {
  return 'kind' in value;
}

/** Those that it has and those that are added, each once; refused when one is of something else. */
function signaturesOf(version: VersionRecord, added: readonly string[]): readonly string[] {
  for (const text of added) {
    if (isSignatureOf(parseSignature(text), contentOf(version), version.version)) continue;
    throw new FlyballError(
      'SIGNATURE_INVALID',
      `a signature that came with ${version.model}:${version.version} is not of it: its files, settings, name or number were others`,
    );
  }
  const all = [...new Set([...(version.signatures ?? []), ...added])];
  if (all.length <= signaturesMax) return all;
  throw new FlyballError(
    'CONFLICT',
    `${version.model}:${version.version}: expected at most ${signaturesMax} signatures`,
  );
}

/** Of everything that a version names, in the order in which it is needed. */
export function digestsOf({ file, assets }: VersionRecord): readonly string[] {
  return [...(file === undefined ? [] : [file]), ...Object.values(assets)];
}

function sameNumber(same: VersionRecord, wanted: number | undefined): VersionRecord {
  if (wanted === undefined || wanted === same.version) return same;
  throw new FlyballError(
    'CONFLICT',
    `${same.model}:${same.version} has the same content as what was to become ${same.model}:${wanted}; point an alias at it instead`,
  );
}

async function freeNumber(
  store: StoreAccess,
  model: string,
  wanted: number | undefined,
  digest: string,
): Promise<number> {
  const next = (await store.highestVersion(model)) + 1;
  if (wanted === undefined) return next;
  if (wanted > versionMax)
    throw new FlyballError('INVALID_NAME', `version numbers end at ${versionMax}, got ${wanted}`);
  const there = await store.version(model, wanted);
  if (there === undefined) return wanted;
  throw new FlyballError(
    'CONFLICT',
    `${model}:${wanted} is ${there.digest} and a version never changes; got ${digest}, which could become ${model}:${next}`,
  );
}

function refuseWhileUsed(subject: string, users: readonly string[]): void {
  if (users.length === 0) return;
  throw new FlyballError('CONFLICT', `${subject} is in use by ${users.join(', ')}`);
}
