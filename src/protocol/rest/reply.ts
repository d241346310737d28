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

export function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  requestId: string,
  contentType: string = jsonType,
): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, [
    'Content-Type',
    contentType,
    'Content-Length',
    String(Buffer.byteLength(text)),
    'X-Request-Id',
    requestId,
  ]);
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
  requestId: string,
  allow?: string,
  text = errorText(error),
): void {
  if (response.headersSent || response.destroyed) return;
  const head = ['Content-Type', jsonType, 'Content-Length', String(Buffer.byteLength(text)), 'X-Request-Id', requestId];
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

function sendCompressed(response: ServerResponse, text: string, requestId: string, encoding: 'gzip' | 'deflate'): void {
  const pack = encoding === 'gzip' ? gzip : deflate;
  pack(text, { level: constants.Z_BEST_SPEED }, (error, packed) => {
    if (error !== null) {
      sendText(response, 200, text, requestId);
      return;
    }
    if (response.headersSent || response.destroyed) return;
    response.writeHead(200, [
      'Content-Type',
      jsonType,
      'Content-Length',
      String(packed.byteLength),
      'Content-Encoding',
      encoding,
      'Vary',
      'Accept-Encoding',
      'X-Request-Id',
      requestId,
    ]);
    response.end(packed);
  });
}

/** JSON that may be large: compressed when the caller takes it and it is worth it. */
export function sendJson(
  response: ServerResponse,
  text: string,
  byteLength: number,
  requestId: string,
  acceptEncoding: string | undefined,
): void {
  const encoding = byteLength < compressedBytesMin ? undefined : acceptedEncoding(acceptEncoding);
  if (encoding !== undefined) {
    sendCompressed(response, text, requestId, encoding);
    return;
  }
  if (response.headersSent || response.destroyed) return;
  response.writeHead(200, ['Content-Type', jsonType, 'Content-Length', String(byteLength), 'X-Request-Id', requestId]);
  response.end(text);
}

/** Binary tensors go out as they are: their bytes hardly shrink. */
export function sendMessage(
  response: ServerResponse,
  message: EncodedMessage,
  requestId: string,
  acceptEncoding: string | undefined,
): void {
  if (message.headerLength === undefined) {
    sendJson(response, message.json, message.byteLength, requestId, acceptEncoding);
    return;
  }
  if (response.headersSent || response.destroyed) return;
  response.writeHead(200, [
    'Content-Type',
    message.contentType,
    'Content-Length',
    String(message.byteLength),
    'Inference-Header-Content-Length',
    String(message.headerLength),
    'X-Request-Id',
    requestId,
  ]);
  // Corked, head, JSON and tensors leave in one write without being copied together.
  response.cork();
  response.write(message.json);
  for (const part of message.binary) if (part.byteLength > 0) response.write(part);
  response.end();
  response.uncork();
}
