/**
 * The OpenAPI 3.1 document of the inference listener, generated from zod schemas. The schemas describe; on the request's
 * way v2.ts reads by hand, because a schema library would cost more there than the parsing of a small request.
 */
import * as z from 'zod';
import { catalogue } from '../errors.ts';
import type { ServerMetadata } from './inference.ts';
import { datatypeWidths, type Datatype } from './tensor.ts';

const datatype = z.enum(Object.keys(datatypeWidths) as [Datatype, ...Datatype[]]);
const parameters = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
  .describe('`timeout` in µs, `priority` (1 is the most urgent), `binary_data_output`; others are passed over.');
const tensorMetadata = z.object({
  name: z.string(),
  datatype,
  shape: z.array(z.int()).describe('-1 is a dimension of any size.'),
});
const tensor = z.object({
  name: z.string(),
  datatype,
  shape: z.array(z.int().min(0)),
  parameters: parameters
    .optional()
    .describe('`binary_data_size`: bytes of this tensor after the JSON, in place of `data`.'),
  data: z
    .array(z.unknown())
    .optional()
    .describe('Row-major, nested or flat. Integers are exact; NaN and infinities are the words in quotes.'),
});

const schemas = {
  TorchServeError: z.object({ code: z.int(), type: z.string(), message: z.string(), reason: z.string() }),
  Error: z.object({ error: z.string(), code: z.enum(Object.keys(catalogue) as [string, ...string[]]) }),
  ServerLive: z.object({ live: z.boolean() }),
  ServerReady: z.object({ ready: z.boolean() }),
  ModelReady: z.object({ name: z.string(), ready: z.boolean() }),
  ServerMetadata: z.object({ name: z.string(), version: z.string(), extensions: z.array(z.string()) }),
  ModelMetadata: z.object({
    name: z.string(),
    versions: z.array(z.string()).optional(),
    platform: z.string(),
    inputs: z.array(tensorMetadata),
    outputs: z.array(tensorMetadata),
    properties: z.record(z.string(), z.string()).optional(),
  }),
  InferenceRequest: z.object({
    id: z.string().optional(),
    parameters: parameters.optional(),
    inputs: z.array(tensor),
    outputs: z
      .array(
        z.object({ name: z.string(), parameters: parameters.optional().describe('`binary_data`: true or false.') }),
      )
      .optional()
      .describe('Absent or empty means all.'),
  }),
  InferenceResponse: z.object({
    model_name: z.string(),
    model_version: z.string(),
    id: z.string().optional(),
    parameters: parameters.optional(),
    outputs: z.array(tensor),
  }),
  GenerateRequest: z.object({ id: z.string().optional(), text_input: z.string(), parameters: parameters.optional() }),
  GenerateResponse: z.object({
    id: z.string().optional(),
    model_name: z.string(),
    model_version: z.string(),
    text_output: z.union([z.string(), z.array(z.string())]),
  }),
  IndexRequest: z.looseObject({ ready: z.boolean().nullish() }),
  Index: z.array(
    z.object({
      name: z.string(),
      version: z.string().optional(),
      state: z.enum(['READY', 'UNAVAILABLE', 'LOADING', 'UNLOADING']),
      reason: z.string(),
    }),
  ),
  Statistics: z.object({
    // Triton's clients expect members beside these.
    model_stats: z.array(
      z.looseObject({
        name: z.string(),
        version: z.string(),
        last_inference: z.int().describe('Unix milliseconds.'),
        inference_count: z.int(),
        execution_count: z.int(),
        inference_stats: z.record(z.string(), z.object({ count: z.int(), ns: z.int() })),
        batch_stats: z.array(z.looseObject({ batch_size: z.int() })).describe('Calls of the runtime by their rows.'),
      }),
    ),
  }),
  ModelConfig: z.looseObject({
    name: z.string(),
    platform: z.string(),
    max_batch_size: z.int().describe('0: requests are not batched, dims are whole shapes.'),
    input: z.array(z.looseObject({ name: z.string(), data_type: z.string(), dims: z.array(z.int()) })),
    output: z.array(z.looseObject({ name: z.string(), data_type: z.string(), dims: z.array(z.int()) })),
  }),
  LoadRequest: z.looseObject({
    parameters: z
      .record(z.string(), z.string())
      .optional()
      .describe('`config`: a model configuration as JSON; `file:<version>/<name>.onnx`: a model in base64.'),
  }),
  LogSettings: z.object({
    log_file: z.string(),
    log_info: z.boolean(),
    log_warning: z.boolean(),
    log_error: z.boolean(),
    log_verbose_level: z.int(),
    log_format: z.string(),
  }),
  TraceSettings: z.looseObject({ trace_level: z.array(z.string()) }),
  Regions: z.array(z.never()),
  Done: z.object({}).describe('It is done.'),
  Ping: z.object({ status: z.enum(['Healthy', 'Unhealthy']) }),
};

