/**
 * Every route of the control API, once: what it takes, what it answers, and which function of control it calls.
 * The server dispatches by this table and the OpenAPI document is written from it, so that they cannot disagree. As long
 * as there are routes: it is read from top to bottom as the document shows it.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import * as z from 'zod';
import type { ControlService } from '../control/control-service.ts';
import type { Scope } from '../core/access/scopes.ts';
import { FlyballError, type ErrorCode } from '../errors.ts';
import {
  alertsQuery,
  alertsTaken,
  alertsView,
  aliasRequest,
  applyRequest,
  approvalView,
  approveRequest,
  artefactView,
  type AlertsView,
  byQuery,
  deploymentHaltRequest,
  deployRequest,
  deploymentView,
  governorView,
  haltRequest,
  keyCreated,
  keyRequest,
  journalEntry,
  journalQuery,
  journalVerdict,
  keyView,
  latencyModelView,
  modelView,
  modeRequest,
  modeView,
  operationQuery,
  operationsQuery,
  operationView,
  namesQuery,
  keysQuery,
  type DeploymentView,
  type JournalEntryView,
  type KeyView,
  type ModelView,
  type OperationView,
  planView,
  resolvedSpecification,
  rejectRequest,
  releaseQuery,
  revokedKey,
  scaleRequest,
  shutdownRequest,
  signatureRequest,
  specificationView,
  statusView,
  versionQuery,
  versionView,
  whyQuery,
  whyView,
} from './schemas.ts';
import { deploymentSpecification } from '../config/specification.ts';
import { eventsQuery, type EventsQuery } from './events/schemas.ts';
import { nodeView } from './node-schemas.ts';
import { notificationsView, notificationTest, notificationTestRequest } from './notification-schemas.ts';
import { playgroundBytesMax, playgroundView } from './playground-schemas.ts';
import { toProblem } from './problems.ts';
import {
  rehearsalChoices,
  rehearsalDetail,
  rehearsalRequest,
  rehearsalRunRequest,
  rehearsalsQuery,
  rehearsalView,
  type RehearsalView,
} from './rehearsal-schemas.ts';
import { requestsQuery, requestView, traceView } from './request-schemas.ts';
import type { Access } from './sign-in/access.ts';
import { callerView, signInRequest } from './sign-in/schemas.ts';
import type { Precondition } from './etags.ts';
import { nextBy, pageOf, type NextPage } from './paging.ts';
import { seriesQuery, seriesView } from './series-schemas.ts';

export type Method = 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';

export interface RouteInput<Query, Body> {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  readonly headers: IncomingHttpHeaders;
  readonly signal: AbortSignal;
  /** Who the caller is, and signing in and out. */
  readonly access: Access;
  /** Whether the caller's key, where keys are required, holds for this deployment. */
  readonly covers: (deployment: string) => boolean;
  /** Name of that key. */
  readonly by: string | undefined;
  /** The deployments that it holds for; undefined: all, and the platform as a whole. */
  readonly only: readonly string[] | undefined;
  /** What the caller asks to hold still (If-Match), of routes with an `etag`. */
  readonly precondition: Precondition | undefined;
}

/** The bytes as they came, whatever their type: what is signed must not be read before. */
export interface Whole {
  readonly kind: 'whole';
  readonly bytesMax: number;
}

/** Whatever it is and whatever type it has; `Content-Type` is in the headers. */
export interface Anything {
  readonly kind: 'anything';
  readonly bytesMax: number;
}

export type RouteAnswer =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'bytes'; readonly bytes: number; open(): Readable }
  | ({ readonly kind: 'events' } & EventsQuery)
  /** A status of its own, where the answer passes on somebody else's. */
  | {
      readonly kind: 'reply';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly value: unknown;
    };

