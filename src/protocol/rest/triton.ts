/**
 * Triton's extensions over REST that change or describe the server: repository, log and trace settings, shared memory.
 * What control does is asked of it on the caller's behalf; the rest is answered here, and never pretended.
 */
import { FlyballError } from '../../errors.ts';
import { parseJsonBytes } from '../json.ts';
import { listModels, loadModel, requireModelName, toLoadOrder, unloadModel } from '../repository.ts';
import { logSettings, refuseSharedMemory, refuseToSet, traceSettings } from '../triton-settings.ts';
import { asObject, type JsonObject } from '../v2-fields.ts';
import { readBody } from './body.ts';
import type { RestContext } from './call.ts';
import { answer, decodeName, fail, isMethod, notFound, type Exchange } from './exchange.ts';
import { readHeaders } from './headers.ts';
import { handleManagement } from './manage.ts';
import { toRepositoryIndex } from './models.ts';

/** An empty body is legal and means that nothing is said. */
function messageOf(body: Uint8Array, { limits }: RestContext): JsonObject {
  if (body.byteLength === 0) return {};
  return asObject(parseJsonBytes(body, { depthMax: limits.jsonDepthMax }), 'the request');
}

/** Reads the message of a POST, and answers with what comes of it. */
function withMessage(exchange: Exchange, act: (message: JsonObject) => unknown): void {
  const { context, request } = exchange;
  readBody(request, readHeaders(request.rawHeaders), context.limits.bodyBytesMax, (failed, body) => {
    try {
      if (failed !== undefined) throw failed;
      answer(exchange, 200, act(messageOf(body, context)));
    } catch (error) {
      fail(exchange, error);
    }
  });
}

/** `index`, `models/{m}/load` and `models/{m}/unload`. */
export function repository(exchange: Exchange, path: string): void {
  if (path === 'index') {
    if (isMethod(exchange, 'POST')) index(exchange);
    return;
  }
  if (!path.startsWith('models/')) return notFound(exchange);
  const end = path.indexOf('/', 7);
  const action = end === -1 ? '' : path.slice(end + 1);
  if (action !== 'load' && action !== 'unload') return notFound(exchange);
  if (!isMethod(exchange, 'POST')) return;
  const model = decodeName(path.slice(7, end));
  requireModelName(model);
  // Control asks again; here it is asked before a model of many megabytes is taken.
  exchange.context.require?.({ anyOf: ['admin'], deployment: model });
  const { context, request, response } = exchange;
  const { service } = context;
  // Where nothing can be loaded, a model that is not there is still not found.
  if (service.management === undefined) service.metadata(model);
  handleManagement(context, request, response, async (management, body, signal) => {
    const message = messageOf(body, context);
    const parameters = asObject(message['parameters'] ?? {}, 'parameters');
    if (action === 'load') await loadModel(management, model, toLoadOrder(Object.entries(parameters)), signal);
    // `unload_dependents` has nothing to say: no model here depends on another.
    else await unloadModel(management, model, signal);
    return { status: 200, value: {} };
  });
}

function index(exchange: Exchange): void {
  const { context, request, response } = exchange;
  const { service } = context;
  const ready = (message: JsonObject): boolean => {
    const wish = message['ready'] ?? false;
    if (typeof wish === 'boolean') return wish;
    throw new FlyballError('INVALID_REQUEST', `ready: expected true or false, got ${typeof wish}`);
  };
  if (service.management === undefined) {
    withMessage(exchange, (message) => toRepositoryIndex(service.index(), ready(message)));
    return;
  }
  handleManagement(context, request, response, async (management, body, signal) => {
    const entries = await listModels(service, ready(messageOf(body, context)), () => management, signal);
    return { status: 200, value: toRepositoryIndex(entries, false) };
  });
}

/** GET reads them; POST sets them, which only nothing can be. */
export function settings(exchange: Exchange, what: 'log' | 'trace'): void {
  if (!isMethod(exchange, 'GET', 'POST')) return;
  const now = what === 'log' ? logSettings(exchange.context.service.server()) : traceSettings;
  if (exchange.request.method !== 'POST') return answer(exchange, 200, now);
  withMessage(exchange, (message) => {
    refuseToSet(what, Object.keys(message));
    return now;
  });
}

/** `[region/{name}/]status|register|unregister`: none is registered, so none can be left to unregister either. */
export function sharedMemory(exchange: Exchange, path: string): void {
  const action = path.startsWith('region/') ? path.slice(path.indexOf('/', 7) + 1) : path;
  switch (action) {
    case 'status':
      if (isMethod(exchange, 'GET')) answer(exchange, 200, []);
      return;
    case 'register':
      if (isMethod(exchange, 'POST')) refuseSharedMemory();
      return;
    case 'unregister':
      if (isMethod(exchange, 'POST')) withMessage(exchange, () => ({}));
      return;
    default:
      notFound(exchange);
  }
}
