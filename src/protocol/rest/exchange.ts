/** One request on its way to its route, and the short answers that every route gives. No route is known here. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { FlyballError, toFlyballError } from '../../errors.ts';
import { printJson } from '../json.ts';
import { isTorchServe, torchServeError } from '../torchserve/errors.ts';
import { requestIdOf, type RestContext } from './call.ts';
import { readHeaders } from './headers.ts';
import { sendError, sendText, type ReplyIds } from './reply.ts';

export interface Exchange {
  readonly context: RestContext;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

const idsOf = (request: IncomingMessage): ReplyIds => ({ requestId: requestIdOf(readHeaders(request.rawHeaders)) });

export function answer({ request, response }: Exchange, status: number, value: unknown): void {
  sendText(response, status, printJson(value), idsOf(request));
}

export function fail({ request, response }: Exchange, thrown: unknown, allow?: string): void {
  const error = toFlyballError(thrown);
  const text = isTorchServe(request.url ?? '/') ? torchServeError(error) : undefined;
  sendError(response, error, idsOf(request), allow, text);
}

/** True when the method is `allowed` (HEAD counts as GET); else the answer is 405 with Allow. */
export function isMethod(exchange: Exchange, ...allowed: readonly string[]): boolean {
  const { method } = exchange.request;
  if (method !== undefined && allowed.includes(method === 'HEAD' ? 'GET' : method)) return true;
  const allow = allowed.map((one) => (one === 'GET' ? 'GET, HEAD' : one)).join(', ');
  fail(exchange, new FlyballError('METHOD_NOT_ALLOWED', `expected ${allow} for this path, got ${method}`), allow);
  return false;
}

export function notFound(exchange: Exchange): void {
  fail(exchange, new FlyballError('NOT_FOUND', `there is nothing at ${exchange.request.url}`));
}

/** A name as it stands in a path. Throws INVALID_NAME. */
export function decodeName(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new FlyballError('INVALID_NAME', `expected a name in percent-encoded UTF-8, got ${text}`, { cause: error });
  }
}
