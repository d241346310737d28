/**
 * The control API on a bound handle: dispatch by the route table, validation by its schemas, and problem details for
 * everything that goes wrong. It knows HTTP and nothing of deployments.
 * Invariant: every answer that is an error is a problem document with a code of the catalogue.
 */
import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import http, { type IncomingHttpHeaders } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import fastify, { type FastifyReply, type FastifyRequest, type RouteOptions } from 'fastify';
import { systemClock, type Clock } from '../clock.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import type { ControlService } from '../control/control-service.ts';
import { countFailedAttempts } from '../auth/failed-attempts.ts';
import { openSignIns } from '../auth/sign-ins.ts';
import { challenge, FlyballError, toFlyballError } from '../errors.ts';
import { contextOptions, isTlsFailure, serverOptions, type TlsMaterial } from '../tls/certificate.ts';
import { publish } from '../telemetry/events.ts';
import { docsPage, docsStyle } from './docs-page/page.ts';
import { dataHeaders, pageHeaders } from './console-files/headers.ts';
import { openConsoleFiles, type ConsoleFiles } from './console-files/serve.ts';
import { openEventHub } from './events/hub.ts';
import { openApiDocument } from './openapi.ts';
import { checkOrigin, isLoopbackName } from '../protocol/origin-check.ts';
import { toApiError, toProblem } from './problems.ts';
import { keyCheck } from './key-check.ts';
import { routes, type Route } from './routes.ts';
import { routeServer } from './serve-route.ts';
import type { AccessParts } from './sign-in/access.ts';
import { noteWebhook, takeAnything, takeWholeBodies, toWholeBodyError } from './whole-bodies.ts';

export interface ApiOptions {
  readonly control: ControlService;
  /** Of this software. */
  readonly version: string;
  /** Absent: callers need no key, and say themselves who they are. */
  readonly auth?: Authenticator | undefined;
  readonly tls?: TlsMaterial | undefined;
  readonly clock?: Clock;
  /** The web console's; by default those that were built beside this. */
  readonly console?: ConsoleFiles;
  readonly limits: {
    /** Of a JSON body; files are streamed and limited by the artefact store. */
    readonly bodyBytesMax: number;
    readonly headerBytesMax: number;
    readonly connectionsMax: number;
  };
  /** A bound handle from the supervisor, or where to listen. */
  readonly listen:
    | { readonly kind: 'handle'; readonly handle: object }
    | { readonly kind: 'port'; readonly host: string; readonly port: number };
  /** A Unix socket that answers the same, for the processes of the platform: only this user can open it. */
  readonly socketPath?: string;
}

export interface ApiServer extends AsyncDisposable {
  readonly address: AddressInfo;
  /** As over the Unix socket, for gateways that have shown elsewhere that they are such. */
  readonly answerGateway: http.RequestListener;
  /** Takes nothing new, answers what waits, and closes; what is not done by the deadline is cut off. */
  drain(deadlineMs: number): Promise<void>;
  /** New connections get this certificate. */
  renew(tls: TlsMaterial): void;
}

const prefix = '/api/v1';
/** For a whole request, an upload of some gigabytes over a slow line included. */
const requestTimeoutMs = 3_600_000;
const requestIdMax = 128;

