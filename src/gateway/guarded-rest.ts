/**
 * The REST handler where keys are required: each request is asked for its key, and for the scope of what it wants, before
 * its body is read; it goes to a handler that serves what its key may see. Without keys this file is not in the way at all.
 * Invariant: only the paths below are answered without a key.
 */
import type { IncomingMessage, RequestListener } from 'node:http';
import type { Authenticator, KeyPresenter } from '../auth/authenticator.ts';
import { guardedService } from '../auth/guarded-service.ts';
import { presentedKey } from '../auth/key.ts';
import type { Need } from '../core/access/scopes.ts';
import { toFlyballError } from '../errors.ts';
import type { InferenceService } from '../protocol/inference.ts';
import { requestIdOf } from '../protocol/rest/call.ts';
import { readHeaders } from '../protocol/rest/headers.ts';
import { sendError } from '../protocol/rest/reply.ts';
import { pathOf, restHandler, type RestOptions } from '../protocol/rest/server.ts';
import { isTorchServe, torchServeError } from '../protocol/torchserve/errors.ts';
import { publish } from '../telemetry/events.ts';

/** Whoever watches whether the server lives has no key. */
const open: ReadonlySet<string> = new Set(['/livez', '/readyz', '/v2/health/live', '/v2/health/ready', '/ping']);

export function guardedRest(service: InferenceService, options: RestOptions, auth: Authenticator): RequestListener {
  const toAll = restHandler(service, options);
  const handlers = new WeakMap<KeyPresenter, RequestListener>();

  const handlerOf = (holder: KeyPresenter): RequestListener => {
    let handler = handlers.get(holder);
    if (handler === undefined) {
      const guarded = guardedService(service, holder, { countsInference: false });
      handler = restHandler(guarded, { ...options, by: holder.name, require: refusing(holder) });
      handlers.set(holder, handler);
    }
    return handler;
  };

  const holderOf = (request: IncomingMessage): KeyPresenter =>
    auth.authenticate(keyIn(request.rawHeaders), request.socket);

  return (request, response) => {
    if (open.has(pathOf(request.url ?? '/'))) {
      toAll(request, response);
      return;
    }
    let holder: KeyPresenter | undefined;
    try {
      holder = holderOf(request);
      holder.admit();
    } catch (thrown) {
      const error = toFlyballError(thrown);
      publish('flyball:refusal', { listener: 'http', code: error.code, by: holder?.name });
      const text = isTorchServe(request.url ?? '/') ? torchServeError(error) : undefined;
      sendError(response, error, { requestId: requestIdOf(readHeaders(request.rawHeaders)) }, undefined, text);
      return;
    }
    handlerOf(holder)(request, response);
  };
}

const refusing =
  (holder: KeyPresenter) =>
  (need: Need): void => {
    try {
      holder.require(need);
    } catch (thrown) {
      publish('flyball:refusal', { listener: 'http', code: toFlyballError(thrown).code, by: holder.name });
      throw thrown;
    }
  };

/** The two headers out of the raw list: an object of all of them would cost more than the rest of the check. */
function keyIn(raw: readonly string[]): string | undefined {
  let authorization: string | undefined;
  let apiKey: string | undefined;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] as string;
    if (name.length === 13 && name.toLowerCase() === 'authorization') authorization ??= raw[index + 1];
    else if (name.length === 9 && name.toLowerCase() === 'x-api-key') apiKey ??= raw[index + 1];
  }
  return presentedKey(authorization, apiKey);
}
