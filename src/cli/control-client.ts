/**
 * The control API as typed functions, each of which is one call. It is not the inference client.
 * Types come from the API's schemas; answers are not validated again, so that no verb has to load the validator.
 */
import type * as z from 'zod';
import type {
  AlertsView,
  ApprovalView,
  ArtefactView,
  DeploymentView,
  GovernorView,
  haltRequest,
  JournalEntryView,
  JournalVerdict,
  KeyCreated,
  KeyRequest,
  KeyView,
  LatencyModelView,
  ModelView,
  modeRequest,
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
import type { NodeView } from '../api/node-schemas.ts';
import type { TraceView } from '../api/request-schemas.ts';
import type { NotificationTest } from '../api/notification-schemas.ts';
import type { RehearsalRequest, RehearsalView } from '../api/rehearsal-schemas.ts';
import type { SeriesColumn, SeriesView } from '../api/series-schemas.ts';
import type { DeploymentSpecification, deploymentSpecification } from '../config/specification.ts';
import { controlCalls, type Body, type ControlAddress } from './control-call.ts';

export interface VersionOrder {
  readonly version?: number | undefined;
  readonly digest?: string | undefined;
  readonly by: string;
  readonly source: string;
  readonly note?: string | undefined;
  readonly modelFile?: string | undefined;
  /** File name → digest. */
  readonly assets?: Readonly<Record<string, string>>;
  readonly signature?: readonly string[];
}

export interface ApplyOrder {
  readonly resolved: ResolvedSpecification;
  readonly fingerprint?: string | undefined;
  readonly by: string;
}

export interface DeployOrder {
  readonly deployment: z.input<typeof deploymentSpecification>;
  readonly by: string;
  readonly note?: string | undefined;
}

export interface JournalAsk {
  readonly subject?: string | undefined;
  readonly kind?: string | undefined;
  readonly after?: number | undefined;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly limit?: number | undefined;
  readonly order?: 'oldest' | 'newest' | undefined;
  readonly waitMs?: number | undefined;
}

export interface SeriesAsk {
  /** Unix milliseconds. */
  readonly from: number;
  readonly to: number;
  readonly stepMs: number;
  readonly columns: readonly SeriesColumn[];
}

export interface ControlClient {
  readonly url: string;
  status(signal: AbortSignal): Promise<StatusView>;
  specification(signal: AbortSignal): Promise<SpecificationView>;
  plan(resolved: ResolvedSpecification, signal: AbortSignal): Promise<PlanView>;
  apply(order: ApplyOrder, signal: AbortSignal): Promise<OperationView>;
  nodes(signal: AbortSignal): Promise<readonly NodeView[]>;
  models(signal: AbortSignal): Promise<readonly ModelView[]>;
  model(name: string, signal: AbortSignal): Promise<ModelView>;
  /** Without a body the artefact named by `digest` is used. */
  addVersion(name: string, order: VersionOrder, body: Body | undefined, signal: AbortSignal): Promise<VersionView>;
  signVersion(
    name: string,
    version: number,
    request: { readonly signatures: readonly string[]; readonly by: string },
    signal: AbortSignal,
  ): Promise<VersionView>;
  removeModel(name: string, by: string, signal: AbortSignal): Promise<void>;
  removeVersion(name: string, version: number, by: string, signal: AbortSignal): Promise<void>;
  setAlias(name: string, alias: string, version: number, by: string, signal: AbortSignal): Promise<OperationView>;
  removeAlias(name: string, alias: string, by: string, signal: AbortSignal): Promise<void>;
  hasArtefact(digest: string, signal: AbortSignal): Promise<boolean>;
  putArtefact(digest: string, body: Body, by: string, signal: AbortSignal): Promise<ArtefactView>;
  deployment(name: string, signal: AbortSignal): Promise<DeploymentView>;
  deploy(name: string, order: DeployOrder, signal: AbortSignal): Promise<OperationView>;
  scale(
    name: string,
    request: { readonly replicas: number; readonly by: string },
    signal: AbortSignal,
  ): Promise<OperationView>;
  removeDeployment(name: string, by: string, signal: AbortSignal): Promise<OperationView>;
  /** Answers when something has happened since `after` steps, or after `waitMs`. */
  operation(id: string, after: number, waitMs: number, signal: AbortSignal): Promise<OperationView>;
  why(name: string, at: number | undefined, signal: AbortSignal): Promise<WhyView>;
  trace(traceId: string, signal: AbortSignal): Promise<TraceView>;
  latencyModel(name: string, signal: AbortSignal): Promise<LatencyModelView>;
  deploymentSpecification(name: string, signal: AbortSignal): Promise<DeploymentSpecification>;
  series(name: string, ask: SeriesAsk, signal: AbortSignal): Promise<SeriesView>;
  keepRehearsal(name: string, request: RehearsalRequest, signal: AbortSignal): Promise<RehearsalView>;
  /** Newest first; of every deployment when none is named. */
  rehearsals(name: string | undefined, limit: number, signal: AbortSignal): Promise<readonly RehearsalView[]>;
  rehearsal(id: string, signal: AbortSignal): Promise<RehearsalView>;
  setMode(name: string, request: z.input<typeof modeRequest>, signal: AbortSignal): Promise<ModeView>;
  alerts(
    query: { readonly limit: number; readonly state?: 'firing' | undefined },
    signal: AbortSignal,
  ): Promise<AlertsView>;
  testNotification(name: string, by: string, signal: AbortSignal): Promise<NotificationTest>;
  governor(signal: AbortSignal): Promise<GovernorView>;
  /** With a name: of that deployment alone. */
  halt(request: z.input<typeof haltRequest>, name: string | undefined, signal: AbortSignal): Promise<GovernorView>;
  release(
    request: { readonly by: string; readonly reason: string },
    name: string | undefined,
    signal: AbortSignal,
  ): Promise<GovernorView>;
  approve(id: string, by: string, signal: AbortSignal): Promise<ApprovalView>;
  reject(
    id: string,
    request: { readonly by: string; readonly reason?: string | undefined },
    signal: AbortSignal,
  ): Promise<ApprovalView>;
  journal(query: JournalAsk, signal: AbortSignal): Promise<readonly JournalEntryView[]>;
  journalEntry(id: number, signal: AbortSignal): Promise<JournalEntryView>;
  verifyJournal(signal: AbortSignal): Promise<JournalVerdict>;
  keys(signal: AbortSignal): Promise<readonly KeyView[]>;
  createKey(request: KeyRequest, signal: AbortSignal): Promise<KeyCreated>;
  revokeKey(id: string, by: string, signal: AbortSignal): Promise<RevokedKey>;
  shutdown(by: string, signal: AbortSignal): Promise<void>;
}

export function controlClient(options: ControlAddress): ControlClient {
  const { url, call, exists } = controlCalls(options);
  const part = encodeURIComponent;

  return {
    url,
    status: (signal) => call({ method: 'GET', path: 'status' }, signal),
    specification: (signal) => call({ method: 'GET', path: 'specification' }, signal),
    plan: (resolved, signal) => call({ method: 'POST', path: 'plan', json: resolved }, signal),
    apply: (order, signal) => call({ method: 'PUT', path: 'specification', json: order }, signal),
    nodes: (signal) => call({ method: 'GET', path: 'nodes' }, signal),
    models: (signal) => call({ method: 'GET', path: 'models' }, signal),
    model: (name, signal) => call({ method: 'GET', path: `models/${part(name)}` }, signal),
    addVersion: (name, { assets = {}, ...query }, body, signal) => {
      const asset = Object.entries(assets).map(([file, digest]) => `${file}=${digest}`);
      const path = `models/${part(name)}/versions`;
      const queried = { ...query, ...(asset.length === 0 ? {} : { asset }) };
      return call({ method: 'POST', path, query: queried, ...(body === undefined ? {} : { body }) }, signal);
    },
    signVersion: (name, version, request, signal) =>
      call({ method: 'PUT', path: `models/${part(name)}/versions/${version}/signatures`, json: request }, signal),
    removeModel: (name, by, signal) => call({ method: 'DELETE', path: `models/${part(name)}`, query: { by } }, signal),
    removeVersion: (name, version, by, signal) =>
      call({ method: 'DELETE', path: `models/${part(name)}/versions/${version}`, query: { by } }, signal),
    setAlias: (name, alias, version, by, signal) =>
      call({ method: 'PUT', path: `models/${part(name)}/aliases/${part(alias)}`, json: { version, by } }, signal),
    removeAlias: (name, alias, by, signal) =>
      call({ method: 'DELETE', path: `models/${part(name)}/aliases/${part(alias)}`, query: { by } }, signal),
    hasArtefact: (digest, signal) => exists(`artefacts/${digest}`, signal),
    putArtefact: (digest, body, by, signal) =>
      call({ method: 'PUT', path: `artefacts/${digest}`, query: { by }, body }, signal),
    deployment: (name, signal) => call({ method: 'GET', path: `deployments/${part(name)}` }, signal),
    deploy: (name, order, signal) => call({ method: 'PUT', path: `deployments/${part(name)}`, json: order }, signal),
    scale: (name, order, signal) =>
      call({ method: 'POST', path: `deployments/${part(name)}/scale`, json: order }, signal),
    removeDeployment: (name, by, signal) =>
      call({ method: 'DELETE', path: `deployments/${part(name)}`, query: { by } }, signal),
    operation: (id, after, waitMs, signal) =>
      call({ method: 'GET', path: `operations/${part(id)}`, query: { after, waitMs }, waitMs }, signal),
    why: (name, at, signal) => call({ method: 'GET', path: `deployments/${part(name)}/why`, query: { at } }, signal),
    trace: (traceId, signal) => call({ method: 'GET', path: `requests/${part(traceId)}` }, signal),
    latencyModel: (name, signal) => call({ method: 'GET', path: `deployments/${part(name)}/latency-model` }, signal),
    deploymentSpecification: (name, signal) =>
      call({ method: 'GET', path: `deployments/${part(name)}/specification` }, signal),
    series: (name, { columns, ...query }, signal) => {
      const asked = { ...query, columns: columns.join(',') };
      return call({ method: 'GET', path: `deployments/${part(name)}/series`, query: asked }, signal);
    },
    keepRehearsal: (name, request, signal) =>
      call({ method: 'POST', path: `deployments/${part(name)}/rehearsals`, json: request }, signal),
    rehearsals: (name, limit, signal) => {
      const path = name === undefined ? 'rehearsals' : `deployments/${part(name)}/rehearsals`;
      return call({ method: 'GET', path, query: { limit } }, signal);
    },
    rehearsal: (id, signal) => call({ method: 'GET', path: `rehearsals/${part(id)}` }, signal),
    setMode: (name, request, signal) =>
      call({ method: 'PUT', path: `deployments/${part(name)}/mode`, json: request }, signal),
    alerts: (query, signal) => call({ method: 'GET', path: 'alerts', query: { ...query } }, signal),
    testNotification: (name, by, signal) =>
      call({ method: 'POST', path: `notifications/${part(name)}/test`, json: { by } }, signal),
    governor: (signal) => call({ method: 'GET', path: 'governor' }, signal),
    halt: ({ scope, ...request }, name, signal) =>
      name === undefined
        ? call({ method: 'PUT', path: 'governor/halt', json: { scope, ...request } }, signal)
        : call({ method: 'PUT', path: `deployments/${part(name)}/halt`, json: request }, signal),
    release: (request, name, signal) => {
      const path = name === undefined ? 'governor/halt' : `deployments/${part(name)}/halt`;
      return call({ method: 'DELETE', path, query: { ...request } }, signal);
    },
    approve: (id, by, signal) => call({ method: 'POST', path: `approvals/${part(id)}/approve`, json: { by } }, signal),
    reject: (id, request, signal) =>
      call({ method: 'POST', path: `approvals/${part(id)}/reject`, json: request }, signal),
    journal: (query, signal) =>
      call({ method: 'GET', path: 'journal', query: { ...query }, waitMs: query.waitMs ?? 0 }, signal),
    journalEntry: (id, signal) => call({ method: 'GET', path: `journal/${id}` }, signal),
    verifyJournal: (signal) => call({ method: 'GET', path: 'journal/verify' }, signal),
    keys: (signal) => call({ method: 'GET', path: 'keys' }, signal),
    createKey: (request, signal) => call({ method: 'POST', path: 'keys', json: request }, signal),
    revokeKey: (id, by, signal) => call({ method: 'DELETE', path: `keys/${part(id)}`, query: { by } }, signal),
    shutdown: (by, signal) => call({ method: 'POST', path: 'shutdown', json: { by } }, signal),
  };
}
