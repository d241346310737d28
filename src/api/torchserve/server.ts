/**
 * The listener for TorchServe's management clients, on a bound handle: paths, query strings and error bodies as those
 * clients know them. It is off unless `listeners.management` is there, and asks for keys where the control API does.
 * Invariant: every answer that is an error is `{"code", "type", "message"}`.
 */
import { randomUUID } from 'node:crypto';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Authenticator, KeyHolder } from '../../auth/authenticator.ts';
import { presentedKey } from '../../auth/key.ts';
import type { Scope } from '../../core/access/scopes.ts';
import { challenge, FlyballError, toFlyballError } from '../../errors.ts';
import { torchServeError } from '../../protocol/torchserve/errors.ts';
import { publish } from '../../telemetry/events.ts';
import { contextOptions, serverOptions, type TlsMaterial } from '../../tls/certificate.ts';
import { checkOrigin, isLoopbackName } from '../../protocol/origin-check.ts';
import { toApiError } from '../problems.ts';
import type { TorchServeManagement } from './management.ts';
import type { Outcome } from './outcome.ts';
import { managementDescription } from './description.ts';

export interface ManagementServerOptions {
  readonly management: TorchServeManagement;
  /** Of this software. */
  readonly version: string;
  /** Where callers need a key. */
  readonly auth: Authenticator | undefined;
  readonly limits: { readonly headerBytesMax: number; readonly connectionsMax: number };
  readonly tls: TlsMaterial | undefined;
  readonly handle: object;
}

export interface ManagementServer extends AsyncDisposable {
  drain(deadlineMs: number): Promise<void>;
  /** New connections get this certificate. */
  renew(tls: TlsMaterial): void;
}

/** A description of a model to register, as JSON. */
const bodyBytesMax = 65_536;
/** Registering with workers waits until they are there. */
const requestTimeoutMs = 3_600_000;
const requestIdMax = 128;

