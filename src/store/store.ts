/**
 * The seam between whoever must not forget (control, registry) and what keeps it: SQLite or PostgreSQL (drivers/stores).
 * It keeps records and decides nothing; bytes of models live in the artefact store, not here.
 * Invariants: a call that has returned is durable; a transaction happens whole or not at all; versions never change.
 */
import type { RehearsalView } from '../api/rehearsal-schemas.ts';
import type { OperationView, OverrideView, ReplicaView, ResolvedSpecification } from '../api/schemas.ts';
import type { KeyEntry } from '../auth/key-table.ts';
import type { ModelFile } from '../config/model-file.ts';
import type { DeploymentSpecification } from '../config/specification.ts';
import type { ReplicaOrder } from '../control/orchestrator.ts';
import type { ErrorCode } from '../errors.ts';
import type { JournalCheckpoint, JournalEntry, JournalKind, JournalMark } from '../journal/entry.ts';
import type { ModelSignature } from '../protocol/tensor.ts';

/** Where a version came from. `source` is a word or a path (`upload`, `specification`, `generate resnet18 seed 1`). */
export interface Provenance {
  readonly source: string;
  readonly by: string;
  readonly note?: string;
}

/** One immutable version of a model. Times are Unix milliseconds, here and below. */
export interface VersionRecord {
  readonly model: string;
  readonly version: number;
  /** `sha256:…` over the file, the settings and the assets; see registry/digest.ts. */
  readonly digest: string;
  /** Size of the model's file; 0 for a simulated one. */
  readonly bytes: number;
  readonly createdAt: number;
  readonly platform: string;
  readonly signature: ModelSignature;
  readonly labels: Readonly<Record<string, string>>;
  readonly provenance: Provenance;
  readonly description?: string;
  /** The settings as they were read at the time, with the defaults of that time. */
  readonly modelFile: ModelFile;
  /** Artefact digest of the model's file; absent for a simulated one, which needs none. */
  readonly file?: string;
  /** Artefact digests of what stands beside it, by name: labels.txt, samples/seven.png. */
  readonly assets: Readonly<Record<string, string>>;
  /** Who vouches for it (see registry/signing.ts). The one thing that may be added later: it is no part of the content. */
  readonly signatures?: readonly string[];
}

export interface AliasRecord {
  readonly model: string;
  readonly alias: string;
  readonly version: number;
  readonly by: string;
  readonly at: number;
}

/** One move of an alias; `null` is "there was none" or "there is none any more". */
export interface AliasChange {
  readonly model: string;
  readonly alias: string;
  readonly from: number | null;
  readonly to: number | null;
  readonly by: string;
  readonly at: number;
}

export interface AppliedSpecification {
  readonly resolved: ResolvedSpecification;
  readonly by: string;
  readonly at: number;
}

export interface DeploymentRecord {
  readonly name: string;
  readonly specification: DeploymentSpecification;
  /** Whether the applied specification names it, or somebody deployed it beside that. */
  readonly origin:
    | { readonly kind: 'specification' }
    | { readonly kind: 'override'; readonly owner: string; readonly at: number };
  readonly note?: string;
  /** Replicas that are wanted now; the bounds are in the specification. */
  readonly desired: number;
}

export type OverrideRecord = OverrideView;

/** What control must know of a replica to adopt it after its own restart. */
export interface ReplicaRecord {
  readonly id: string;
  readonly deployment: string;
  readonly version: string;
  readonly digest: string;
  readonly order: ReplicaOrder;
  readonly startedAt: number;
  readonly phase: ReplicaView['state'];
}

/** An API key as it is kept: its hash, never the key. */
export interface KeyRecord extends KeyEntry {
  readonly createdAt: number;
  readonly createdBy: string;
}

/** A browser's sign-in: the hash of its id, never the id. */
export interface SignInRecord {
  /** SHA-256 of the id, hexadecimal. */
  readonly hash: string;
  /** The API key that was shown. */
  readonly keyId: string;
  readonly expiresAt: number;
  /** Within minutes: it is not written at each request. */
  readonly usedAt: number;
}

