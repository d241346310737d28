/**
 * The registry: models, their immutable versions, and the aliases that point at them. It knows what a version is made
 * of and who uses it; it serves nothing. Records are in the store, bytes in the artefact store.
 * Invariant: a version never changes under its name, and none goes while an alias or a deployment uses it.
 */
import type * as z from 'zod';
import type { ModelView } from '../api/schemas.ts';
import type { modelFile, OutputStage } from '../config/model-file.ts';
import type { AliasChange, Provenance, StoreAccess, VersionRecord } from '../store/store.ts';
import type { ArtefactSource, ArtefactStore } from './artefacts.ts';
import type { Trust } from './trust.ts';

/** model.yaml as it was written: defaults are filled in by the registry and are no part of the digest. */
export type ModelFileInput = z.input<typeof modelFile>;

export interface VersionOffer {
  /** The ONNX file: its path, its bytes as they come, or the digest of an artefact that is there. Absent: simulated, or a server. */
  readonly file?: ArtefactSource;
  /** model.yaml: its settings as written, or the YAML text as a file or an artefact that was put before. */
  readonly modelFile?: ModelFileInput | ArtefactSource;
  /** What model.yaml names beside the model, by the name that it uses: labels.txt, samples/seven.png. */
  readonly assets?: Readonly<Record<string, ArtefactSource>>;
  /** The next free number by default. */
  readonly version?: number;
  /** Digest of the file's bytes as announced; DIGEST_MISMATCH when they turn out others. */
  readonly fileDigest?: string;
  /** By whom it is signed (see signing.ts); added to those that it has when the content is there already. */
  readonly signatures?: readonly string[];
  /** Digest of the whole version as announced (see digest.ts); DIGEST_MISMATCH when it turns out another. */
  readonly digest?: string;
  /** Added to the labels of the model file. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly provenance: Provenance;
}

export interface AddedVersion {
  readonly version: VersionRecord;
  /** False when the same content was there already; then `version` is that one. */
  readonly added: boolean;
}

/** What a runner needs of a version, as local paths. Where artefacts are shared they may have to be fetched first. */
export interface VersionFiles {
  /** The model's file; absent for a simulated one and a server. */
  readonly path?: string;
  /** The output stage with its labels read: never the name of a file. */
  readonly output?: OutputStage;
  /** Warm-up samples. */
  readonly samples: readonly string[];
  /** Of a server, by the name that its command knows them by. */
  readonly serverFiles: Readonly<Record<string, string>>;
  /** What the bytes of the files beside the model must be, by path. */
  readonly digests: Readonly<Record<string, string>>;
}

export interface Registry {
  readonly artefacts: ArtefactStore;
  /** Whose signatures count. */
  readonly trust: Trust;
  /**
   * The same content again answers with the version that has it. INVALID_NAME, INVALID_MODEL (the file cannot be read), INVALID_SPECIFICATION (model.yaml), DIGEST_MISMATCH,
   * CONFLICT (the number is there with other content, or the content is there under another number than asked for).
   */
  addVersion(model: string, offer: VersionOffer, signal?: AbortSignal): Promise<AddedVersion>;
  /**
   * Adds signatures to a version that is there. VERSION_NOT_FOUND, INVALID_REQUEST, SIGNATURE_INVALID (it is of something
   * else), SIGNATURE_UNTRUSTED where signatures are required, CONFLICT over 16.
   */
  signVersion(model: string, version: number, signatures: readonly string[]): Promise<VersionRecord>;
  /** CONFLICT while an alias, a deployment or a replica uses it; its artefacts go when nothing else names them. */
  removeVersion(model: string, version: number): Promise<void>;
  /** With all its versions and aliases; CONFLICT while a deployment or a replica uses it. Its numbers are free again. */
  removeModel(model: string): Promise<void>;
  /** MODEL_NOT_FOUND, VERSION_NOT_FOUND, INVALID_NAME; part of a transaction when its access is handed in. */
  setAlias(model: string, alias: string, version: number, by: string, access?: StoreAccess): Promise<void>;
  /** ALIAS_NOT_FOUND; CONFLICT while a deployment follows it. */
  removeAlias(model: string, alias: string, by: string): Promise<void>;
  aliasHistory(model: string): Promise<readonly AliasChange[]>;
  list(): Promise<readonly ModelView[]>;
  /** MODEL_NOT_FOUND, with near names. */
  show(model: string): Promise<ModelView>;
  /** `digits@champion`, `digits:3`, `digits` (the newest) → the version; MODEL_, ALIAS_ or VERSION_NOT_FOUND. */
  resolve(reference: string): Promise<VersionRecord>;
  files(version: VersionRecord): Promise<VersionFiles>;
  /** Somebody counts on an artefact that no version names yet: it is not swept for another while. */
  touch(digest: string): void;
  /** Removes artefacts that were put and never used for long enough; gives those removed. */
  sweep(): Promise<readonly string[]>;
  /** Reads every byte of a version again; DIGEST_MISMATCH or ARTEFACT_NOT_FOUND names what is wrong. */
  verify(model: string, version: number): Promise<void>;
}