interface Exchange {
  readonly method: string;
  /** After /models: name, version, action. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly request: IncomingMessage;
  readonly holder: KeyHolder | undefined;
  readonly signal: AbortSignal;
}

export async function startManagementServer(options: ManagementServerOptions): Promise<ManagementServer> {
  const { management, limits, auth } = options;
  const closing = new AbortController();
  let loopback = true;

  async function answer(exchange: Exchange): Promise<Outcome> {
    const { method, segments, query, request, holder, signal } = exchange;
    const [name, version, action] = segments;
    const by = holder?.name ?? 'torchserve client';
    const need = (scope: Scope): void => {
      if (holder !== undefined) tellingOf(holder, () => holder.require({ anyOf: [scope], deployment: name }));
    };
    const allow = (...methods: readonly string[]): FlyballError =>
      new FlyballError('METHOD_NOT_ALLOWED', `expected ${methods.join(' or ')} for this path, got ${method}`);
    if (segments.length > 3 || (action !== undefined && action !== 'set-default')) throw notFound(request);
    if (name === undefined) {
      if (method === 'GET') {
        need('read');
        return management.list(integer(query, 'limit') ?? 100, integer(query, 'next_page_token') ?? 0);
      }
      if (method !== 'POST') throw allow('GET', 'POST');
      need('admin');
      return management.register(toRegisterOrder(await registerFields(request, query)), by, signal);
    }
    if (action === 'set-default') {
      if (method !== 'PUT') throw allow('PUT');
      need('admin');
      return management.setDefault(name, version ?? '', by, signal);
    }
    switch (method) {
      case 'GET':
        need('read');
        return management.describe(name, version);
      case 'PUT': {
        need('operate');
        const min = integer(query, 'min_worker') ?? 1;
        const max = integer(query, 'max_worker') ?? min;
        if (max < min) throw new FlyballError('INVALID_REQUEST', 'max_worker cannot be less than min_worker.');
        const order = {
          min: within(min, 'min_worker'),
          max: within(max, 'max_worker'),
          synchronous: isTrue(query.get('synchronous')),
        };
        return management.scale(name, version ?? query.get('model_version') ?? undefined, order, by, signal);
      }
      case 'DELETE':
        need('admin');
        return management.unregister(name, version, by, signal);
      default:
        throw allow('GET', 'PUT', 'DELETE');
    }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const given = request.headers['x-request-id'];
    const requestId = typeof given === 'string' && given.length <= requestIdMax ? given : randomUUID();
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const send = (status: number, text: string, headers: Readonly<Record<string, string>> = {}): void => {
      if (response.headersSent || response.destroyed) return;
      const length = Buffer.byteLength(text);
      response.writeHead(status, {
        'content-type': 'application/json',
        'content-length': length,
        'x-request-id': requestId,
        'cache-control': 'no-store',
        ...headers,
      });
      response.end(request.method === 'HEAD' ? undefined : text);
    };
    try {
      checkOrigin(request, loopback);
      if (closing.signal.aborted) throw new FlyballError('DRAINING', 'the platform is stopping');
      const url = new URL(request.url ?? '/', 'http://localhost');
      const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET');
      if (url.pathname === '/ping' && method === 'GET') {
        send(200, '{"status":"Healthy"}');
        return;
      }
      const holder = auth === undefined ? undefined : enter(auth, request);
      const isRoot = url.pathname === '/' || url.pathname === '/api-description';
      if (isRoot && (method === 'OPTIONS' || method === 'GET')) {
        send(200, JSON.stringify(managementDescription(options.version)));
        return;
      }
      const [, first, ...segments] = url.pathname.replace(/\/$/, '').split('/').map(decode);
      if (first !== 'models') throw notFound(request);
      if (method === 'OPTIONS') {
        send(200, JSON.stringify(managementDescription(options.version)));
        return;
      }
      const signal = AbortSignal.any([gone.signal, closing.signal]);
      const { status, value } = await answer({ method, segments, query: url.searchParams, request, holder, signal });
      send(status, `${JSON.stringify(value, null, 2)}\n`);
    } catch (thrown) {
      const error = thrown instanceof FlyballError ? thrown : toApiError(thrown);
      if (error.code === 'INTERNAL') {
        publish('flyball:fault', {
          where: `management ${request.method} ${request.url}`,
          message: `${error.message} (request ${requestId})`,
          error: thrown,
        });
      }
      request.resume();
      send(error.status, `${torchServeError(error)}\n`, {
        ...(error.code === 'UNAUTHENTICATED' && { 'www-authenticate': challenge }),
        ...(error.retryAfterSeconds !== undefined && { 'retry-after': String(error.retryAfterSeconds) }),
      });
    }
  }

  const settings = { maxHeaderSize: limits.headerBytesMax, requestTimeout: requestTimeoutMs };
  const listener: http.RequestListener = (request, response) => void handle(request, response);
  const secure =
    options.tls === undefined
      ? undefined
      : https.createServer({ ...settings, ...serverOptions(options.tls) }, listener);
  const server = secure ?? http.createServer(settings, listener);
  server.maxConnections = limits.connectionsMax;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.handle, resolve);
  });
  loopback = isLoopbackName((server.address() as AddressInfo).address);

  async function drain(deadlineMs: number): Promise<void> {
    closing.abort();
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    server.closeIdleConnections();
    const cut = setTimeout(() => server.closeAllConnections(), deadlineMs);
    await closed;
    clearTimeout(cut);
  }
  const renew = (tls: TlsMaterial): void => secure?.setSecureContext(contextOptions(tls));
  return { drain, renew, [Symbol.asyncDispose]: () => drain(0) };
}

const notFound = ({ url }: IncomingMessage): FlyballError =>
  new FlyballError('NOT_FOUND', `Requested resource is not found, please refer to API document: ${url}`);

/** Throws UNAUTHENTICATED, RATE_LIMITED. */
function enter(auth: Authenticator, request: IncomingMessage): KeyHolder {
  const { authorization, 'x-api-key': apiKey } = request.headers;
  const presented = presentedKey(authorization, typeof apiKey === 'string' ? apiKey : undefined);
  const holder = tellingOf(undefined, () => auth.authenticate(presented, request.socket));
  tellingOf(holder, () => holder.admit());
  return holder;
}

/** Whoever is turned away for the key is told of. */
function tellingOf<T>(holder: KeyHolder | undefined, ask: () => T): T {
  try {
    return ask();
  } catch (thrown) {
    publish('flyball:refusal', { listener: 'management', code: toFlyballError(thrown).code, by: holder?.name });
    throw thrown;
  }
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new FlyballError('INVALID_NAME', `expected a name in percent-encoded UTF-8, got ${segment}`, { cause });
  }
}