/** An operation as people see it, and what it was asked to do, so that it can be resumed. */
export interface OperationRecord extends OperationView {
  readonly request: unknown;
}

export interface OperationQuery {
  readonly state?: OperationView['state'];
  readonly subject?: string;
  readonly subjects?: readonly string[] | undefined;
  /** Only those that began before this one; none when it is not there. */
  readonly before?: string | undefined;
  /** Newest first, 100 by default. */
  readonly limit?: number | undefined;
}

/** A rehearsal of a deployment, and what came of it. */
export type RehearsalRecord = RehearsalView;

export interface RehearsalQuery {
  readonly deployment?: string | undefined;
  readonly deployments?: readonly string[] | undefined;
  /** Only those that are older than this one; none when it is not there. */
  readonly before?: string | undefined;
  readonly limit?: number | undefined;
}

/** A request with an Idempotency-Key, and what came of it: the same is not done twice. */
export interface RequestRecord {
  /** Whose it is: the id of an API key, or empty where nobody needs one. */
  readonly caller: string;
  readonly key: string;
  readonly at: number;
  /** Of method, path, query and body. */
  readonly fingerprint: string;
  /** Absent while it is being done, and after it was interrupted. */
  readonly answer?: RequestAnswer;
}

/** `unkept`: it was done, and its answer was a secret or too long. */
export type RequestAnswer =
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: 'unkept' };

export interface JournalQuery {
  readonly subject?: string | undefined;
  readonly kind?: JournalKind | undefined;
  /** Of these alone, and of `subject` where that is among them. */
  readonly subjects?: readonly string[] | undefined;
  /** Only larger numbers, and only smaller ones. */
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  /** Unix milliseconds: from then on, and up to then. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** 100 by default. */
  readonly limit?: number | undefined;
  /** By default the oldest come first. */
  readonly newestFirst?: boolean | undefined;
}

/** Reads and writes; every method is one atomic step. `put*` makes or replaces; removing what is gone is no error. */
export interface StoreAccess {
  /** Names of models, sorted. A model exists from its first version until it is removed. */
  models(): Promise<readonly string[]>;
  /** Removes the model with its aliases and versions; the history of its aliases stays. */
  removeModel(model: string): Promise<void>;
  /** In order of their numbers; of every model when none is named. */
  versions(model?: string): Promise<readonly VersionRecord[]>;
  version(model: string, version: number): Promise<VersionRecord | undefined>;
  versionByDigest(model: string, digest: string): Promise<VersionRecord | undefined>;
  /** Makes the model too. CONFLICT when the number or the digest is there already. */
  addVersion(record: VersionRecord): Promise<void>;
  /** Replaces its signatures; VERSION_NOT_FOUND. */
  setSignatures(model: string, version: number, signatures: readonly string[]): Promise<void>;
  /** CONFLICT while an alias points at it. The model goes with its last version. */
  removeVersion(model: string, version: number): Promise<void>;
  /** The highest number that the model ever gave, so that a removed number is not given again; 0 when none. */
  highestVersion(model: string): Promise<number>;

  aliases(model?: string): Promise<readonly AliasRecord[]>;
  /** Writes the history too; nothing happens when it points there already. VERSION_NOT_FOUND when there is none. */
  setAlias(alias: AliasRecord): Promise<void>;
  removeAlias(model: string, alias: string, by: string, at: number): Promise<void>;
  /** Oldest first. */
  aliasHistory(model: string, alias?: string): Promise<readonly AliasChange[]>;

  applied(): Promise<AppliedSpecification | undefined>;
  setApplied(applied: AppliedSpecification): Promise<void>;

  deployments(): Promise<readonly DeploymentRecord[]>;
  deployment(name: string): Promise<DeploymentRecord | undefined>;
  putDeployment(record: DeploymentRecord): Promise<void>;
  /** DEPLOYMENT_NOT_FOUND when there is none. */
  setDesired(name: string, desired: number): Promise<void>;
  removeDeployment(name: string): Promise<void>;

  overrides(): Promise<readonly OverrideRecord[]>;
  putOverride(record: OverrideRecord): Promise<void>;
  removeOverride(path: string): Promise<void>;

