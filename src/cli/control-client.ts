/**
 * The control API as typed functions. It speaks to the server and to nobody else, retries nothing, and turns every
 * problem document back into the error of the catalogue that it was. It is not the inference client.
 * Types come from the API's schemas; answers are not validated again, so that no verb has to load the validator.
 */
import { createReadStream } from 'node:fs';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import type { Readable } from 'node:stream';
import type * as z from 'zod';
import type {
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
  ModelView,
  modeRequest,
  ModeView,
  OperationView,
  PlanView,
  Problem,
  ResolvedSpecification,
  RevokedKey,
  SpecificationView,
  StatusView,
  VersionView,
  WhyView,
} from '../api/schemas.ts';
import type { deploymentSpecification } from '../config/specification.ts';
import { catalogue, FlyballError, type ErrorCode } from '../errors.ts';
import type { TlsAccess } from './tls-access.ts';
import { UsageError } from './exit-codes.ts';

/** Time for one answer; a long poll adds its own wait. */
const answerMsMax = 30_000;
const answerBytesMax = 64 * 1024 * 1024;

export type Body =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'path'; readonly path: string; readonly size: number }
  /** Read when it is sent, and only then. */
  | { readonly kind: 'stream'; readonly open: () => Readable; readonly size: number };

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

export interface ControlClient {
  readonly url: string;
  status(signal: AbortSignal): Promise<StatusView>;
  specification(signal: AbortSignal): Promise<SpecificationView>;
  plan(resolved: ResolvedSpecification, signal: AbortSignal): Promise<PlanView>;
  apply(order: ApplyOrder, signal: AbortSignal): Promise<OperationView>;
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
  putArtefact(digest: string, body: Body, signal: AbortSignal): Promise<ArtefactView>;
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
  setMode(name: string, request: z.input<typeof modeRequest>, signal: AbortSignal): Promise<ModeView>;
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

export interface ControlClientOptions {
  /** A Unix socket in place of the URL's address; messages still name the URL. */
  readonly socketPath?: string | undefined;
  /** Whom to trust, and who we are, over https. */
  readonly tls?: TlsAccess | undefined;
  readonly url: string;
  /** Or where to look for it at each call. */
  readonly apiKey?: string | (() => string | undefined) | undefined;
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | readonly string[] | undefined>>;
  readonly json?: unknown;
  readonly body?: Body;
  readonly waitMs?: number;
}

export function controlClient(options: ControlClientOptions): ControlClient {
  const base = baseUrl(options.url);

  async function call<Answer>(what: Call, signal: AbortSignal): Promise<Answer> {
    const response = await send(base, options, what, signal);
    const text = await readText(response, base);
    if (response.statusCode === undefined || response.statusCode >= 400) throw problemOf(response, text, base);
    if (text === '') return undefined as Answer;
    try {
      return JSON.parse(text) as Answer;
    } catch (error) {
      throw new FlyballError('PROTOCOL', `${base.origin} answered ${what.path} with something that is not JSON`, {
        cause: error,
      });
    }
  }
  const part = encodeURIComponent;

  return {
    url: base.href.replace(/\/$/, ''),
    status: (signal) => call({ method: 'GET', path: 'status' }, signal),
    specification: (signal) => call({ method: 'GET', path: 'specification' }, signal),
    plan: (resolved, signal) => call({ method: 'POST', path: 'plan', json: resolved }, signal),
    apply: (order, signal) => call({ method: 'PUT', path: 'specification', json: order }, signal),
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
    async hasArtefact(digest, signal) {
      const what = { method: 'HEAD', path: `artefacts/${digest}` };
      const response = await send(base, options, what, signal);
      response.resume();
      if (response.statusCode === 404) return false;
      if (response.statusCode === 200 || response.statusCode === 204) return true;
      throw problemOf(response, '', base);
    },
    putArtefact: (digest, body, signal) => call({ method: 'PUT', path: `artefacts/${digest}`, body }, signal),
    deployment: (name, signal) => call({ method: 'GET', path: `deployments/${part(name)}` }, signal),
    deploy: (name, order, signal) => call({ method: 'PUT', path: `deployments/${part(name)}`, json: order }, signal),
    scale: (name, order, signal) =>
      call({ method: 'POST', path: `deployments/${part(name)}/scale`, json: order }, signal),
    removeDeployment: (name, by, signal) =>
      call({ method: 'DELETE', path: `deployments/${part(name)}`, query: { by } }, signal),
    operation: (id, after, waitMs, signal) =>
      call({ method: 'GET', path: `operations/${part(id)}`, query: { after, waitMs }, waitMs }, signal),
    why: (name, at, signal) => call({ method: 'GET', path: `deployments/${part(name)}/why`, query: { at } }, signal),
    setMode: (name, request, signal) =>
      call({ method: 'PUT', path: `deployments/${part(name)}/mode`, json: request }, signal),
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

function baseUrl(text: string): URL {
  let url: URL | undefined;
  try {
    url = new URL(text.includes('://') ? text : `http://${text}`);
  } catch {
    throw new UsageError(`expected the control API's address such as http://127.0.0.1:8080, got ${text}`);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new UsageError(`expected an http:// or https:// address of the control API, got ${text}`);
  return url;
}

function sourceOf(body: Body | undefined): Readable | undefined {
  if (body?.kind === 'path') return createReadStream(body.path);
  return body?.kind === 'stream' ? body.open() : undefined;
}

async function send(
  base: URL,
  options: ControlClientOptions,
  what: Call,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(what.query ?? {})) {
    if (value === undefined) continue;
    for (const each of Array.isArray(value) ? (value as readonly string[]) : [value]) query.append(name, String(each));
  }
  const search = query.size === 0 ? '' : `?${query.toString()}`;
  const json = what.json === undefined ? undefined : Buffer.from(JSON.stringify(what.json));
  const size = json?.length ?? (what.body?.kind === 'bytes' ? what.body.bytes.length : what.body?.size);
  const apiKey = typeof options.apiKey === 'function' ? options.apiKey() : options.apiKey;
  const { socketPath, tls } = options;
  const target =
    socketPath === undefined
      ? { hostname: base.hostname.replace(/^\[|\]$/g, ''), port: base.port, ...tls }
      : { socketPath };
  const request: RequestOptions = {
    method: what.method,
    ...target,
    path: `${base.pathname.replace(/\/$/, '')}/api/v1/${what.path}${search}`,
    signal,
    headers: {
      accept: 'application/json, application/problem+json',
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
      ...(size === undefined ? {} : { 'content-length': size }),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...(what.body === undefined ? {} : { 'content-type': 'application/octet-stream' }),
    },
  };
  const open =
    base.protocol === 'https:' && socketPath === undefined ? (await import('node:https')).request : httpRequest;
  const source = sourceOf(what.body);
  return await new Promise<IncomingMessage>((resolve, reject) => {
    const outgoing = open(request, (response) => {
      outgoing.setTimeout(0);
      resolve(response);
    });
    const timeoutMs = answerMsMax + (what.waitMs ?? 0);
    // An upload may be long; only silence counts, and a socket that is being written to is not silent.
    outgoing.setTimeout(timeoutMs, () => {
      outgoing.destroy(new FlyballError('UNREACHABLE', `${base.origin} gave no answer within ${timeoutMs / 1000} s`));
    });
    outgoing.on('error', (error) => {
      source?.destroy();
      reject(unreachable(error, base));
    });
    if (source === undefined) {
      outgoing.end(json ?? (what.body?.kind === 'bytes' ? what.body.bytes : undefined));
    } else {
      source.on('error', (error) => outgoing.destroy(error));
      source.pipe(outgoing);
    }
  });
}

function unreachable(error: NodeJS.ErrnoException, base: URL): Error {
  if (error instanceof FlyballError || error.name === 'AbortError') return error;
  if (error.code === 'ENOENT' || error.code === 'EACCES') return error;
  const words = error.code === 'ECONNREFUSED' ? 'nothing listens there' : error.message;
  return new FlyballError('UNREACHABLE', `the control API at ${base.origin} cannot be reached: ${words}`, {
    cause: error,
  });
}

async function readText(response: IncomingMessage, base: URL): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > answerBytesMax)
        throw new FlyballError('PROTOCOL', `${base.origin} answered with more than ${answerBytesMax} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof FlyballError) throw error;
    throw unreachable(error as NodeJS.ErrnoException, base);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function problemOf(response: IncomingMessage, text: string, base: URL): FlyballError {
  let problem: Partial<Problem> | undefined;
  try {
    problem = JSON.parse(text) as Partial<Problem>;
  } catch {
    problem = undefined;
  }
  // A problem without words is not one of the control API's: the inference port, for one, answers so.
  const words = problem?.detail ?? problem?.title;
  if (typeof problem?.code === 'string' && words !== undefined && Object.hasOwn(catalogue, problem.code)) {
    const retryAfter = Number(response.headers['retry-after']);
    return new FlyballError(
      problem.code as ErrorCode,
      words,
      Number.isFinite(retryAfter) ? { retryAfterSeconds: retryAfter } : {},
    );
  }
  return new FlyballError(
    'PROTOCOL',
    `${base.origin} answered HTTP ${response.statusCode} and not as the control API does; is its address another one?`,
  );
}
