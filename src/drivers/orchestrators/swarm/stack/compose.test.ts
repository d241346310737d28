import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { parseSpecification } from '../../../../config/load.ts';
import { composeFile } from './compose.ts';
import { targets } from './files.ts';
import { stackLabels, type PlacedFile, type Role, type StackOrder } from './order.ts';
import { stackServices } from './services.ts';

const path = fileURLToPath(new URL('../../../../../deploy/stack.yaml', import.meta.url));

const order: StackOrder = {
  specification: parseSpecification('auth: { keys: required }', 'a platform that says nothing else'),
  image: '${FLYBALL_IMAGE}',
  managers: [{ id: '${FLYBALL_NODE}', name: 'manager', address: '${FLYBALL_ADDRESS}' }],
  home: '${FLYBALL_NODE}',
  socketGroup: 0,
  authority: '',
  insecure: false,
};
const file = (kind: 'secret' | 'config', name: string, target: string, role: Role): PlacedFile => ({
  kind,
  name,
  target,
  roles: [role],
  id: '',
});
const files = [
  file('secret', 'authority', targets.authority, 'control'),
  file('secret', 'admin', targets.adminKey, 'control'),
  file('secret', 'identity', targets.identity, 'gateway'),
  file('config', 'control', targets.specification, 'control'),
  file('config', 'gateway', targets.specification, 'gateway'),
];
const places: Readonly<Record<string, string>> = {
  authority: 'stack/authority.pem',
  admin: 'stack/admin.key',
  identity: 'stack/gateway.pem',
  control: 'stack/control.yaml',
  gateway: 'stack/gateway.yaml',
};

/** With variables for what is known only where it is deployed, and without names that hold for the whole Swarm. */
function general(): unknown {
  const made = composeFile(stackServices(order, files), files, ({ name }) => places[name] ?? '');
  const drop: ReadonlySet<string> = new Set([stackLabels.order, stackLabels.authority]);
  const text = JSON.stringify(made, (key, value: unknown) => (drop.has(key) ? undefined : value));
  const whole = JSON.parse(text.replace('"65532:0"', '"65532:${FLYBALL_SOCKET_GROUP}"')) as Record<string, never>;
  for (const kind of ['secrets', 'configs'])
    for (const each of Object.values<{ name?: string }>(whole[kind] ?? {})) delete each.name;
  return whole;
}

test('deploy/stack.yaml is what `flyball up` puts on a Swarm, of a platform that says nothing else', () => {
  const text = readFileSync(path, 'utf8');
  // To write it anew: the comment at its top stays.
  if (process.env['FLYBALL_WRITE'] === 'stack')
    writeFileSync(path, (/^(#.*\n)+/.exec(text)?.[0] ?? '') + stringify(general()));
  assert.deepEqual(parse(readFileSync(path, 'utf8')), general());
});