  replicas(): Promise<readonly ReplicaRecord[]>;
  putReplica(record: ReplicaRecord): Promise<void>;
  setReplicaPhase(id: string, phase: ReplicaRecord['phase']): Promise<void>;
  removeReplica(id: string): Promise<void>;

  operation(id: string): Promise<OperationRecord | undefined>;
  operations(query?: OperationQuery): Promise<readonly OperationRecord[]>;
  putOperation(record: OperationRecord): Promise<void>;
  /** Forgets the oldest finished operations beyond `keep`; unfinished ones always stay. */
  pruneOperations(keep: number): Promise<void>;

  /** API keys in the order in which they were made; one that was revoked is gone. */
  keys(): Promise<readonly KeyRecord[]>;
  /** CONFLICT when there is one with that id. */
  addKey(record: KeyRecord): Promise<void>;
  /** With its sign-ins. */
  removeKey(id: string): Promise<void>;
  /** Grows by one at each call, across restarts. */
  nextKeysRevision(): Promise<number>;

  /** The least recently used first. */
  signIns(): Promise<readonly SignInRecord[]>;
  /** KEY_NOT_FOUND when its key is not there; CONFLICT when there is one with that hash. */
  addSignIn(record: SignInRecord): Promise<void>;
  /** Sets when it was used last; nothing when it is not there. */
  useSignIn(hash: string, usedAt: number): Promise<void>;
  removeSignIn(hash: string): Promise<void>;
  /** Forgets those that expire before `at`. */
  pruneSignIns(at: number): Promise<void>;

  /** CONFLICT unless they follow the last one that was written; entries never change. */
  appendJournal(entries: readonly JournalEntry[]): Promise<void>;
  journal(query?: JournalQuery): Promise<readonly JournalEntry[]>;
  journalEntry(id: number): Promise<JournalEntry | undefined>;
  /** The last that was ever written; number 0 before the first. It is kept apart from the entries. */
  journalHead(): Promise<JournalMark>;
  /** The newest entry that is older than `at` or beyond the last `keep`; undefined when there is none. */
  journalBefore(limit: { readonly at: number; readonly keep: number }): Promise<JournalEntry | undefined>;
  /** Removes the entries up to this one, which stays as where the chain goes on. */
  pruneJournal(checkpoint: JournalCheckpoint): Promise<void>;
  journalCheckpoint(): Promise<JournalCheckpoint | undefined>;

  /** Makes or replaces it. */
  putRehearsal(record: RehearsalRecord): Promise<void>;
  rehearsal(id: string): Promise<RehearsalRecord | undefined>;
  /** Newest first, 100 by default, without `timelines`; of every deployment when none is named. */
  rehearsals(query?: RehearsalQuery): Promise<readonly RehearsalRecord[]>;
  /** Forgets the oldest beyond `keep`. */
  pruneRehearsals(keep: number): Promise<void>;

  request(caller: string, key: string): Promise<RequestRecord | undefined>;
  /** False, and nothing is written, when there is one with this key of this caller. */
  beginRequest(record: RequestRecord): Promise<boolean>;
  /** Replaces it; nothing when it is not there. */
  endRequest(record: RequestRecord): Promise<void>;
  /** Nothing was done: the key is free again. */
  removeRequest(caller: string, key: string): Promise<void>;
  /** Forgets those before `before`, and the oldest beyond `keep`. */
  pruneRequests(limit: { readonly before: number; readonly keep: number }): Promise<void>;

  /** The routing table's revision: the last one given, 0 at first. */
  revision(): Promise<number>;
  /** Grows by one at each call, across restarts. */
  nextRevision(): Promise<number>;

  meta(key: string): Promise<string | undefined>;
  setMeta(key: string, value: string): Promise<void>;
}

export interface Store extends StoreAccess, AsyncDisposable {
  /**
   * All or nothing. Only the access handed in may be used inside (a call of the store itself would wait for the end of
   * the transaction that it stands in, and is refused); transactions and single calls run one after another.
   */
  transaction<T>(change: (access: StoreAccess) => Promise<T>): Promise<T>;
}