export interface Route {
  readonly method: Method;
  /** Below /api/v1, parameters in braces. */
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  readonly status: number;
  readonly query?: z.ZodType;
  readonly body?: { readonly kind: 'json'; readonly schema: z.ZodType } | { readonly kind: 'bytes' } | Whole | Anything;
  /** Of a body from whoever has shown no key yet; by default limits.bodyBytesMax. */
  readonly bodyBytesMax?: number;
  /**
   * What a caller's key must hold, where keys are required; `any`: any key; `own`: no key is asked for, it has a proof of
   * its own.
   */
  readonly scope: Scope | 'any' | 'own';
  /** Its answer is cut down to the deployments of the caller's key, so that no key is too narrow for it. */
  readonly cutDown?: boolean;
  /** Which deployment it concerns, where the path does not name it; undefined: none that is there. */
  readonly concerns?: (control: ControlService, params: Readonly<Record<string, string>>) => string | undefined;
  /** Absent when the answer is no JSON: nothing, a file, or events. */
  readonly answer?: z.ZodType;
  /** Code of an error in the body's shape; INVALID_REQUEST by default. */
  readonly invalid?: ErrorCode;
  /** `once`: an Idempotency-Key is held to; `freely`: to do it again changes nothing. Absent: it changes nothing at all. */
  readonly acts?: 'once' | 'freely';
  /** Its answer holds what is shown this once and kept nowhere. */
  readonly answersSecret?: boolean;
  /** Its answer has an ETag, by which `etag` of another route is held to If-Match. */
  readonly tagged?: boolean;
  /** The representation whose ETag If-Match is held against. */
  readonly etag?: (control: ControlService, params: Readonly<Record<string, string>>) => Promise<unknown>;
  /** What of the query is another for the next page; undefined on the last. */
  readonly next?: (query: unknown, rows: unknown) => NextPage | undefined;
  readonly errors: readonly ErrorCode[];
  handle(control: ControlService, input: RouteInput<unknown, unknown>): Promise<RouteAnswer>;
}

interface Declaration<Query extends z.ZodType, Body extends z.ZodType> {
  readonly summary: string;
  readonly status?: number;
  readonly query?: Query;
  readonly body?: { readonly kind: 'json'; readonly schema: Body } | { readonly kind: 'bytes' } | Whole;
  readonly answer?: z.ZodType;
  readonly invalid?: ErrorCode;
  readonly errors?: readonly ErrorCode[];
  /** By default `read` for GET and HEAD, `admin` for the rest: a route that says nothing is closed. */
  readonly scope?: Route['scope'];
  readonly bodyBytesMax?: number;
  readonly cutDown?: boolean;
  readonly concerns?: Route['concerns'];
  /** By default `once` for POST, PUT and DELETE with a JSON body or none, `freely` for uploads. */
  readonly acts?: 'once' | 'freely' | 'not';
  readonly answersSecret?: boolean;
  readonly tagged?: boolean;
  readonly etag?: Route['etag'];
  readonly next?: (query: z.output<Query>, rows: never) => NextPage | undefined;
  /** What it returns is the JSON of the answer; a file is returned as `bytes`. */
  readonly handle: (control: ControlService, input: RouteInput<z.output<Query>, z.output<Body>>) => unknown;
}

/** Ties the types of query and body to the handler; the table below holds them without. */
function route<Query extends z.ZodType = z.ZodUndefined, Body extends z.ZodType = z.ZodUnknown>(
  method: Method,
  path: string,
  id: string,
  declaration: Declaration<Query, Body>,
): Route {
  const { handle, errors = [], status = 200, acts, next, ...rest } = declaration;
  const isSafe = method === 'GET' || method === 'HEAD';
  const scope = rest.scope ?? (isSafe ? 'read' : 'admin');
  const acting = acts ?? (isSafe ? 'not' : rest.body?.kind === 'bytes' ? 'freely' : 'once');
  return {
    ...rest,
    ...(acting !== 'not' && { acts: acting }),
    ...(next !== undefined && { next: next as NonNullable<Route['next']> }),
    method,
    path,
    id,
    status,
    errors,
    scope,
    async handle(control, input) {
      const value: unknown = await handle(control, input as RouteInput<z.output<Query>, z.output<Body>>);
      return isFile(value) ? { kind: 'bytes', bytes: value.bytes, open: () => value.open() } : { kind: 'json', value };
    },
  };
}

/** A stream that the server itself answers with, in a Content-Type of its own. */
const events: Route = {
  method: 'GET',
  path: '/events',
  id: 'events',
  summary: 'Events as they happen (text/event-stream): the status when it has changed, and each journal entry.',
  status: 200,
  scope: 'read',
  cutDown: true,
  query: eventsQuery,
  errors: ['TOO_MANY_STREAMS', 'DRAINING'],
  handle: async (_control, { query }) => ({ kind: 'events', ...(query as EventsQuery) }),
};

