/**
 * The REST handler where callers need no key: what a browser sends for a page of another site is refused before it is
 * looked at. With keys it is not needed: no page can add one to a request without asking first, which nobody allows.
 */
import type { IncomingMessage, RequestListener } from 'node:http';
import { toFlyballError } from '../errors.ts';
import { checkPage } from '../protocol/origin-check.ts';
import { requestIdOf } from '../protocol/rest/call.ts';
import { readHeaders } from '../protocol/rest/headers.ts';
import { sendError } from '../protocol/rest/reply.ts';
import { isTorchServe, torchServeError } from '../protocol/torchserve/errors.ts';

/** `isOnLoopback`: whether the listener is reached from this machine alone; asked of what browsers send. */
export function ownPagesOnly(handler: RequestListener, isOnLoopback: () => boolean): RequestListener {
  return (request, response) => {
    if (isFromBrowser(request)) {
      try {
        checkPage(request, isOnLoopback());
      } catch (thrown) {
        const error = toFlyballError(thrown);
        const text = isTorchServe(request.url ?? '/') ? torchServeError(error) : undefined;
        sendError(response, error, { requestId: requestIdOf(readHeaders(request.rawHeaders)) }, undefined, text);
        return;
      }
    }
    handler(request, response);
  };
}

/** Out of the raw list: an object of all headers would cost every client more than the rest of the way to the route. */
function isFromBrowser({ rawHeaders }: IncomingMessage): boolean {
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length !== 6 && name.length !== 14) continue;
    const lower = name.toLowerCase();
    if (lower === 'origin' || lower === 'sec-fetch-site') return true;
  }
  return false;
}
