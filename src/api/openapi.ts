/** The OpenAPI 3.1 document of the control API, written from the route table and the zod schemas. */
import * as z from 'zod';
import { catalogue, type ErrorCode } from '../errors.ts';
import { cookieName } from './sign-in/cookie.ts';
import { routes, type Route } from './routes.ts';
import {
  artefactView,
  deploymentView,
  modelView,
  keyCreated,
  keyView,
  operationView,
  planView,
  problem,
  replicaView,
  revokedKey,
  specificationView,
  statusView,
  versionView,
} from './schemas.ts';

type Json = Record<string, unknown>;

/** Named so that generated clients get types with the names that people know. */
const named: readonly (readonly [string, z.ZodType])[] = [
  ['Problem', problem],
  ['Status', statusView],
  ['Specification', specificationView],
  ['Plan', planView],
  ['Model', modelView],
  ['Version', versionView],
  ['Artefact', artefactView],
  ['Replica', replicaView],
  ['Deployment', deploymentView],
  ['Operation', operationView],
  ['Key', keyView],
  ['KeyCreated', keyCreated],
  ['RevokedKey', revokedKey],
];

export function openApiDocument(version: string): Json {
  const components = Object.fromEntries(named.map(([name, schema]) => [name, toSchema(schema, 'output')]));
  // Extension members are for whoever knows them (RFC 9457, 3.2): an inference's problem tells its timing.
  const { additionalProperties: _closed, ...open } = components['Problem'] ?? {};
  components['Problem'] = open;
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = `/api/v1${route.path}`;
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Flyball control API', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths,
    security: [{ bearer: [] }, { apiKey: [] }, { cookie: [] }],
    components: {
      schemas: components,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key, where `auth.keys` is `required`.' },
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        cookie: {
          type: 'apiKey',
          in: 'cookie',
          name: cookieName,
          description: 'From POST /sign-in; what acts must come from a page of this origin.',
        },
        webhook: {
          type: 'http',
          scheme: 'bearer',
          description: 'The bearer of this webhook, or a signature in place of it (docs/webhooks.md).',
        },
      },
    },
  };
}

function toSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}

function answerSchema(schema: z.ZodType): Json {
  for (const [name, known] of named) {
    const reference = { $ref: `#/components/schemas/${name}` };
    if (schema === known) return reference;
    if (schema instanceof z.ZodArray && schema.element === known) return { type: 'array', items: reference };
  }
  return toSchema(schema, 'output');
}

function operationOf(route: Route): Json {
  const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const query = route.query === undefined ? {} : toSchema(route.query, 'input');
  const properties = (query['properties'] ?? {}) as Record<string, Json>;
  const inQuery = Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', schema }));
  return {
    operationId: route.id,
    summary: route.summary,
    ...securityOf(route),
    parameters: [...inPath, ...inQuery, ...headersOf(route)],
    ...(route.body === undefined ? {} : { requestBody: bodyOf(route.body) }),
    responses: { [route.status]: successOf(route), ...unchangedOf(route), ...errorsOf(route) },
  };
}

/** A browser's cookie opens whatever the key opens that it stands for. */
function securityOf({ id, scope }: Route): Json {
  if (id === 'signIn') return { security: [] };
  return scope === 'own' ? { security: [{ webhook: [] }] } : { 'x-flyball-scope': scope };
}

const header = (name: string, description: string, schema: Json = { type: 'string' }): Json => ({
  name,
  in: 'header',
  description,
  schema,
});

function headersOf({ acts, etag, tagged, method, id }: Route): Json[] {
  const isRead = tagged === true && method === 'GET';
  const key = { type: 'string', minLength: 1, maxLength: 255, pattern: '^[!-~]+$' };
  return [
    ...(acts === 'once'
      ? [header('Idempotency-Key', 'The same key with the same request is done once; for a day.', key)]
      : []),
    ...(etag === undefined ? [] : [header('If-Match', 'Only if it still has this ETag, which a read of it gave.')]),
    ...(isRead ? [header('If-None-Match', '304 if it still has this ETag.')] : []),
    ...(id === 'events' ? [header('Last-Event-ID', 'Number of the last journal entry that is known.')] : []),
  ];
}

function unchangedOf({ tagged, method }: Route): Json {
  return tagged === true && method === 'GET' ? { 304: { description: 'It still has the ETag that was named.' } } : {};
}

function answerHeadersOf({ tagged, next, id }: Route): Json {
  const text = { schema: { type: 'string' } };
  const headers = {
    ...(tagged === true && { ETag: { description: 'Of this content.', ...text } }),
    ...(next !== undefined && { Link: { description: '`rel="next"`, where this page is full.', ...text } }),
    ...(id === 'signIn' && { 'Set-Cookie': { description: 'Where keys are required.', ...text } }),
  };
  return Object.keys(headers).length === 0 ? {} : { headers };
}

function bodyOf(body: NonNullable<Route['body']>): Json {
  if (body.kind === 'whole') return { required: true, content: { 'application/json': { schema: { type: 'object' } } } };
  if (body.kind === 'anything') {
    const binary = { schema: { type: 'string', format: 'binary' } };
    const types = { 'application/json': { schema: { type: 'object' } }, 'image/*': binary, 'text/plain': {} };
    return { required: true, content: { ...types, 'application/octet-stream': binary } };
  }
  return body.kind === 'json'
    ? { required: true, content: { 'application/json': { schema: toSchema(body.schema, 'input') } } }
    : { required: false, content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } } };
}

function successOf(route: Route): Json {
  if (route.answer !== undefined) {
    const content = { 'application/json': { schema: answerSchema(route.answer) } };
    return { description: route.summary, ...answerHeadersOf(route), content };
  }
  if (route.id === 'events') return { description: route.summary, content: { 'text/event-stream': {} } };
  if (route.id !== 'getArtefact') return { description: route.summary };
  return { description: route.summary, content: { 'application/octet-stream': {} } };
}

function errorsOf(route: Route): Json {
  const byStatus = new Map<number, string[]>();
  const idempotency: readonly ErrorCode[] =
    route.acts === 'once' ? ['IDEMPOTENCY_KEY_REUSED', 'IDEMPOTENCY_RUNNING', 'IDEMPOTENCY_UNKNOWN'] : [];
  for (const code of [...route.errors, ...idempotency]) {
    const { status } = catalogue[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
  const known = [...byStatus].map(([status, codes]) => [String(status), { description: codes.join(', '), content }]);
  return { ...Object.fromEntries(known), default: { description: 'Any other failure.', content } };
}