export async function startApi(options: ApiOptions): Promise<ApiServer> {
  const { control, limits } = options;
  const { clock = systemClock, console: consoleFiles = openConsoleFiles() } = options;
  const events = openEventHub({ control, version: options.version, clock });
  const closing = new AbortController();
  const keys: AccessParts | undefined = options.auth && {
    auth: options.auth,
    signIns: await openSignIns({ auth: options.auth, memory: control.signInMemory, clock }),
    failures: countFailedAttempts(clock),
    tls: options.tls !== undefined,
  };
  const check = keys && keyCheck(keys.auth, keys.signIns, control);
  let loopback = true;
  let secure: https.Server | undefined;
  let dispatch: http.RequestListener = () => {};
  /** Connections of gateways, over the Unix socket and the platform's own TLS: those are no browsers. */
  const local = new WeakSet<Socket>();

  const app = fastify({
    logger: false,
    bodyLimit: limits.bodyBytesMax,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 256 },
    genReqId: (request) => {
      const given = request.headers['x-request-id'];
      return typeof given === 'string' && given.length <= requestIdMax ? given : randomUUID();
    },
    frameworkErrors: (error, request, reply) => void fail(reply, request, error),
    clientErrorHandler: (error, socket) => refuse(socket, error),
    // The server below listens on a handle that somebody else has bound, which the framework cannot.
    serverFactory(handler) {
      dispatch = handler;
      const settings = { maxHeaderSize: limits.headerBytesMax };
      if (options.tls === undefined) return http.createServer(settings, handler);
      secure = https.createServer({ ...settings, ...serverOptions(options.tls) }, handler);
      return secure;
    },
  });
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
  app.addHook('onRequest', async (request, reply) => {
    void reply.headers({ ...dataHeaders, 'x-request-id': request.id });
    if (!local.has(request.raw.socket)) checkOrigin(request.raw, loopback);
    // The same for everybody and without data: no key is asked for it.
    if (request.is404 && (await consoleFiles.serve(request.raw, reply))) return reply;
    check?.enter(request);
    checkEncoding(request.headers);
    // Before the body is read: of a path that is not there, or a method that no framework knows, none is wanted.
    if (request.is404) throw nothingAt(request, reply);
    if (closing.signal.aborted) throw new FlyballError('DRAINING', 'the platform is stopping');
    return undefined;
  });
  app.setErrorHandler((error, request, reply) => {
    const { config, bodyLimit } = request.routeOptions as { config: { route?: Route }; bodyLimit: number };
    return fail(reply, request, config.route?.bodyBytesMax === undefined ? error : toWholeBodyError(error, bodyLimit));
  });
  app.setNotFoundHandler((request, reply) => fail(reply, request, nothingAt(request, reply)));

  app.get('/livez', async (_request, reply) => reply.code(control.live() ? 200 : 503).send({ live: control.live() }));
  app.get('/readyz', async (_request, reply) =>
    reply.code(control.ready() ? 200 : 503).send({ ready: control.ready() }),
  );
  const described = openApiDocument(options.version);
  app.get(`${prefix}/openapi.json`, async () => described);
  // For people. It tells of no deployment, but neither does the document, and that asks for a key too.
  const style = `${prefix}/docs.css`;
  app.get(style, async (_request, reply) => reply.headers(pageHeaders).type('text/css; charset=utf-8').send(docsStyle));
  app.get(`${prefix}/docs`, async (request, reply) => {
    const origin = `${options.tls === undefined ? 'http' : 'https'}://${request.host}`;
    return reply.headers(pageHeaders).type('text/html; charset=utf-8').send(docsPage(described, { style, origin }));
  });
  const serve = routeServer({ control, version: options.version, clock, keys, check, events, closing: closing.signal });
  const dispatched = (route: Route): RouteOptions => ({
    method: route.method,
    url: prefix + route.path.replace(/\{(\w+)\}/g, ':$1'),
    config: { route },
    ...(route.bodyBytesMax !== undefined && { bodyLimit: route.bodyBytesMax }),
    handler: (request, reply) => serve(route, request, reply),
  });
  const isPlain = ({ body }: Route): boolean => body?.kind !== 'whole' && body?.kind !== 'anything';
  for (const route of routes) if (isPlain(route)) app.route(dispatched(route));
  await app.register(async (scope) => {
    takeAnything(scope);
    scope.setErrorHandler((thrown, request, reply) => {
      const error = toWholeBodyError(thrown, request.routeOptions.bodyLimit);
      return fail(reply, request, error.code === 'INTERNAL' ? thrown : error);
    });
    for (const route of routes) {
      if (route.body?.kind === 'anything') scope.route({ ...dispatched(route), bodyLimit: route.body.bytesMax });
    }
  });
  await app.register(async (scope) => {
    takeWholeBodies(scope);
    scope.setErrorHandler((thrown, request, reply) => {
      const error = toWholeBodyError(thrown, request.routeOptions.bodyLimit);
      noteWebhook(request, error.code);
      return fail(reply, request, error.code === 'INTERNAL' ? thrown : error);
    });
    // A stranger's body is not worth reading.
    scope.addHook('onRequest', async (request) => {
      const { sender = '' } = request.params as { readonly sender?: string };
      await control.admitAlerts(sender, request.headers);
    });
    scope.addHook('onSend', async (request, reply) => {
      if (reply.statusCode < 400) noteWebhook(request, 'accepted');
    });
    for (const route of routes) {
      if (route.body?.kind === 'whole') scope.route({ ...dispatched(route), bodyLimit: route.body.bytesMax });
    }
  });

  await app.ready();
  const { server } = app;
  const { listen, socketPath } = options;
  const servers = [server];
  await listening(server, limits.connectionsMax, (done) => {
    if (listen.kind === 'handle') server.listen(listen.handle, done);
    else server.listen(listen.port, listen.host, done);
  });
  const address = server.address() as AddressInfo;
  loopback = isLoopbackName(address.address);
  if (socketPath !== undefined) {
    // What a killed process left would be in the way.
    rmSync(socketPath, { force: true });
    const beside = http.createServer({ maxHeaderSize: limits.headerBytesMax }, dispatch);
    beside.on('connection', (socket) => local.add(socket));
    servers.push(beside);
    await listening(beside, limits.connectionsMax, (done) => beside.listen(socketPath, done));
  }

  async function drain(deadlineMs: number): Promise<void> {
    closing.abort();
    events.close();
    const closed = servers.map((each) => new Promise<void>((resolve) => void each.close(() => resolve())));
    for (const each of servers) each.closeIdleConnections();
    const cut = setTimeout(() => {
      for (const each of servers) each.closeAllConnections();
    }, deadlineMs);
    await Promise.all(closed);
    clearTimeout(cut);
  }

  const renew = (tls: TlsMaterial): void => secure?.setSecureContext(contextOptions(tls));
  const answerGateway: http.RequestListener = (request, response) => {
    local.add(request.socket);
    dispatch(request, response);
  };
  return { address, answerGateway, drain, renew, [Symbol.asyncDispose]: () => drain(0) };
}

