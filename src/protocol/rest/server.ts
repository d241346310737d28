/**
 * The Open Inference Protocol over REST, and TorchServe's paths, as a request handler of bare node:http. This file finds
 * the route; the folder's other files do what stands there. Query strings are tolerated everywhere, as real clients
 * send them. Invariant: every request gets one answer, and an error is always a typed `{"error", "code"}`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { systemClock, type Clock } from '../../clock.ts';
import { FlyballError, toFlyballError } from '../../errors.ts';
import type { ProcessLimits } from '../../supervisor/messages.ts';
import type { InferenceService } from '../inference.ts';
import { asObject } from '../v2-fields.ts';
import { parseJsonBytes, printJson } from '../json.ts';
import { loadModel, requireModelName, unloadModel } from '../repository.ts';
import { predictionForm } from '../torchserve/predictions.ts';
import { readBody } from './body.ts';
import { handleCall, requestIdOf, type RestContext } from './call.ts';
import { generateForm, generateStreamForm } from './generate.ts';
import { readHeaders } from './headers.ts';
import { handleManagement } from './manage.ts';
import { inferForm } from './infer.ts';
import { toModelMetadata, toRepositoryIndex, toStatistics } from './models.ts';
import { sendError, sendText } from './reply.ts';

export interface RestOptions {
  readonly limits: ProcessLimits;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Whose requests these are, where callers have keys. */
  readonly by?: string;
}