type SchemaName = keyof typeof schemas;

const content = (name: SchemaName, type = 'application/json'): object => ({
  [type]: { schema: { $ref: `#/components/schemas/${name}` } },
});
const failure = { description: 'A typed error; `code` is in docs/errors.md.', content: content('Error') };
const binary = { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } };

function operation(summary: string, reply: SchemaName, parts: object = {}): object {
  return { summary, ...parts, responses: { 200: { description: 'OK', content: content(reply) }, default: failure } };
}

const torchServeFailure = {
  description: 'An error as TorchServe has it; `reason` is in docs/errors.md.',
  content: content('TorchServeError'),
};
const noExplanation = {
  summary: 'Not offered: explanations',
  responses: { 501: torchServeFailure, default: torchServeFailure },
};

/** What is answered, but never with more than 501: clients of other servers ask for it. */
const refused = (what: string): object => ({
  summary: `Not offered: ${what}`,
  responses: { 501: failure, default: failure },
});

const pathParameter = (name: string): object => ({ name, in: 'path', required: true, schema: { type: 'string' } });
const header = (name: string, description: string): object => ({
  name,
  in: 'header',
  required: false,
  description,
  schema: { type: 'string' },
});
const callHeaders = [
  header('Flyball-Deadline-Ms', 'Milliseconds within which the answer must be there.'),
  header('X-Request-Id', 'Echoed back; generated when absent.'),
  header('traceparent', 'W3C trace context; the answer names the trace in X-Trace-Id.'),
  header('Flyball-Timing', '1: the answer carries Server-Timing with queue, compute and total in milliseconds.'),
];
const lengthHeader = header('Inference-Header-Content-Length', 'Bytes of the JSON part when binary tensors follow it.');

/** The paths below one model, with or without a version. */
function modelPaths(prefix: string, names: readonly string[]): Record<string, object> {
  const parameters = names.map(pathParameter);
  const generate = { requestBody: { required: true, content: content('GenerateRequest') } };
  return {
    [prefix]: { parameters, get: operation('Metadata of a model', 'ModelMetadata') },
    [`${prefix}/ready`]: { parameters, get: operation('Whether a model can answer', 'ModelReady') },
    [`${prefix}/stats`]: { parameters, get: operation('Statistics of a model', 'Statistics') },
    [`${prefix}/config`]: { parameters, get: operation("Triton's configuration of a model", 'ModelConfig') },
    [`${prefix}/trace/setting`]: { parameters, ...settings('trace', 'TraceSettings') },
    [`${prefix}/infer`]: {
      parameters: [...parameters, ...callHeaders, lengthHeader],
      post: operation('Infer', 'InferenceResponse', {
        requestBody: { required: true, content: { ...content('InferenceRequest'), ...binary } },
      }),
    },
    [`${prefix}/generate`]: {
      parameters: [...parameters, ...callHeaders],
      post: operation('Text in, text out', 'GenerateResponse', generate),
    },
    [`${prefix}/generate_stream`]: {
      parameters,
      post: {
        summary: 'Text in, server-sent events out',
        ...generate,
        responses: {
          200: { description: 'Events', content: content('GenerateResponse', 'text/event-stream') },
          default: failure,
        },
      },
    },
  };
}

/** What can be read and not set. */
function settings(what: string, reply: SchemaName): object {
  return {
    get: operation(`The ${what} settings`, reply),
    post: operation(`The ${what} settings; setting one is refused with 501`, reply, {
      requestBody: { required: false, content: content('Done') },
    }),
  };
}

