/** The OpenAPI document of the management listener, which `OPTIONS /` answers as TorchServe does. Pure. */

const name = { in: 'path', name: 'model_name', required: true, schema: { type: 'string' } };
const version = { in: 'path', name: 'model_version', required: true, schema: { type: 'string' } };
const query = (key: string, type: 'string' | 'integer' | 'boolean', description: string) => ({
  in: 'query',
  name: key,
  description,
  schema: { type },
});
const status = { type: 'object', properties: { status: { type: 'string' } }, required: ['status'] };
const error = {
  description: 'What went wrong.',
  content: {
    'application/json': {
      schema: {
        type: 'object',
        properties: { code: { type: 'integer' }, type: { type: 'string' }, message: { type: 'string' } },
        required: ['code', 'type', 'message'],
      },
    },
  },
};
const json = (schema: object, description: string) => ({ description, content: { 'application/json': { schema } } });
const updates = { 200: json(status, 'Done.'), 202: json(status, 'Under way.'), default: error };

const scale = [
  query('min_worker', 'integer', 'Workers that are there; 1 by default.'),
  query('max_worker', 'integer', 'Workers at most; min_worker by default.'),
  query('synchronous', 'boolean', 'Answer when the workers are there.'),
];

export function managementDescription(software: string): object {
  const describe = {
    summary: 'Describes a model.',
    responses: { 200: json({ type: 'array', items: { type: 'object' } }, 'Versions.'), default: error },
  };
  const unregister = { summary: 'Unregisters a version.', responses: { 200: json(status, 'Gone.'), default: error } };
  return {
    openapi: '3.0.1',
    info: { title: 'Management API as TorchServe has it', version: software },
    paths: {
      '/models': {
        get: {
          operationId: 'listModels',
          summary: 'Lists models, a page at a time.',
          parameters: [
            query('limit', 'integer', '100 at most.'),
            query('next_page_token', 'string', 'Of the page before.'),
          ],
          responses: { 200: json({ type: 'object' }, 'Names and archives.'), default: error },
        },
        post: {
          operationId: 'registerModel',
          summary: 'Registers an archive of the model store.',
          parameters: [
            { ...query('url', 'string', 'Name of a .mar in the model store.'), required: true },
            query('model_name', 'string', "The archive's own by default."),
            query('handler', 'string', 'image_classifier or base_handler.'),
            query('batch_size', 'integer', 'Requests in a call at most.'),
            query('max_batch_delay', 'integer', 'Milliseconds.'),
            query('response_timeout', 'integer', 'Seconds.'),
            query('initial_workers', 'integer', '0 by default.'),
            query('synchronous', 'boolean', 'Answer when the workers are there.'),
          ],
          responses: updates,
        },
      },
      '/models/{model_name}': {
        get: { ...describe, operationId: 'describeModel', parameters: [name] },
        put: {
          operationId: 'setAutoScale',
          summary: 'Scales workers.',
          parameters: [name, ...scale],
          responses: updates,
        },
        delete: { ...unregister, operationId: 'unregisterModel', parameters: [name] },
      },
      '/models/{model_name}/{model_version}': {
        get: { ...describe, operationId: 'version_describeModel', parameters: [name, version] },
        put: {
          operationId: 'version_setAutoScale',
          summary: 'Scales workers.',
          parameters: [name, version, ...scale],
          responses: updates,
        },
        delete: { ...unregister, operationId: 'version_unregisterModel', parameters: [name, version] },
      },
      '/models/{model_name}/{model_version}/set-default': {
        put: {
          operationId: 'setDefault',
          summary: 'Makes a version the default.',
          parameters: [name, version],
          responses: updates,
        },
      },
    },
  };
}