const isTrue = (text: string | null | undefined): boolean => text?.toLowerCase() === 'true';

function toInteger(text: string, key: string): number {
  if (/^-?\d{1,9}$/.test(text)) return Number(text);
  throw new FlyballError(
    'INVALID_REQUEST',
    `${key}: expected a whole number, got ${JSON.stringify(text.slice(0, 40))}`,
  );
}

function integer(query: URLSearchParams, key: string): number | undefined {
  const text = query.get(key);
  return text === null || text === '' ? undefined : toInteger(text, key);
}

function within(workers: number, key: string): number {
  if (workers >= 0 && workers <= 1000) return workers;
  throw new FlyballError('INVALID_REQUEST', `${key}: expected 0 to 1000 workers, got ${workers}`);
}

/** From the query, or from a JSON body where the client sends one. */
async function registerFields(request: IncomingMessage, query: URLSearchParams): Promise<ReadonlyMap<string, string>> {
  const fields = new Map(query);
  if (request.headers['content-type']?.startsWith('application/json') !== true) return fields;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength;
    if (size > bodyBytesMax)
      throw new FlyballError('TOO_LARGE', `expected a body of at most ${bodyBytesMax} bytes, got more`);
    chunks.push(chunk);
  }
  if (size === 0) return fields;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (cause) {
    throw new FlyballError('INVALID_JSON', `expected JSON: ${(cause as Error).message}`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FlyballError('INVALID_REQUEST', 'expected an object with url and other fields');
  }
  for (const [key, given] of Object.entries(value)) {
    if (!['string', 'number', 'boolean'].includes(typeof given)) {
      throw new FlyballError('INVALID_REQUEST', `${key}: expected text, a number or true or false`);
    }
    fields.set(key, String(given));
  }
  return fields;
}

function toRegisterOrder(fields: ReadonlyMap<string, string>) {
  const text = (key: string): string | undefined => fields.get(key) || undefined;
  const whole = (key: string, most: number): number | undefined => {
    const given = text(key);
    if (given === undefined) return undefined;
    const value = toInteger(given, key);
    if (value < 0 || value > most)
      throw new FlyballError('INVALID_REQUEST', `${key}: expected 0 to ${most}, got ${value}`);
    return value;
  };
  // -1 is how some clients say "the default".
  const seconds = text('response_timeout') === '-1' ? undefined : whole('response_timeout', 86_400);
  const url = text('url') ?? text('model_url');
  if (url === undefined) throw new FlyballError('INVALID_REQUEST', 'Parameter url is required.');
  if (isTrue(text('s3_sse_kms')))
    throw new FlyballError('NOT_IMPLEMENTED', 's3_sse_kms: archives are read from the model store only');
  const modelName = text('model_name');
  const handler = text('handler');
  const batchSize = whole('batch_size', 1024);
  const maxBatchDelay = whole('max_batch_delay', 1000);
  const initialWorkers = whole('initial_workers', 1000);
  return {
    url,
    synchronous: isTrue(text('synchronous')),
    ...(modelName !== undefined && { modelName }),
    ...(handler !== undefined && { handler }),
    ...(batchSize !== undefined && { batchSize }),
    ...(maxBatchDelay !== undefined && { maxBatchDelay }),
    ...(initialWorkers !== undefined && { initialWorkers }),
    ...(seconds !== undefined && { responseTimeout: seconds }),
  };
}
