/**
 * What the control API calls: control as a set of functions, so that the API knows neither loop nor store.
 * Changes return an operation at once; its steps follow. Failures are FlyballErrors of the catalogue.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import type {
  AlertsQuery,
  AlertsTaken,
  AlertsView,
  ApprovalView,
  ArtefactView,
  DeploymentView,
  GovernorView,
  HaltRequest,
  KeyCreated,
  KeyRequest,
  KeyView,
  ModelView,
  ModeRequest,
  ModeView,
  OperationView,
  PlanView,
  ResolvedSpecification,
  RevokedKey,
  SpecificationView,
  StatusView,
  VersionView,
  WhyView,
} from '../api/schemas.ts';
import type { DeploymentLatency } from './latency-models.ts';
import type { Played, PlaygroundRequest } from './playground.ts';
import type { NodeView } from '../api/node-schemas.ts';
import type { NotificationsView, NotificationTest } from '../api/notification-schemas.ts';
import type {
  RehearsalChoices,
  RehearsalDetail,
  RehearsalRequest,
  RehearsalRunRequest,
  RehearsalView,
} from '../api/rehearsal-schemas.ts';
import type { RequestsQuery, RequestView, TraceView } from '../api/request-schemas.ts';
import type { SeriesQueryView, SeriesView } from '../api/series-schemas.ts';
import type { Precondition } from '../api/etags.ts';
import type { RequestMemory } from '../api/idempotency/once.ts';
import type { SignInMemory } from '../auth/sign-ins.ts';
import type { OperationQuery, RehearsalQuery } from '../store/store.ts';
import type { JournalEntry } from '../journal/entry.ts';
import type { JournalFilter } from '../journal/open-journal.ts';
import type { Verdict } from '../journal/verify.ts';
import type { DeploymentSpecification } from '../config/specification.ts';

export interface VersionUpload {
  readonly name: string;
  readonly version?: number;
  readonly digest?: string;
  readonly by: string;
  readonly source: string;
  readonly note?: string;
  readonly modelFile?: string;
  /** File name → digest of an artefact that is there already. */
  readonly assets: Readonly<Record<string, string>>;
  readonly signatures?: readonly string[];
}

