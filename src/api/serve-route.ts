/**
 * One request of a route, from what the framework has read to what it sends: input by the route's schemas, what the
 * headers ask for beside it (Idempotency-Key, If-Match, If-None-Match), and the answer with its ETag and Link.
 */
import type { OutgoingHttpHeaders } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../clock.ts';
import type { ControlService } from '../control/control-service.ts';
import { FlyballError } from '../errors.ts';
import { etagOf, isAmong, preconditionOf } from './etags.ts';
import type { EventHub } from './events/hub.ts';
import type { EventsQuery } from './events/schemas.ts';
import { fingerprintOf, idempotencyKeyIn } from './idempotency/judge.ts';
import { doOnce } from './idempotency/once.ts';
import { withCaller, type KeyCheck } from './key-check.ts';
import { nextLink } from './paging.ts';
import { fromZodError } from './problems.ts';
import type { Route, RouteAnswer, RouteInput } from './routes.ts';
import { accessOf, type AccessParts } from './sign-in/access.ts';

export interface RouteServerParts {
  readonly control: ControlService;
  readonly version: string;
  readonly clock: Clock;
  readonly keys: AccessParts | undefined;
  readonly check: KeyCheck | undefined;
  readonly events: EventHub;
  readonly closing: AbortSignal;
}

export type ServeRoute = (route: Route, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

export function routeServer(parts: RouteServerParts): ServeRoute {
  const { control, version, clock, keys, check, closing } = parts;
  const once = doOnce(() => control.requestMemory, clock);

  return async (route, request, reply) => {
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    const holder = check?.holderOf(request);
    const params = request.params as Readonly<Record<string, string>>;
    const etag = route.etag;
    const input: RouteInput<unknown, unknown> = {
      params,
      query: withCaller(parseQuery(route, request.query), holder?.name),
      body: withCaller(bodyOf(route, request), holder?.name),
      headers: request.headers,
      signal: AbortSignal.any([gone.signal, closing]),
      access: accessOf(version, keys, request, reply, holder),
      covers: (deployment) => check?.covers(request, deployment) ?? true,
      by: holder?.name,
      only: holder?.deployments,
      precondition: etag && preconditionOf(request.headers, () => etag(control, params)),
    };
    const act = (): Promise<RouteAnswer> => route.handle(control, input);
    const answer = await answerOf(act).catch((error: unknown) => {
      if (!gone.signal.aborted && !request.raw.readableAborted) throw error;
      throw new FlyballError('CANCELLED', 'the caller hung up', { cause: error });
    });
    void reply.code(route.status).header('cache-control', 'no-store');
    if (answer.kind === 'events') {
      await openEvents(request, reply, answer);
      return reply;
    }
    if (answer.kind === 'bytes') {
      void reply.header('content-type', 'application/octet-stream').header('content-length', answer.bytes);
      return route.method === 'HEAD' ? reply.send() : reply.send(answer.open());
    }
    if (answer.kind === 'reply')
      return reply.code(answer.status).headers(answer.headers).send(JSON.stringify(answer.value));
    if (route.status === 204) return reply.send();
    return sendJson(answer.value, input.query);

    async function answerOf(work: () => Promise<RouteAnswer>): Promise<RouteAnswer> {
      const key = route.acts === 'once' ? idempotencyKeyIn(request.headers) : undefined;
      if (key === undefined) return work();
      const { method, url, body } = request;
      const ifMatch = request.headers['if-match'];
      const keyed = { caller: holder?.id ?? '', key, fingerprint: fingerprintOf({ method, url, body, ifMatch }) };
      const { value, isAgain } = await once({ ...keyed, isSecret: route.answersSecret === true }, async () => {
        const done = await work();
        return done.kind === 'json' ? done.value : null;
      });
      if (isAgain) void reply.header('idempotency-replayed', 'true');
      return { kind: 'json', value };
    }

    function sendJson(value: unknown, query: unknown): FastifyReply {
      const next = route.next?.(query, value);
      if (next !== undefined) void reply.header('link', nextLink(request.url, next));
      if (route.tagged === true) {
        const tag = etagOf(value);
        void reply.header('etag', tag).header('cache-control', 'no-cache, private');
        const { 'if-none-match': known } = request.headers;
        if (route.method === 'GET' && known !== undefined && isAmong(known, tag, true)) return reply.code(304).send();
      }
      return reply.send(value);
    }
  };

  async function openEvents(request: FastifyRequest, reply: FastifyReply, { topics, since }: EventsQuery) {
    // What a browser says when it comes back is newer than the address that it was opened with.
    const { 'last-event-id': last } = request.headers;
    const from = typeof last === 'string' && last !== '' ? Number(last) : since;
    const watcher = check?.holderOf(request);
    await parts.events.open({ response: reply.raw, begin: () => beginStream(reply) }, { topics, since: from }, watcher);
  }
}

/** From here on the response is not the framework's any more; what was put on the reply so far goes out with it. */
function beginStream(reply: FastifyReply): void {
  reply.hijack();
  reply.raw.writeHead(200, {
    ...(reply.getHeaders() as OutgoingHttpHeaders),
    'content-type': 'text/event-stream',
    'cache-control': 'no-store',
    // Proxies that gather what they pass on would hold back what is to be seen at once.
    'x-accel-buffering': 'no',
  });
}

function parseQuery(route: Route, query: unknown): unknown {
  if (route.query === undefined) {
    const [unknown] = Object.keys(query as object);
    if (unknown === undefined) return undefined;
    throw new FlyballError('INVALID_REQUEST', `expected no query here, got ${unknown}`);
  }
  const parsed = route.query.safeParse(query);
  if (parsed.success) return parsed.data;
  throw fromZodError(parsed.error, 'INVALID_REQUEST');
}

function bodyOf(route: Route, request: FastifyRequest): unknown {
  const { body } = request;
  if (route.body?.kind === 'bytes') {
    if (body == null || request.headers['content-length'] === '0') return undefined;
    if (body instanceof Readable) return body;
    throw new FlyballError(
      'UNSUPPORTED_CONTENT',
      `expected application/octet-stream, got ${request.headers['content-type']}`,
    );
  }
  if (body instanceof Readable) {
    throw new FlyballError('UNSUPPORTED_CONTENT', 'expected application/json, got application/octet-stream');
  }
  if (route.body === undefined) return undefined;
  if (route.body.kind === 'whole' || route.body.kind === 'anything')
    return body instanceof Buffer ? body : Buffer.alloc(0);
  const parsed = route.body.schema.safeParse(body);
  if (parsed.success) return parsed.data;
  throw fromZodError(parsed.error, body === undefined ? 'INVALID_REQUEST' : (route.invalid ?? 'INVALID_REQUEST'));
}