/** One request on its way to its route. */
interface Exchange {
  readonly context: RestContext;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

function answer({ request, response }: Exchange, status: number, value: unknown): void {
  sendText(response, status, printJson(value), requestIdOf(readHeaders(request.rawHeaders)));
}

function fail({ request, response }: Exchange, thrown: unknown, allow?: string): void {
  sendError(response, toFlyballError(thrown), requestIdOf(readHeaders(request.rawHeaders)), allow);
}

/** True when the method is `allowed` (HEAD counts as GET); else the answer is 405 with Allow. */
function isMethod(exchange: Exchange, ...allowed: readonly string[]): boolean {
  const { method } = exchange.request;
  if (method !== undefined && allowed.includes(method === 'HEAD' ? 'GET' : method)) return true;
  const allow = allowed.map((one) => (one === 'GET' ? 'GET, HEAD' : one)).join(', ');
  fail(exchange, new FlyballError('METHOD_NOT_ALLOWED', `expected ${allow} for this path, got ${method}`), allow);
  return false;
}

function notFound(exchange: Exchange): void {
  fail(exchange, new FlyballError('NOT_FOUND', `there is nothing at ${exchange.request.url}`));
}

/** A name as it stands in a path. Throws INVALID_NAME. */
function decodeName(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch (error) {
    throw new FlyballError('INVALID_NAME', `expected a name in percent-encoded UTF-8, got ${text}`, { cause: error });
  }
}

/** `{m}` or `{m}/versions/{v}`, and what comes after it. */
function modelRoute(exchange: Exchange, path: string): void {
  const nameEnd = path.indexOf('/');
  const model = decodeName(nameEnd === -1 ? path : path.slice(0, nameEnd));
  let action = nameEnd === -1 ? '' : path.slice(nameEnd + 1);
  let version: string | undefined;
  if (action.startsWith('versions/')) {
    const versionEnd = action.indexOf('/', 9);
    version = decodeName(versionEnd === -1 ? action.slice(9) : action.slice(9, versionEnd));
    action = versionEnd === -1 ? '' : action.slice(versionEnd + 1);
    if (version === '') return notFound(exchange);
  }
  if (model === '') return notFound(exchange);
  const { context, request, response } = exchange;
  const { service } = context;
  switch (action) {
    case 'infer':
      if (isMethod(exchange, 'POST')) handleCall(context, inferForm, request, response, model, version);
      return;
    case '':
      if (!isMethod(exchange, 'GET')) return;
      // Triton's path for the statistics of all models: no model can be called so.
      if (model === 'stats' && version === undefined) answer(exchange, 200, toStatistics(service.statistics()));
      else answer(exchange, 200, toModelMetadata(service.metadata(model, version)));
      return;
    case 'ready': {
      if (!isMethod(exchange, 'GET')) return;
      const ready = service.modelReady(model, version);
      answer(exchange, ready ? 200 : 503, { name: model, ready });
      return;
    }
    case 'stats':
      if (isMethod(exchange, 'GET')) answer(exchange, 200, toStatistics(service.statistics(model, version)));
      return;
    case 'config':
      if (!isMethod(exchange, 'GET')) return;
      service.metadata(model, version);
      throw new FlyballError('NOT_IMPLEMENTED', 'the extension model_configuration is not offered');
    case 'generate':
      if (isMethod(exchange, 'POST')) handleCall(context, generateForm, request, response, model, version);
      return;
    case 'generate_stream':
      if (isMethod(exchange, 'POST')) handleCall(context, generateStreamForm, request, response, model, version);
      return;
    default:
      notFound(exchange);
  }
}

function index(exchange: Exchange): void {
  const { context, request } = exchange;
  const headers = readHeaders(request.rawHeaders);
  readBody(request, headers, context.limits.bodyBytesMax, (failed, body) => {
    try {
      if (failed !== undefined) throw failed;
      // An empty body is legal and means all.
      const wish =
        body.byteLength === 0
          ? {}
          : asObject(parseJsonBytes(body, { depthMax: context.limits.jsonDepthMax }), 'the request');
      const ready = wish['ready'] ?? false;
      if (typeof ready !== 'boolean')
        throw new FlyballError('INVALID_REQUEST', `ready: expected true or false, got ${typeof ready}`);
      answer(exchange, 200, toRepositoryIndex(context.service.index(), ready));
    } catch (error) {
      fail(exchange, error);
    }
  });
}

/** `models/{m}/load` and `/unload`. */
function repositoryModel(exchange: Exchange, path: string): void {
  const end = path.indexOf('/');
  const action = end === -1 ? '' : path.slice(end + 1);
  if (action !== 'load' && action !== 'unload') return notFound(exchange);
  if (!isMethod(exchange, 'POST')) return;
  const model = decodeName(path.slice(0, end));
  requireModelName(model);
  const { context, request, response } = exchange;
  // Where nothing can be loaded, a model that is not there is still not found.
  if (context.service.management === undefined) context.service.metadata(model);
  handleManagement(context, request, response, async (management, _body, signal) => {
    await (action === 'load' ? loadModel : unloadModel)(management, model, signal);
    return { status: 200, value: {} };
  });
}

function predictions(exchange: Exchange, path: string): void {
  const nameEnd = path.indexOf('/');
  const model = decodeName(nameEnd === -1 ? path : path.slice(0, nameEnd));
  const version = nameEnd === -1 ? undefined : decodeName(path.slice(nameEnd + 1));
  if (model === '' || version === '' || version?.includes('/') === true) return notFound(exchange);
  if (!isMethod(exchange, 'POST', 'PUT')) return;
  handleCall(exchange.context, predictionForm, exchange.request, exchange.response, model, version);
}

function openApi(exchange: Exchange): void {
  // Loaded when it is first asked for: the schemas take longer to load than the rest of the gateway.
  import('../openapi.ts').then(
    ({ openApiDocument }) => answer(exchange, 200, openApiDocument(exchange.context.service.server())),
    (error: unknown) => fail(exchange, error),
  );
}

function health(exchange: Exchange, key: string, value: boolean): void {
  if (isMethod(exchange, 'GET')) answer(exchange, value ? 200 : 503, { [key]: value });
}

function route(exchange: Exchange, path: string): void {
  if (path.startsWith('/v2/models/')) return modelRoute(exchange, path.slice(11));
  if (path.startsWith('/predictions/')) return predictions(exchange, path.slice(13));
  if (path.startsWith('/v2/repository/models/')) return repositoryModel(exchange, path.slice(22));
  const { service } = exchange.context;
  switch (path) {
    case '/v2': {
      if (!isMethod(exchange, 'GET')) return;
      const { name, version, extensions } = service.server();
      return answer(exchange, 200, { name, version, extensions });
    }
    case '/livez':
    case '/v2/health/live':
      return health(exchange, 'live', service.live());
    case '/readyz':
    case '/v2/health/ready':
      return health(exchange, 'ready', service.ready());
    case '/v2/repository/index':
      if (isMethod(exchange, 'POST')) index(exchange);
      return;
    case '/ping': {
      if (!isMethod(exchange, 'GET', 'POST')) return;
      const healthy = service.ready();
      return answer(exchange, healthy ? 200 : 503, { status: healthy ? 'Healthy' : 'Unhealthy' });
    }
    case '/openapi.json':
      if (isMethod(exchange, 'GET')) openApi(exchange);
      return;
    default:
      notFound(exchange);
  }
}

/** A proxy's form of the request line, `GET http://host/v2`, is one that every server must take (RFC 9112, 3.2.2). */
function toOrigin(url: string): string {
  if (url.startsWith('/')) return url;
  const authority = /^https?:\/\/[^/?]*/i.exec(url);
  return authority === null ? url : url.slice(authority[0].length);
}

/** What decides the route. */
export function pathOf(target: string): string {
  const url = toOrigin(target);
  const query = url.indexOf('?');
  const path = query === -1 ? url : url.slice(0, query);
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

export function restHandler(
  service: InferenceService,
  options: RestOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { limits, by, clock = systemClock } = options;
  const context: RestContext = { service, limits, v2Limits: limits, clock, by };
  return (request, response) => {
    const exchange: Exchange = { context, request, response };
    try {
      route(exchange, pathOf(request.url ?? '/'));
    } catch (error) {
      fail(exchange, error);
    }
  };
}
