/**
 * `flyball control`: control alone, with its door for gateways and replicas on other machines. Models and deployments come
 * over its API. Gateways are started elsewhere: `flyball gateway`.
 */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { idOf } from '../../auth/key.ts';
import { readAuthority } from '../../tls/platform-authority.ts';
import { stringOption, type Invocation } from '../declaration.ts';
import { UsageError, type ExitCode } from '../exit-codes.ts';
import { nodeName } from '../node-name.ts';
import { loadFrom } from '../prepare.ts';
import { runRole } from '../run-role.ts';

export async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, values, positionals } = invocation;
  const loaded = await loadFrom(positionals[0], terminal);
  const authority = stringOption(values, 'authority');
  if (authority === undefined) {
    throw new UsageError(
      'control expects --authority FILE: the certificate and key of the authority, in PEM',
      'authority.pem in the data directory of `flyball up` is one',
    );
  }
  const keyPath = stringOption(values, 'admin-key');
  return await runRole(invocation, loaded, {
    kind: 'control',
    authority: await readAuthority('--authority', resolve(terminal.cwd, authority)),
    ...(keyPath !== undefined && { adminKey: await readKey(resolve(terminal.cwd, keyPath)) }),
    node: nodeName(stringOption(values, 'node') ?? hostname()),
  });
}

async function readKey(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new UsageError(`--admin-key: cannot read ${path}: ${error.message}`);
  });
  const key = text.trim();
  if (idOf(key) === undefined) {
    throw new UsageError(`--admin-key: expected an API key such as flyball_…_… in ${path}, got something else`);
  }
  return key;
}