export interface ControlService {
  /** Of requests with an Idempotency-Key. */
  readonly requestMemory: RequestMemory;
  /** Of browsers, where callers need keys. */
  readonly signInMemory: SignInMemory;
  live(): boolean;
  /** Whether adoption has finished, so that what it says about replicas is true. */
  ready(): boolean;
  /** `isShown`: of which deployments the caller may know. */
  status(isShown?: (deployment: string) => boolean): Promise<StatusView>;
  specification(): Promise<SpecificationView>;
  plan(resolved: ResolvedSpecification): Promise<PlanView>;
  /** `precondition`, here and below, is asked where nothing else can change what is about to be changed. */
  apply(
    request: {
      readonly resolved: ResolvedSpecification;
      readonly fingerprint?: string | undefined;
      readonly by: string;
    },
    precondition?: Precondition,
  ): Promise<OperationView>;
  models(): Promise<readonly ModelView[]>;
  model(name: string): Promise<ModelView>;
  /** `body` absent means that the artefact named by `digest` is to be used. */
  addVersion(upload: VersionUpload, body: Readable | undefined, signal: AbortSignal): Promise<VersionView>;
  signVersion(name: string, version: number, signatures: readonly string[], by: string): Promise<VersionView>;
  removeModel(name: string, by: string): Promise<void>;
  removeVersion(name: string, version: number, by: string): Promise<void>;
  setAlias(name: string, alias: string, version: number, by: string): Promise<OperationView>;
  removeAlias(name: string, alias: string, by: string): Promise<void>;
  putArtefact(digest: string, body: Readable, by: string, signal: AbortSignal): Promise<ArtefactView>;
  artefact(digest: string): Promise<ArtefactView & { open(): Readable }>;
  /** `isShown`: of which the caller may know. */
  deployments(isShown?: (deployment: string) => boolean): Promise<readonly DeploymentView[]>;
  deployment(name: string): Promise<DeploymentView>;
  /** What its calls, starts and ends have taken lately. */
  latencyModel(name: string): Promise<DeploymentLatency>;
  deploy(
    name: string,
    request: {
      readonly deployment: DeploymentSpecification;
      readonly by: string;
      readonly note?: string | undefined;
    },
    precondition?: Precondition,
  ): Promise<OperationView>;
  scale(name: string, request: { readonly replicas: number; readonly by: string }): Promise<OperationView>;
  removeDeployment(name: string, by: string): Promise<OperationView>;
  operations(query: OperationQuery): Promise<readonly OperationView[]>;
  /** Answers when more than `after` steps have begun or one has ended since, when the operation ends, or after `waitMs`. */
  operation(id: string, after: number | undefined, waitMs: number, signal: AbortSignal): Promise<OperationView>;
  /** Oldest first, unless asked otherwise; with `waitMs` it waits for one to come when there is none. */
  journal(filter: JournalFilter, waitMs: number, signal: AbortSignal): Promise<readonly JournalEntry[]>;
  journalEntry(id: number): Promise<JournalEntry>;
  verifyJournal(): Promise<Verdict>;
  /** The decision of now, or the one in force at `at` (Unix milliseconds). */
  why(name: string, at: number | undefined): Promise<WhyView>;
  series(name: string, query: SeriesQueryView): Promise<SeriesView>;
  /** Of those that gateways remember, the slowest first. */
  requests(name: string, query: RequestsQuery): Promise<readonly RequestView[]>;
  /** Through a gateway: DEPLOYMENT_NOT_FOUND, OVERLOADED, UNREACHABLE; a failure of the inference is an outcome. */
  infer(name: string, request: PlaygroundRequest, signal: AbortSignal): Promise<Played>;
  /** `isShown`: of which deployments the caller may know. INVALID_REQUEST, REQUEST_NOT_FOUND. */
  trace(traceId: string, isShown: (deployment: string) => boolean): Promise<TraceView>;
  deploymentSpecification(name: string): Promise<DeploymentSpecification>;
  keepRehearsal(name: string, request: RehearsalRequest): Promise<RehearsalView>;
  /** Newest first; of every deployment when none is named. */
  rehearsals(query: RehearsalQuery): Promise<readonly RehearsalView[]>;
  /** With whether a mode may rest on it now. */
  rehearsal(id: string): Promise<RehearsalDetail>;
  rehearsalChoices(): Promise<RehearsalChoices>;
  /** Rehearses it here; the operation says what came of it. REHEARSAL_BUSY, REHEARSAL_TOO_LARGE, INVALID_REQUEST. */
  runRehearsal(name: string, request: RehearsalRunRequest): Promise<OperationView>;
  /** Which deployment the operation rehearses; undefined when none that is under way has this id. */
  rehearsedBy(operation: string): string | undefined;
  /** Ends one that can be ended before it is done: a rehearsal. CONFLICT for others. */
  cancelOperation(id: string, by: string): Promise<OperationView>;
  mode(name: string): Promise<ModeView>;
  setMode(name: string, request: ModeRequest, precondition?: Precondition): Promise<ModeView>;
  /** `isShown`: of which deployments the caller may know. */
  governor(isShown?: (deployment: string) => boolean): Promise<GovernorView>;
  /** With a name: of that deployment alone. */
  halt(request: HaltRequest, name?: string): Promise<GovernorView>;
  release(request: { readonly by: string; readonly reason: string }, name?: string): Promise<GovernorView>;
  /** Which deployment the change that waits concerns; undefined when there is none of this id. */
  approvalOf(id: string): string | undefined;
  approve(id: string, by: string): Promise<ApprovalView>;
  reject(id: string, request: { readonly by: string; readonly reason: string }): Promise<ApprovalView>;
  /** Whether a sender may send at all, by its headers: before its body is read. NOT_FOUND, UNAUTHENTICATED, SECRET_UNUSABLE. */
  admitAlerts(sender: string, headers: IncomingHttpHeaders): Promise<void>;
  /** A notification by webhook, as it came: it proves by itself who sent it. */
  receiveAlerts(sender: string, headers: IncomingHttpHeaders, body: Buffer): Promise<AlertsTaken>;
  notifications(): Promise<NotificationsView>;
  /** Sends a message to this channel, whatever else waits there. NOT_FOUND, CONFLICT. */
  testNotification(name: string, by: string): Promise<NotificationTest>;
  alerts(query: Omit<AlertsQuery, 'skip'> & { readonly skip?: number }): Promise<AlertsView>;
  keys(): Promise<readonly KeyView[]>;
  createKey(request: KeyRequest): Promise<KeyCreated>;
  revokeKey(id: string, by: string): Promise<RevokedKey>;
  /** Machines that replicas run on, with the replicas that the caller may know of. */
  nodes(isShown?: (deployment: string) => boolean): readonly NodeView[];
  shutdown(by: string): void;
}
