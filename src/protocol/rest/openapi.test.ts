/** The document and the routes are written apart, so this holds the two together, in both directions. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { startRest } from '../../testing/rest-server.ts';
import { tableService } from '../../testing/table-service.ts';
import { openApiDocument } from '../openapi.ts';

interface Operation {
  readonly summary?: string;
  readonly responses: Readonly<Record<string, { readonly description?: string }>>;
}
interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
}
type PathItem = Readonly<Record<string, Operation>> & { readonly parameters?: readonly Parameter[] };

const document = openApiDocument({ name: 'flyball', version: '1.2.3', extensions: [] }) as {
  readonly paths: Readonly<Record<string, PathItem>>;
};
const methods = ['get', 'post', 'put', 'delete', 'patch', 'head', 'options'];

const concrete = (path: string): string => path.replace('{model}', 'addsub').replace('{version}', '1');

test('every operation that is documented is answered by its route, and every other method is refused there', async () => {
  await using server = await startRest(tableService());
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of methods) {
      const { status, body } = await server.send(method.toUpperCase(), concrete(path));
      const said = `${method} ${path}: ${status} ${body.toString()}`;
      const documented = item[method] !== undefined || (method === 'head' && item['get'] !== undefined);
      assert.equal(status !== 405, documented, said);
      assert.ok(status !== 404, said);
      if (item[method]?.responses['200'] === undefined && documented && method !== 'head')
        assert.equal(status, 501, said);
    }
  }
});

test('every route of the source is documented', () => {
  const source = ['server.ts', 'triton.ts']
    .map((file) => readFileSync(new URL(file, import.meta.url), 'utf8'))
    .join('\n');
  const paths = Object.keys(document.paths);
  const whole = [...source.matchAll(/'(\/[\w./]+)'/g)].map(([, path]) => String(path));
  const actions = [...source.matchAll(/(?:case|action !==) '(\w+)'/g)].map(([, action]) => String(action));
  assert.ok(whole.length > 10 && actions.length > 5, 'the source still writes its routes so');
  for (const path of whole)
    assert.ok(
      paths.some((known) => known === path || known.startsWith(path)),
      path,
    );
  for (const action of actions)
    assert.ok(
      paths.some((known) => known.endsWith(`/${action}`)),
      action,
    );
});

test('every parameter of a path is declared, and every operation says what it answers', () => {
  for (const [path, item] of Object.entries(document.paths)) {
    const inPath = (item.parameters ?? []).filter((parameter) => parameter.in === 'path');
    assert.deepEqual(
      inPath.map(({ name, required }) => `{${name}}${required ? '' : '?'}`),
      path.match(/\{\w+\}/g) ?? [],
      path,
    );
    const names = (item.parameters ?? []).map((parameter) => `${parameter.in} ${parameter.name}`);
    assert.equal(new Set(names).size, names.length, `${path}: a parameter comes twice`);
    for (const method of methods) {
      const operation = item[method];
      if (operation === undefined) continue;
      assert.ok(operation.summary !== undefined && operation.summary !== '', `${method} ${path}`);
      const responses = Object.entries(operation.responses);
      assert.ok(responses.length > 0, `${method} ${path}`);
      for (const [, { description }] of responses) assert.equal(typeof description, 'string');
    }
  }
});
