/**
 * Answers: one head and one end for each, Content-Length always set, errors in the one form that V2 clients read.
 * Invariant: nothing is written to a response whose caller has gone or that has been answered.
 */
import type { ServerResponse } from 'node:http';
import { constants, deflate, gzip } from 'node:zlib';
import { challenge, type FlyballError } from '../../errors.ts';
import type { EncodedMessage } from '../v2.ts';
import { acceptedEncoding } from './headers.ts';

/** Under this compressing costs more time than the bytes that it saves. */
const compressedBytesMin = 2048;

export const jsonType = 'application/json';

/** What an answer repeats, so that a caller can ask for the request later. */
export interface ReplyIds {
  readonly requestId: string;
  /** Of an inference. */
  readonly traceId?: string;
}

/** The list, and the ids at its end. */
function withIds(head: string[], { requestId, traceId }: ReplyIds): string[] {
  head.push('X-Request-Id', requestId);
  if (traceId !== undefined) head.push('X-Trace-Id', traceId);
  return head;
}

export function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  ids: ReplyIds,
  contentType: string = jsonType,
): void {
  if (response.headersSent || response.destroyed) return;
  const head = ['Content-Type', contentType, 'Content-Length', String(Buffer.byteLength(text))];
  response.writeHead(status, withIds(head, ids));
  response.end(text);
}

/** `{"error": "...", "code": "..."}`: V2 clients read the first, the second is a code of the error catalogue. */
export function errorText(error: FlyballError): string {
  return `{"error":${JSON.stringify(error.message)},"code":"${error.code}"}`;
}

/** `text` in place of the V2 form, for paths of another protocol. */
export function sendError(
  response: ServerResponse,
  error: FlyballError,
  ids: ReplyIds,
  allow?: string,
  text = errorText(error),
): void {
  if (response.headersSent || response.destroyed) return;
  const head = withIds(['Content-Type', jsonType, 'Content-Length', String(Buffer.byteLength(text))], ids);
  if (error.retryAfterSeconds !== undefined) head.push('Retry-After', String(Math.ceil(error.retryAfterSeconds)));
  else if (error.retry) head.push('Retry-After', '1');
  if (allow !== undefined) head.push('Allow', allow);
  if (error.code === 'UNAUTHENTICATED') head.push('WWW-Authenticate', challenge);
  response.writeHead(error.status, head);
  endAfterRequest(response, text);
}

/**
 * The end of an answer that may come before the body has been read. Where the connection closes after the answer, closing
 * it on unread bytes resets it, and the reset can take the answer along: so they are read first, and dropped.
 */
function endAfterRequest(response: ServerResponse, text: string): void {
  const { req } = response;
  if (response.shouldKeepAlive || req.complete) {
    response.end(text);
    return;
  }
  response.write(text);
  req.once('end', () => response.end());
  req.resume();
}

function sendCompressed(response: ServerResponse, text: string, ids: ReplyIds, encoding: 'gzip' | 'deflate'): void {
  const pack = encoding === 'gzip' ? gzip : deflate;
  pack(text, { level: constants.Z_BEST_SPEED }, (error, packed) => {
    if (error !== null) {
      sendText(response, 200, text, ids);
      return;
    }
    if (response.headersSent || response.destroyed) return;
    const size = ['Content-Type', jsonType, 'Content-Length', String(packed.byteLength)];
    response.writeHead(200, withIds([...size, 'Content-Encoding', encoding, 'Vary', 'Accept-Encoding'], ids));
    response.end(packed);
  });
}

/** JSON that may be large: compressed when the caller takes it and it is worth it. */
export function sendJson(
  response: ServerResponse,
  text: string,
  byteLength: number,
  ids: ReplyIds,
  acceptEncoding: string | undefined,
): void {
  const encoding = byteLength < compressedBytesMin ? undefined : acceptedEncoding(acceptEncoding);
  if (encoding !== undefined) {
    sendCompressed(response, text, ids, encoding);
    return;
  }
  if (response.headersSent || response.destroyed) return;
  response.writeHead(200, withIds(['Content-Type', jsonType, 'Content-Length', String(byteLength)], ids));
  response.end(text);
}

/** Binary tensors go out as they are: their bytes hardly shrink. */
export function sendMessage(
  response: ServerResponse,
  message: EncodedMessage,
  ids: ReplyIds,
  acceptEncoding: string | undefined,
): void {
  if (message.headerLength === undefined) {
    sendJson(response, message.json, message.byteLength, ids, acceptEncoding);
    return;
  }
  if (response.headersSent || response.destroyed) return;
  const head = ['Content-Type', message.contentType, 'Content-Length', String(message.byteLength)];
  head.push('Inference-Header-Content-Length', String(message.headerLength));
  response.writeHead(200, withIds(head, ids));
  // Corked, head, JSON and tensors leave in one write without being copied together.
  response.cork();
  response.write(message.json);
  for (const part of message.binary) if (part.byteLength > 0) response.write(part);
  response.end();
  response.uncork();
}
