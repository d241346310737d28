/**
 * The Open Inference Protocol over REST, and TorchServe's paths, as a request handler of bare node:http. This file finds
 * the route; the folder's other files do what stands there. Query strings are tolerated everywhere, as real clients
 * send them. Invariant: every request gets one answer, and an error is always a typed `{"error", "code"}`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { systemClock, type Clock } from '../../clock.ts';
import type { Need } from '../../core/access/scopes.ts';
import { FlyballError } from '../../errors.ts';
import type { ProcessLimits } from '../../supervisor/messages.ts';
import type { InferenceService } from '../inference.ts';
import { toModelConfig } from '../model-config.ts';
import { predictionForm } from '../torchserve/predictions.ts';
import { targetOf } from '../torchserve/target.ts';
import { handleCall, type RestContext } from './call.ts';
import { answer, decodeName, fail, isMethod, notFound, type Exchange } from './exchange.ts';
import { generateForm, generateStreamForm } from './generate.ts';
import { inferForm } from './infer.ts';
import { toModelMetadata, toStatistics } from './models.ts';
import { repository, settings, sharedMemory } from './triton.ts';

export interface RestOptions {
  readonly limits: ProcessLimits;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Whose requests these are, where callers have keys. */
  readonly by?: string;
  /** Throws FORBIDDEN where they may not. */
  readonly require?: (need: Need) => void;
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
      if (model === 'stats' && version === undefined) statistics(exchange);
      else answer(exchange, 200, toModelMetadata(service.metadata(model, version)));
      return;
    case 'ready': {
      if (!isMethod(exchange, 'GET')) return;
      const ready = service.modelReady(model, version);
      answer(exchange, ready ? 200 : 503, { name: model, ready });
      return;
    }
    case 'stats':
      if (isMethod(exchange, 'GET')) statistics(exchange, model, version);
      return;
    case 'config':
      if (isMethod(exchange, 'GET')) answer(exchange, 200, toModelConfig(service.metadata(model, version)));
      return;
    case 'trace/setting':
      service.metadata(model, version);
      settings(exchange, 'trace');
      return;
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

function predictions(exchange: Exchange, path: string): void {
  const nameEnd = path.indexOf('/');
  const model = decodeName(nameEnd === -1 ? path : path.slice(0, nameEnd));
  const version = nameEnd === -1 ? undefined : decodeName(path.slice(nameEnd + 1));
  if (model === '' || version === '' || version?.includes('/') === true) return notFound(exchange);
  if (!isMethod(exchange, 'POST', 'PUT')) return;
  const { context, request, response } = exchange;
  const target = targetOf(context.service, model, version);
  handleCall(context, predictionForm, request, response, target.model, target.version);
}

function statistics(exchange: Exchange, model?: string, version?: string): void {
  exchange.context.service.statistics(model, version).then(
    (counted) => answer(exchange, 200, toStatistics(counted)),
    (error: unknown) => fail(exchange, error),
  );
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
  if (path.startsWith('/explanations/')) {
    if (!isMethod(exchange, 'POST', 'PUT')) return;
    throw new FlyballError(
      'NOT_IMPLEMENTED',
      'explanations are not offered: they are computed by Python code of a handler',
    );
  }
  if (path.startsWith('/v2/repository/')) return repository(exchange, path.slice(15));
  if (path.startsWith('/v2/systemsharedmemory/')) return sharedMemory(exchange, path.slice(23));
  if (path.startsWith('/v2/cudasharedmemory/')) return sharedMemory(exchange, path.slice(21));
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
    case '/v2/logging':
      return settings(exchange, 'log');
    case '/v2/trace/setting':
      return settings(exchange, 'trace');
    case '/ping': {
      if (!isMethod(exchange, 'GET', 'POST')) return;
      const healthy = service.ready();
      return answer(exchange, healthy ? 200 : 503, { status: healthy ? 'Healthy' : 'Unhealthy' });
    }
    case '/openapi.json':
      if (isMethod(exchange, 'GET')) openApi(exchange);
      return;
    // As TorchServe's clients ask for the same.
    case '/api-description':
      if (isMethod(exchange, 'GET')) openApi(exchange);
      return;
    case '/':
      if (exchange.request.method === 'OPTIONS') openApi(exchange);
      else notFound(exchange);
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
  const { limits, by, require, clock = systemClock } = options;
  const context: RestContext = { service, limits, v2Limits: limits, clock, by, require };
  return (request, response) => {
    const exchange: Exchange = { context, request, response };
    try {
      route(exchange, pathOf(request.url ?? '/'));
    } catch (error) {
      fail(exchange, error);
    }
  };
}