/** What the gateway answers is passed on: its status, and a failure as the problem that it is. */
const infer: Route = {
  method: 'POST',
  path: '/deployments/{name}/infer',
  id: 'inferThroughControl',
  summary: 'One inference through a gateway, with where its time went: V2 JSON, or what /predictions takes.',
  status: 200,
  scope: 'infer',
  body: { kind: 'anything', bytesMax: playgroundBytesMax },
  answer: playgroundView,
  errors: ['DEPLOYMENT_NOT_FOUND', 'UNREACHABLE', 'OVERLOADED', 'TOO_LARGE', 'INVALID_REQUEST', 'MODEL_NOT_READY'],
  async handle(control, { params, headers, body, by, signal }) {
    const { 'content-type': contentType, 'flyball-deadline-ms': deadlineMs } = headers;
    const request = {
      body: body as Uint8Array,
      contentType,
      deadlineMs: typeof deadlineMs === 'string' ? deadlineMs : undefined,
      by,
    };
    const { traceId, timing, outcome } = await control.infer(param(params, 'name'), request, signal);
    if (outcome.kind === 'answered') {
      const { status, body: answer } = outcome;
      const head = { 'content-type': 'application/json; charset=utf-8', 'x-trace-id': traceId };
      return { kind: 'reply', status: 200, headers: head, value: { status, body: answer, timing } };
    }
    const { error } = outcome;
    const wait = error.retryAfterSeconds === undefined ? undefined : { 'retry-after': String(error.retryAfterSeconds) };
    return {
      kind: 'reply',
      status: error.status,
      headers: { 'content-type': 'application/problem+json', 'x-trace-id': traceId, ...wait },
      value: { ...toProblem(error), timing },
    };
  },
};

function isFile(value: unknown): value is { readonly bytes: number; open(): Readable } {
  return typeof value === 'object' && value !== null && 'open' in value && 'bytes' in value;
}

const json = <Body extends z.ZodType>(schema: Body) => ({ kind: 'json', schema }) as const;
const bytes = { kind: 'bytes' } as const;
/** A notification of some thousand alerts; senders have a limit of their own (`max_alerts`). */
const whole: Whole = { kind: 'whole', bytesMax: 1_048_576 };
const operation = { status: 202, answer: operationView } as const;

