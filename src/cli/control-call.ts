/**
 * One call of the control API over HTTP. It speaks to the server and to nobody else, retries nothing, and turns every
 * problem document back into the error of the catalogue that it was.
 */
import { createReadStream } from 'node:fs';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import type { Readable } from 'node:stream';
import type { Problem } from '../api/schemas.ts';
import { catalogue, FlyballError, type ErrorCode } from '../errors.ts';
import { UsageError } from './exit-codes.ts';
import type { TlsAccess } from './tls-access.ts';

/** Time for one answer; a long poll adds its own wait. */
const answerMsMax = 30_000;
const answerBytesMax = 64 * 1024 * 1024;

export type Body =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'path'; readonly path: string; readonly size: number }
  /** Read when it is sent, and only then. */
  | { readonly kind: 'stream'; readonly open: () => Readable; readonly size: number };

export interface ControlAddress {
  /** A Unix socket in place of the URL's address; messages still name the URL. */
  readonly socketPath?: string | undefined;
  /** Whom to trust, and who we are, over https. */
  readonly tls?: TlsAccess | undefined;
  readonly url: string;
  /** Further addresses of the same control, of which one at a time acts. */
  readonly others?: readonly string[] | undefined;
  /** Or where to look for it at each call. */
  readonly apiKey?: string | (() => string | undefined) | undefined;
}

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | readonly string[] | undefined>>;
  readonly json?: unknown;
  readonly body?: Body;
  readonly waitMs?: number;
}

export interface ControlCalls {
  readonly url: string;
  /** The answer as the API's schemas have it; it is not validated again. Errors of the catalogue, and UNREACHABLE. */
  readonly call: <Answer>(what: Call, signal: AbortSignal) => Promise<Answer>;
  /** Whether there is something at a path. */
  readonly exists: (path: string, signal: AbortSignal) => Promise<boolean>;
}

export function controlCalls(options: ControlAddress): ControlCalls {
  const first = baseUrl(options.url);
  const find = options.others === undefined || options.others.length === 0 ? undefined : finder(options);
  return {
    url: first.href.replace(/\/$/, ''),
    async call<Answer>(what: Call, signal: AbortSignal): Promise<Answer> {
      const base = (await find?.(signal)) ?? first;
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
    },
    async exists(path, signal) {
      const base = (await find?.(signal)) ?? first;
      const response = await send(base, options, { method: 'HEAD', path }, signal);
      response.resume();
      if (response.statusCode === 404) return false;
      if (response.statusCode === 200 || response.statusCode === 204) return true;
      throw problemOf(response, '', base);
    },
  };
}

/** Where a control acts now: looked for at each call, since it may move in between. UNREACHABLE where none does. */
function finder(options: ControlAddress): (signal: AbortSignal) => Promise<URL> {
  const bases = [options.url, ...(options.others ?? [])].map(baseUrl);
  return async (signal) => {
    // The first that says so: one that is gone, or only stands by, is not waited for.
    const asked = bases.map(async (base) => {
      if (await acts(base, options, signal)) return base;
      throw new Error('it does not act');
    });
    try {
      return await Promise.any(asked);
    } catch (cause) {
      signal.throwIfAborted();
      const where = bases.map(({ origin }) => origin).join(' or ');
      throw new FlyballError('UNREACHABLE', `no control acts at ${where}; after a loss another takes over in seconds`, {
        cause,
      });
    }
  };
}

/** One that stands by does not answer, or says that it is not ready. */
async function acts(base: URL, { tls }: ControlAddress, signal: AbortSignal): Promise<boolean> {
  const open = base.protocol === 'https:' ? (await import('node:https')).request : httpRequest;
  return await new Promise<boolean>((resolve, reject) => {
    const options = { ...tls, signal, timeout: findMsMax, agent: false };
    const asked = open(new URL('/readyz', base), options, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.once('timeout', () => asked.destroy());
    asked.on('error', (error) => (signal.aborted ? reject(error) : resolve(false)));
    asked.once('close', () => resolve(false));
    asked.end();
  });
}

const findMsMax = 2000;

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

async function send(base: URL, options: ControlAddress, what: Call, signal: AbortSignal): Promise<IncomingMessage> {
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
