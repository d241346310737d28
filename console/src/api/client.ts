/**
 * The control API of the page's own origin, and nothing else. What goes wrong is an `ApiFailure` with the catalogue's
 * code and the server's own words; what acts carries an idempotency key, so that a click that was repeated acts once.
 */
import type { Problem } from '../../../src/api/schemas.ts';

/** A platform that hangs is one that does not answer; what acts is waited for, since it may have happened. */
const waitMs = 20_000;

export const prefix = '/api/v1';

interface FailureOptions extends ErrorOptions {
  readonly answer?: Readonly<Record<string, unknown>>;
}

/** UNREACHABLE: nothing answered at all. */
export class ApiFailure extends Error {
  readonly code: string;
  readonly status: number;
  readonly requestId: string | undefined;
  /** All that was answered: a route may say more of a failure than every problem does. */
  readonly answer: Readonly<Record<string, unknown>>;

  constructor(code: string, status: number, message: string, requestId?: string, options: FailureOptions = {}) {
    super(message, options);
    this.answer = options.answer ?? {};
    this.name = 'ApiFailure';
    this.code = code;
    this.status = status;
    this.requestId = requestId;
  }
}

const onUnauthenticated: (() => void)[] = [];
/** Called whenever a request is refused for want of a sign-in. */
export function whenUnauthenticated(act: () => void): void {
  onUnauthenticated.push(act);
}

async function failureOf(response: Response): Promise<ApiFailure> {
  const text = await response.text();
  try {
    const answer = JSON.parse(text) as Problem;
    return new ApiFailure(answer.code, response.status, answer.detail, answer.instance, { answer });
  } catch {
    // Something between the page and control answered.
    return new ApiFailure('UNEXPECTED_ANSWER', response.status, `${response.status} ${response.statusText}`);
  }
}

export interface Ask {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, with this content type. */
  readonly bytes?: { readonly type: string; readonly content: Blob | ArrayBuffer | Uint8Array<ArrayBuffer> };
  readonly ifMatch?: string;
  readonly signal?: AbortSignal;
}

export interface Answer<Value> {
  readonly value: Value;
  readonly headers: Headers;
}

/** With the answer's headers, for those who need `ETag` or `Link`. */
export async function askFor<Value>(path: string, ask: Ask = {}): Promise<Answer<Value>> {
  const { method = 'GET', query = {}, body, bytes, ifMatch, signal } = ask;
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  const headers = new Headers({ accept: 'application/json' });
  if (body !== undefined) headers.set('content-type', 'application/json');
  if (bytes !== undefined) headers.set('content-type', bytes.type);
  if (ifMatch !== undefined) headers.set('if-match', ifMatch);
  if (method !== 'GET') headers.set('idempotency-key', randomKey());
  const sent = bytes?.content ?? (body === undefined ? undefined : JSON.stringify(body));
  const limits = [
    ...(signal === undefined ? [] : [signal]),
    ...(method === 'GET' ? [AbortSignal.timeout(waitMs)] : []),
  ];
  let response: Response;
  try {
    response = await fetch(`${prefix}${path}${search === '' ? '' : `?${search}`}`, {
      method,
      headers,
      credentials: 'same-origin',
      ...(sent === undefined ? {} : { body: sent }),
      signal: AbortSignal.any(limits),
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new ApiFailure('UNREACHABLE', 0, 'control does not answer', undefined, { cause: error });
  }
  if (!response.ok) {
    const failure = await failureOf(response);
    if (failure.status === 401 && path !== '/sign-in') for (const act of onUnauthenticated) act();
    throw failure;
  }
  const text = await response.text();
  return { value: (text === '' ? undefined : JSON.parse(text)) as Value, headers: response.headers };
}

export async function ask<Value>(path: string, options: Ask = {}): Promise<Value> {
  return (await askFor<Value>(path, options)).value;
}

/** `crypto.randomUUID` exists in secure contexts alone, and a console is read over plain HTTP too. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export const segment = encodeURIComponent;
