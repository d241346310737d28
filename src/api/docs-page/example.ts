/** An example of a route as a curl command, made from its description. Pure. */
import type { Operation } from './page.ts';

type Json = Record<string, unknown>;

/** What the names in paths stand for in examples. */
const named: Readonly<Record<string, string>> = {
  name: 'digits',
  version: '2',
  alias: 'champion',
  digest: `sha256:${'0'.repeat(64)}`,
  id: '1',
  sender: 'alertmanager',
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
};

/** Bodies that a schema alone would make nothing sensible of, by operation. */
const bodies: Readonly<Record<string, unknown>> = {
  signIn: { key: 'flyball_0123456789ab_…' },
  scale: { replicas: 3 },
  setMode: { mode: 'auto', reason: 'watched for a week' },
  halt: { scope: 'targets', reason: 'the shop is moving' },
  haltDeployment: { reason: 'being looked into' },
  setAlias: { version: 2 },
  deploy: { deployment: { model: 'digits@champion', replicas: { min: 1, max: 4 } } },
  createKey: { name: 'ward-7', scopes: ['infer'], deployments: ['digits'] },
  reject: { reason: 'not during the sale' },
};

export function exampleOf(path: string, method: string, operation: Operation, origin: string): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => named[name] ?? name);
  const required = operation.parameters.filter((each) => each.in === 'query' && isRequired(each));
  const query = required.map(({ name }) => `${name}=…`).join('&');
  const url = `${origin}${filled}${query === '' ? '' : `?${query}`}`;
  const { options, body } = bodyOf(operation);
  const verb = method === 'get' ? [] : method === 'head' ? ['--head'] : [`-X ${method.toUpperCase()}`];
  const stream = operation.operationId === 'events' ? ['--no-buffer'] : [];
  const lines = [
    `curl ${[...verb, ...stream, ...options].join(' ')}${verb.length + stream.length + options.length > 0 ? ' ' : ''}'${url}'`,
  ];
  if (body !== undefined) lines.push(`  -d '${body}'`);
  return lines.join(' \\\n');
}

const isRequired = ({ required, schema }: { readonly required?: boolean; readonly schema: Json }): boolean =>
  required === true && schema['default'] === undefined;

function bodyOf({ operationId, requestBody }: Operation): {
  readonly options: readonly string[];
  readonly body?: string;
} {
  const content = requestBody?.content ?? {};
  if (content['application/octet-stream'] !== undefined && content['application/json'] === undefined) {
    return { options: ['-H "Content-Type: application/octet-stream"', '--data-binary @model.onnx'] };
  }
  if (content['application/json'] === undefined) return { options: [] };
  const body = bodies[operationId] ?? {};
  return { options: ['-H "Content-Type: application/json"'], body: JSON.stringify(body) };
}