/** No region is ever registered: that is what these say. */
function sharedMemoryPaths(prefix: string): Record<string, object> {
  const region = [pathParameter('region')];
  return {
    [`${prefix}/status`]: { get: operation('No region', 'Regions') },
    [`${prefix}/unregister`]: { post: operation('There is none to unregister', 'Done') },
    [`${prefix}/region/{region}/status`]: { parameters: region, get: operation('No region', 'Regions') },
    [`${prefix}/region/{region}/register`]: { parameters: region, post: refused('shared memory') },
    [`${prefix}/region/{region}/unregister`]: {
      parameters: region,
      post: operation('There is none to unregister', 'Done'),
    },
  };
}

function predictionPath(names: readonly string[]): object {
  const prediction = {
    summary: 'A file, JSON or raw bytes in, a readable answer out',
    requestBody: {
      required: true,
      content: { 'image/*': {}, 'multipart/form-data': {}, 'application/json': {}, ...binary },
    },
    responses: {
      200: { description: "The pipeline's answer, or the outputs by name.", content: { 'application/json': {} } },
      default: torchServeFailure,
    },
  };
  return { parameters: [...names.map(pathParameter), ...callHeaders], post: prediction, put: prediction };
}

/** As a value; the caller prints it. */
export function openApiDocument(server: ServerMetadata): object {
  return {
    openapi: '3.1.0',
    info: {
      title: `${server.name}: inference`,
      version: server.version,
      description:
        'Open Inference Protocol V2 over REST with the binary tensor extension, and TorchServe’s predictions.',
    },
    paths: {
      '/v2': { get: operation('Metadata of the server', 'ServerMetadata') },
      '/v2/health/live': { get: operation('Whether the server lives', 'ServerLive') },
      '/v2/health/ready': { get: operation('Whether every model can answer', 'ServerReady') },
      '/livez': { get: operation('As /v2/health/live', 'ServerLive') },
      '/readyz': { get: operation('As /v2/health/ready', 'ServerReady') },
      ...modelPaths('/v2/models/{model}', ['model']),
      ...modelPaths('/v2/models/{model}/versions/{version}', ['model', 'version']),
      '/v2/models/stats': { get: operation('Statistics of all models', 'Statistics') },
      '/v2/repository/index': {
        post: operation('What is served', 'Index', {
          requestBody: { required: false, content: content('IndexRequest') },
        }),
      },
      '/v2/repository/models/{model}/load': {
        parameters: [pathParameter('model')],
        post: operation('Gives a registered model a deployment; answers when it is ready', 'Done', {
          requestBody: { required: false, content: content('LoadRequest') },
        }),
      },
      '/v2/repository/models/{model}/unload': {
        parameters: [pathParameter('model')],
        post: operation('Drains the deployment of a model and forgets it', 'Done'),
      },
      '/v2/logging': settings('log', 'LogSettings'),
      '/v2/trace/setting': settings('trace', 'TraceSettings'),
      ...sharedMemoryPaths('/v2/systemsharedmemory'),
      ...sharedMemoryPaths('/v2/cudasharedmemory'),
      '/predictions/{model}': predictionPath(['model']),
      '/predictions/{model}/{version}': predictionPath(['model', 'version']),
      '/explanations/{model}': { parameters: [pathParameter('model')], post: noExplanation, put: noExplanation },
      '/api-description': {
        get: {
          summary: 'As /openapi.json',
          responses: { 200: { description: 'OpenAPI 3.1', content: { 'application/json': {} } } },
        },
      },
      '/ping': {
        get: operation('Health, as TorchServe says it', 'Ping'),
        post: operation('Health, as TorchServe says it', 'Ping'),
      },
      '/openapi.json': {
        get: {
          summary: 'This document',
          responses: {
            200: { description: 'OpenAPI 3.1', content: { 'application/json': { schema: { type: 'object' } } } },
          },
        },
      },
    },
    components: {
      schemas: Object.fromEntries(
        Object.entries(schemas).map(([name, schema]) => [name, withoutDialect(z.toJSONSchema(schema))]),
      ),
    },
  };
}

/** OpenAPI 3.1 names the dialect once for the whole document. */
function withoutDialect(schema: object): object {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== '$schema'));
}