function numberOf(text: string | undefined, what = 'a version number'): number {
  if (text !== undefined && /^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new FlyballError('INVALID_REQUEST', `expected ${what} from 1, got ${text}`);
}

/** `labels.txt=sha256:…` → name and digest. */
function assetsOf(assets: readonly string[] | undefined): Record<string, string> {
  return Object.fromEntries(
    (assets ?? []).map((asset) => {
      const at = asset.lastIndexOf('=');
      if (at < 1) throw new FlyballError('INVALID_REQUEST', `asset: expected name=sha256:…, got ${asset}`);
      return [asset.slice(0, at), asset.slice(at + 1)];
    }),
  );
}

const param = (params: Readonly<Record<string, string>>, name: string): string => params[name] ?? '';

/** Something of one deployment, to whoever may know of that. Throws FORBIDDEN. */
function shown<Row>(row: Row, deploymentOf: (row: Row) => string, covers: (deployment: string) => boolean): Row {
  if (covers(deploymentOf(row))) return row;
  throw new FlyballError('FORBIDDEN', 'expected a key for the deployment that this is about, got one for others');
}

/** A key for one deployment may decide about its changes. */
const ofApproval: Route['concerns'] = (control, params) => control.approvalOf(param(params, 'id'));

export const routes: readonly Route[] = [
  route('GET', '/status', 'status', {
    summary: 'Everything that runs: deployments, replicas, gateways, overrides, warnings.',
    answer: statusView,
    cutDown: true,
    handle: (control, { covers }) => control.status(covers),
  }),
  route('GET', '/specification', 'getSpecification', {
    summary: 'The specification that was applied last, and what was changed beside it since.',
    answer: specificationView,
    tagged: true,
    handle: (control) => control.specification(),
  }),
  route('PUT', '/specification', 'applySpecification', {
    summary: 'Makes what runs as the specification says; overrides on what it names are dropped.',
    ...operation,
    body: json(applyRequest),
    invalid: 'INVALID_SPECIFICATION',
    etag: (control) => control.specification(),
    errors: ['PLAN_OUTDATED', 'VERSION_NOT_FOUND', 'CONFLICT', 'PRECONDITION_FAILED'],
    handle: (control, { body, precondition }) => control.apply(body, precondition),
  }),
  route('POST', '/plan', 'plan', {
    summary: 'What applying this specification would change, with a fingerprint to apply exactly that.',
    scope: 'read',
    acts: 'not',
    answer: planView,
    body: json(resolvedSpecification),
    invalid: 'INVALID_SPECIFICATION',
    handle: (control, { body }) => control.plan(body),
  }),
  route('GET', '/models', 'listModels', {
    summary: 'Models with their versions and aliases.',
    answer: z.array(modelView),
    query: namesQuery,
    next: nextBy('after', ({ name }: ModelView) => name),
    handle: async (control, { query }) => pageOf(await control.models(), ({ name }) => name, query),
  }),
  route('GET', '/models/{name}', 'getModel', {
    summary: 'One model.',
    answer: modelView,
    errors: ['MODEL_NOT_FOUND'],
    handle: (control, { params }) => control.model(param(params, 'name')),
  }),
  route('DELETE', '/models/{name}', 'removeModel', {
    summary: 'Removes a model with its versions and aliases; refused while anything uses it.',
    status: 204,
    query: byQuery,
    errors: ['MODEL_NOT_FOUND', 'CONFLICT'],
    handle: (control, { params, query }) => control.removeModel(param(params, 'name'), query.by),
  }),
  route('POST', '/models/{name}/versions', 'addVersion', {
    summary: 'Adds a version: the body is the ONNX file, or is empty when `digest` names an artefact that is there.',
    status: 201,
    query: versionQuery,
    body: bytes,
    answer: versionView,
    errors: [
      'INVALID_MODEL',
      'DIGEST_MISMATCH',
      'ARTEFACT_NOT_FOUND',
      'CONFLICT',
      'INVALID_NAME',
      'TOO_LARGE',
      'SIGNATURE_REQUIRED',
      'SIGNATURE_UNTRUSTED',
      'SIGNATURE_INVALID',
    ],
    handle: (control, { params, query: { asset, signature, ...query }, body, signal }) => {
      const { version, digest, by, source, note, modelFile } = query;
      const upload = {
        name: param(params, 'name'),
        by,
        source,
        assets: assetsOf(asset),
        ...(version === undefined ? {} : { version }),
        ...(digest === undefined ? {} : { digest }),
        ...(note === undefined ? {} : { note }),
        ...(modelFile === undefined ? {} : { modelFile }),
        ...(signature === undefined ? {} : { signatures: signature }),
      };
      return control.addVersion(upload, body as Readable | undefined, signal);
    },
  }),
  route('DELETE', '/models/{name}/versions/{version}', 'removeVersion', {
    summary: 'Removes a version; refused while an alias, a deployment or a replica uses it.',
    status: 204,
    query: byQuery,
    errors: ['MODEL_NOT_FOUND', 'VERSION_NOT_FOUND', 'CONFLICT'],
    handle: (control, { params, query }) =>
      control.removeVersion(param(params, 'name'), numberOf(params['version']), query.by),
  }),
  route('PUT', '/models/{name}/versions/{version}/signatures', 'signVersion', {
    summary: 'Adds signatures to a version; its content stays as it is.',
    answer: versionView,
    body: json(signatureRequest),
    errors: ['MODEL_NOT_FOUND', 'VERSION_NOT_FOUND', 'SIGNATURE_UNTRUSTED', 'SIGNATURE_INVALID', 'CONFLICT'],
    handle: (control, { params, body }) =>
      control.signVersion(param(params, 'name'), numberOf(params['version']), body.signatures, body.by),
  }),
  route('PUT', '/models/{name}/aliases/{alias}', 'setAlias', {
    summary: 'Points an alias at a version; deployments that follow it update themselves.',
    ...operation,
    body: json(aliasRequest),
    errors: ['MODEL_NOT_FOUND', 'VERSION_NOT_FOUND', 'INVALID_NAME'],
    handle: (control, { params, body }) =>
      control.setAlias(param(params, 'name'), param(params, 'alias'), body.version, body.by),
  }),
  route('DELETE', '/models/{name}/aliases/{alias}', 'removeAlias', {
    summary: 'Removes an alias; refused while a deployment follows it.',
    status: 204,
    query: byQuery,
    errors: ['MODEL_NOT_FOUND', 'ALIAS_NOT_FOUND', 'CONFLICT'],
    handle: (control, { params, query }) =>
      control.removeAlias(param(params, 'name'), param(params, 'alias'), query.by),
  }),
  route('PUT', '/artefacts/{digest}', 'putArtefact', {
    summary: 'Keeps a file under its digest: a model, a model.yaml, labels or samples.',
    status: 201,
    query: byQuery,
    body: bytes,
    answer: artefactView,
    errors: ['DIGEST_MISMATCH', 'TOO_LARGE'],
    handle: (control, { params, query, body, signal }) => {
      if (body === undefined) throw new FlyballError('INVALID_REQUEST', 'expected the bytes of the artefact');
      return control.putArtefact(param(params, 'digest'), body as Readable, query.by, signal);
    },
  }),
  route('GET', '/artefacts/{digest}', 'getArtefact', {
    summary: 'The bytes of an artefact.',
    errors: ['ARTEFACT_NOT_FOUND'],
    handle: (control, { params }) => control.artefact(param(params, 'digest')),
  }),
  route('HEAD', '/artefacts/{digest}', 'hasArtefact', {
    summary: 'Whether an artefact is there, and its size.',
    errors: ['ARTEFACT_NOT_FOUND'],
    handle: (control, { params }) => control.artefact(param(params, 'digest')),
  }),
  route('GET', '/deployments', 'listDeployments', {
    summary: 'Deployments with their replicas and load.',
    answer: z.array(deploymentView),
    cutDown: true,
    query: namesQuery,
    next: nextBy('after', ({ name }: DeploymentView) => name),
    handle: async (control, { query, covers }) => pageOf(await control.deployments(covers), ({ name }) => name, query),
  }),
  route('GET', '/deployments/{name}', 'getDeployment', {
    summary: 'One deployment.',
    answer: deploymentView,
    errors: ['DEPLOYMENT_NOT_FOUND'],
    handle: (control, { params }) => control.deployment(param(params, 'name')),
  }),
  route('PUT', '/deployments/{name}', 'deploy', {
    summary: 'Makes or changes a deployment beside the specification; kept as an override.',
    ...operation,
    body: json(deployRequest),
    invalid: 'INVALID_SPECIFICATION',
    etag: (control, params) => control.deploymentSpecification(param(params, 'name')),
    errors: ['MODEL_NOT_FOUND', 'VERSION_NOT_FOUND', 'ALIAS_NOT_FOUND', 'INVALID_NAME', 'PRECONDITION_FAILED'],
    handle: (control, { params, body, precondition }) => control.deploy(param(params, 'name'), body, precondition),
  }),
  route('DELETE', '/deployments/{name}', 'removeDeployment', {
    summary: 'Drains and ends every replica of a deployment and forgets it.',
    ...operation,
    query: byQuery,
    errors: ['DEPLOYMENT_NOT_FOUND'],
    handle: (control, { params, query }) => control.removeDeployment(param(params, 'name'), query.by),
  }),
  route('POST', '/deployments/{name}/scale', 'scale', {
    summary: 'Sets how many replicas are wanted, within the bounds; kept as an override.',
    ...operation,
    scope: 'operate',
    body: json(scaleRequest),
    errors: ['DEPLOYMENT_NOT_FOUND', 'OUT_OF_BOUNDS'],
    handle: (control, { params, body }) => control.scale(param(params, 'name'), body),
  }),
  route('GET', '/deployments/{name}/why', 'why', {
    summary: 'Why it has the replicas that it has: the decision of now, or the one in force at `at`.',
    query: whyQuery,
    answer: whyView,
    errors: ['DEPLOYMENT_NOT_FOUND'],
    handle: (control, { params, query }) => control.why(param(params, 'name'), query.at),
  }),
  route('GET', '/deployments/{name}/latency-model', 'getLatencyModel', {
    summary: 'What its calls, starts and ends have taken lately, as distributions: what a rehearsal draws from.',
    answer: latencyModelView,
    errors: ['DEPLOYMENT_NOT_FOUND'],
    handle: (control, { params }) => control.latencyModel(param(params, 'name')),
  }),
  route('GET', '/deployments/{name}/specification', 'getDeploymentSpecification', {
    summary: 'What it was asked to be, with every default.',
    answer: deploymentSpecification,
    tagged: true,
    errors: ['DEPLOYMENT_NOT_FOUND'],
    handle: (control, { params }) => control.deploymentSpecification(param(params, 'name')),
  }),
  route('GET', '/deployments/{name}/series', 'series', {
    summary: 'What was recorded of it: load, latencies, replicas; by the second for a day, by the minute for a month.',
    query: seriesQuery,
    answer: seriesView,
    errors: ['DEPLOYMENT_NOT_FOUND'],
    handle: (control, { params, query }) => control.series(param(params, 'name'), query),
  }),
  route('GET', '/deployments/{name}/requests', 'listRequests', {
    summary: 'Single requests that gateways remember: of each minute the slowest, the failed, and some; slowest first.',
    query: requestsQuery,
    answer: z.array(requestView),
    errors: ['DEPLOYMENT_NOT_FOUND'],
    handle: (control, { params, query }) => control.requests(param(params, 'name'), query),
  }),
  infer,
  route('GET', '/requests/{traceId}', 'getTrace', {
    summary: 'What is remembered of a trace: the requests of it, each with its way through queue, batch and replica.',
    cutDown: true,
    answer: traceView,
    errors: ['REQUEST_NOT_FOUND'],
    handle: (control, { params, covers }) => control.trace(param(params, 'traceId'), covers),
  }),
  route('GET', '/deployments/{name}/rehearsals', 'listRehearsalsOf', {
    summary: 'Rehearsals that were made of it, newest first.',
    query: rehearsalsQuery,
    answer: z.array(rehearsalView),
    errors: ['DEPLOYMENT_NOT_FOUND'],
    next: nextBy('before', ({ id }: RehearsalView) => id),
    handle: (control, { params, query }) => control.rehearsals({ ...query, deployment: param(params, 'name') }),
  }),
  route('POST', '/deployments/{name}/rehearsals', 'keepRehearsal', {
    summary:
      'Keeps what came of a rehearsal, so that a mode may rest on it; the last hundred of the platform are kept.',
    status: 201,
    scope: 'operate',
    body: json(rehearsalRequest),
    answer: rehearsalView,
    errors: ['DEPLOYMENT_NOT_FOUND'],
    handle: (control, { params, body }) => control.keepRehearsal(param(params, 'name'), body),
  }),
  route('GET', '/deployments/{name}/mode', 'getMode', {
    summary: 'Who may change its target, since when and why.',
    answer: modeView,
    tagged: true,
    errors: ['DEPLOYMENT_NOT_FOUND'],
    handle: (control, { params }) => control.mode(param(params, 'name')),
  }),
  route('POST', '/deployments/{name}/rehearsals/run', 'runRehearsal', {
    summary:
      'Rehearses it here, one at a time and after everything else; the operation names the rehearsal that came of it.',
    ...operation,
    scope: 'operate',
    body: json(rehearsalRunRequest),
    errors: ['DEPLOYMENT_NOT_FOUND', 'REHEARSAL_BUSY', 'REHEARSAL_TOO_LARGE'],
    handle: (control, { params, body }) => control.runRehearsal(param(params, 'name'), body),
  }),
  route('PUT', '/deployments/{name}/mode', 'setMode', {
    summary: 'Who may change its target: people (advise), the governor once one agrees (approve), the governor (auto).',
    scope: 'operate',
    body: json(modeRequest),
    answer: modeView,
    tagged: true,
    etag: (control, params) => control.mode(param(params, 'name')),
    errors: ['DEPLOYMENT_NOT_FOUND', 'REHEARSAL_NOT_FOUND', 'REHEARSAL_UNFIT', 'PRECONDITION_FAILED'],
    handle: (control, { params, body, precondition }) => control.setMode(param(params, 'name'), body, precondition),
  }),
  route('PUT', '/deployments/{name}/halt', 'haltDeployment', {
    summary: 'Stops every automatic change of its target at once, until it is released.',
    scope: 'operate',
    acts: 'freely',
    body: json(deploymentHaltRequest),
    answer: governorView,
    errors: ['DEPLOYMENT_NOT_FOUND'],
    handle: (control, { params, body }) => control.halt({ ...body, scope: 'targets' }, param(params, 'name')),
  }),
  route('DELETE', '/deployments/{name}/halt', 'releaseDeployment', {
    summary: 'Lets its target be changed again, as its mode says.',
    scope: 'operate',
    query: releaseQuery,
    answer: governorView,
    errors: ['DEPLOYMENT_NOT_FOUND', 'CONFLICT'],
    handle: (control, { params, query }) => control.release(query, param(params, 'name')),
  }),
  route('GET', '/governor', 'getGovernor', {
    summary: 'Whether it is halted, and the changes that wait for a person.',
    cutDown: true,
    answer: governorView,
    handle: (control, { covers }) => control.governor(covers),
  }),
  route('PUT', '/governor/halt', 'halt', {
    summary: 'Stops every automatic change of a target at once, until it is released; `all`: upkeep too.',
    scope: 'operate',
    acts: 'freely',
    body: json(haltRequest),
    answer: governorView,
    handle: (control, { body }) => control.halt(body),
  }),
  route('DELETE', '/governor/halt', 'release', {
    summary: 'Lets targets be changed again, as the modes say.',
    scope: 'operate',
    query: releaseQuery,
    answer: governorView,
    errors: ['CONFLICT'],
    handle: (control, { query }) => control.release(query),
  }),
  route('POST', '/approvals/{id}/approve', 'approve', {
    summary: 'Carries out a change that waits, exactly as it was shown.',
    scope: 'operate',
    concerns: ofApproval,
    body: json(approveRequest),
    answer: approvalView,
    errors: ['APPROVAL_NOT_FOUND', 'CONFLICT'],
    handle: (control, { params, body }) => control.approve(param(params, 'id'), body.by),
  }),
  route('POST', '/approvals/{id}/reject', 'reject', {
    summary: 'Refuses a change that waits; it is not asked for again at once.',
    scope: 'operate',
    concerns: ofApproval,
    body: json(rejectRequest),
    answer: approvalView,
    errors: ['APPROVAL_NOT_FOUND'],
    handle: (control, { params, body }) => control.reject(param(params, 'id'), body),
  }),
  route('GET', '/rehearsals', 'listRehearsals', {
    summary: 'Rehearsals that were made of deployments here, newest first.',
    query: rehearsalsQuery,
    answer: z.array(rehearsalView),
    cutDown: true,
    next: nextBy('before', ({ id }: RehearsalView) => id),
    handle: (control, { query, only }) => control.rehearsals({ ...query, deployments: only }),
  }),
  route('GET', '/rehearsals/{id}', 'getRehearsal', {
    summary: 'One rehearsal, with its course over time and whether a mode may rest on it now.',
    answer: rehearsalDetail,
    cutDown: true,
    errors: ['REHEARSAL_NOT_FOUND'],
    handle: async (control, { params, covers }) =>
      shown(await control.rehearsal(param(params, 'id')), ({ deployment }) => deployment, covers),
  }),
  route('GET', '/rehearsal-choices', 'getRehearsalChoices', {
    summary: 'What a rehearsal can be made of: shapes, policies, faults and lags, with what can be set on them.',
    answer: rehearsalChoices,
    cutDown: true,
    handle: (control) => control.rehearsalChoices(),
  }),
  route('POST', '/webhooks/{sender}', 'receiveAlerts', {
    summary: 'Takes a notification of Grafana (`grafana`) or Alertmanager (`alertmanager`), signed or with its bearer.',
    scope: 'own',
    acts: 'freely',
    body: whole,
    answer: alertsTaken,
    errors: ['UNAUTHENTICATED', 'NOT_FOUND', 'WEBHOOK_REPLAYED', 'TOO_LARGE', 'INVALID_JSON', 'SECRET_UNUSABLE'],
    handle: (control, { params, headers, body }) =>
      control.receiveAlerts(param(params, 'sender'), headers, body as Buffer),
  }),
  route('GET', '/alerts', 'listAlerts', {
    summary: 'Alerts that came by webhook, and what playbooks did about them; the newest first.',
    query: alertsQuery,
    answer: alertsView,
    next: ({ limit, skip }, { alerts, actions }: AlertsView) =>
      Math.max(alerts.length, actions.length) < limit ? undefined : { skip: skip + limit },
    handle: (control, { query }) => control.alerts(query),
  }),
  route('GET', '/notifications', 'listNotifications', {
    summary: 'Channels by which people are told what happened: what each holds, sent and left out.',
    answer: notificationsView,
    handle: (control) => control.notifications(),
  }),
  route('POST', '/notifications/{name}/test', 'testNotification', {
    summary: 'Sends a message to a channel now, and answers what its receiver said.',
    scope: 'operate',
    body: json(notificationTestRequest),
    answer: notificationTest,
    errors: ['NOT_FOUND', 'CONFLICT'],
    handle: (control, { params, body }) => control.testNotification(param(params, 'name'), body.by),
  }),
  route('GET', '/operations', 'listOperations', {
    summary: 'What was asked for lately, newest first.',
    answer: z.array(operationView),
    cutDown: true,
    query: operationsQuery,
    next: nextBy('before', ({ id }: OperationView) => id),
    handle: (control, { query, only }) => control.operations({ ...query, subjects: only }),
  }),
  route('GET', '/operations/{id}', 'getOperation', {
    summary: 'One operation; with `waitMs` the answer waits for more than `after` steps or for the end.',
    answer: operationView,
    query: operationQuery,
    cutDown: true,
    errors: ['OPERATION_NOT_FOUND'],
    handle: async (control, { params, query, signal, covers }) => {
      const subject = ({ subject: of }: OperationView): string => of;
      // Before it is waited for: whoever may not see it is told so at once.
      shown(await control.operation(param(params, 'id'), undefined, 0, signal), subject, covers);
      return control.operation(param(params, 'id'), query.after, query.waitMs, signal);
    },
  }),
  route('DELETE', '/operations/{id}', 'cancelOperation', {
    summary: 'Ends an operation before it is done, where that harms nothing: a rehearsal.',
    scope: 'operate',
    concerns: (control, params) => control.rehearsedBy(param(params, 'id')),
    query: byQuery,
    answer: operationView,
    errors: ['OPERATION_NOT_FOUND', 'CONFLICT'],
    handle: (control, { params, query }) => control.cancelOperation(param(params, 'id'), query.by),
  }),
  route('GET', '/journal', 'readJournal', {
    summary: 'Decisions, actions, mode changes and what people did; with `waitMs` it waits for the next.',
    query: journalQuery,
    answer: z.array(journalEntry),
    cutDown: true,
    next: (query, rows: readonly JournalEntryView[]) =>
      nextBy(query.order === 'newest' ? 'before' : 'after', ({ id }: JournalEntryView) => id)(query, rows),
    handle: (control, { query: { order, waitMs, ...filter }, signal, only }) =>
      control.journal({ ...filter, subjects: only, newestFirst: order === 'newest' }, waitMs, signal),
  }),
  route('GET', '/journal/verify', 'verifyJournal', {
    summary: 'Whether the journal is as it was written; names the first entry that is not.',
    answer: journalVerdict,
    handle: (control) => control.verifyJournal(),
  }),
  route('GET', '/journal/{id}', 'getJournalEntry', {
    summary: 'One entry of the journal.',
    answer: journalEntry,
    cutDown: true,
    errors: ['ENTRY_NOT_FOUND'],
    handle: async (control, { params, covers }) =>
      shown(await control.journalEntry(numberOf(params['id'], 'an entry number')), ({ subject }) => subject, covers),
  }),
  events,
  route('GET', '/caller', 'getCaller', {
    summary: 'Who the caller is, and what its key allows.',
    scope: 'any',
    answer: callerView,
    handle: (_control, { access }) => access.caller(),
  }),
  route('POST', '/sign-in', 'signIn', {
    summary: 'Takes a key once and sets a cookie in its place, for browsers; where no keys are required it sets none.',
    scope: 'own',
    acts: 'freely',
    body: json(signInRequest),
    bodyBytesMax: 1024,
    answer: callerView,
    errors: ['UNAUTHENTICATED', 'RATE_LIMITED', 'TOO_LARGE'],
    handle: (_control, { access, body }) => access.signIn(body.key),
  }),
  route('POST', '/sign-out', 'signOut', {
    summary: 'Ends the sign-in of the cookie and clears it.',
    status: 204,
    scope: 'any',
    acts: 'freely',
    handle: (_control, { access }) => access.signOut(),
  }),
  route('GET', '/keys', 'listKeys', {
    summary: 'API keys, without what opens: that is shown once, when a key is made.',
    scope: 'admin',
    answer: z.array(keyView),
    query: keysQuery,
    next: nextBy('after', ({ id }: KeyView) => id),
    handle: async (control, { query }) => pageOf(await control.keys(), ({ id }) => id, query),
  }),
  route('POST', '/keys', 'createKey', {
    summary: 'Makes an API key; its secret is in this answer and nowhere else.',
    status: 201,
    body: json(keyRequest),
    answer: keyCreated,
    answersSecret: true,
    errors: ['CONFLICT'],
    handle: (control, { body }) => control.createKey(body),
  }),
  route('DELETE', '/keys/{id}', 'revokeKey', {
    summary: 'Revokes an API key; it answers when the gateways have confirmed it.',
    query: byQuery,
    answer: revokedKey,
    errors: ['KEY_NOT_FOUND', 'CONFLICT'],
    handle: (control, { params, query }) => control.revokeKey(param(params, 'id'), query.by),
  }),
  route('GET', '/nodes', 'listNodes', {
    summary: 'Machines that replicas run on: processors, memory, disk and network, and what each replica uses.',
    answer: z.array(nodeView),
    cutDown: true,
    handle: (control, { covers }) => control.nodes(covers),
  }),
  route('POST', '/shutdown', 'shutdown', {
    summary: 'Drains and stops the whole platform.',
    status: 202,
    body: json(shutdownRequest),
    handle: (control, { body }) => {
      control.shutdown(body.by);
      return {};
    },
  }),
];