function listening(server: http.Server, connectionsMax: number, listen: (done: () => void) => void): Promise<void> {
  server.maxConnections = connectionsMax;
  server.requestTimeout = requestTimeoutMs;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    listen(resolve);
  });
}

function nothingAt(request: FastifyRequest, reply: FastifyReply): FlyballError {
  const path = request.url.split('?')[0] ?? '';
  const allowed = routes.filter((route) => patternOf(route).test(path)).map(({ method }) => method);
  if (allowed.length === 0) return new FlyballError('NOT_FOUND', `there is nothing at ${path}`);
  void reply.header('allow', allowed.join(', '));
  return new FlyballError('METHOD_NOT_ALLOWED', `expected ${allowed.join(' or ')} at ${path}, got ${request.method}`);
}

function fail(reply: FastifyReply, request: FastifyRequest, thrown: unknown): FastifyReply {
  const error = toApiError(thrown);
  if (error.code === 'INTERNAL') {
    const where = `${request.method} ${request.url}`;
    publish('flyball:fault', { where, message: `${error.message} (request ${request.id})`, error: thrown });
  }
  if (error.code === 'UNAUTHENTICATED') void reply.header('www-authenticate', challenge);
  if (error.retryAfterSeconds !== undefined) void reply.header('retry-after', error.retryAfterSeconds);
  return reply
    .code(error.status)
    .header('content-type', 'application/problem+json')
    .serializer((value: unknown) => JSON.stringify(value))
    .send(toProblem(error, request.id));
}

function patternOf(route: Route): RegExp {
  return new RegExp(`^${prefix}${route.path.replace(/\{\w+\}/g, '[^/]+')}$`);
}

/** Bytes are taken as they come: a compressed body would otherwise be kept, or read, as something that it is not. */
function checkEncoding({ 'content-encoding': encoding = 'identity' }: IncomingHttpHeaders): void {
  if (encoding.toLowerCase() === 'identity') return;
  throw new FlyballError('UNSUPPORTED_CONTENT', `expected a body that is not compressed, got ${encoding}`);
}

/** What is not even HTTP, answered before any route is known. */
function refuse(socket: Socket, thrown: NodeJS.ErrnoException): void {
  if (!socket.writable || isTlsFailure(thrown)) {
    socket.destroy();
    return;
  }
  const tooLarge = thrown.code === 'HPE_HEADER_OVERFLOW';
  const error = tooLarge
    ? new FlyballError('TOO_LARGE', 'the headers are larger than limits.headerBytesMax')
    : new FlyballError('INVALID_REQUEST', `expected an HTTP request: ${toFlyballError(thrown).message}`);
  const body = JSON.stringify(toProblem(error, randomUUID()));
  const status = `${error.status} ${http.STATUS_CODES[error.status] ?? ''}`;
  const type = 'content-type: application/problem+json';
  socket.end(
    `HTTP/1.1 ${status}\r\n${type}\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
