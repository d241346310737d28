import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeKey } from '../auth/key.ts';
import { systemClock } from '../clock.ts';
import { storeSettings, type StoreSettings } from '../config/store-specification.ts';
import { shareAdminKey } from '../control/shared-admin-key.ts';
import { openSharedSecrets } from '../drivers/stores/open.ts';
import { openPostgresStore } from '../drivers/stores/postgres.ts';
import { placeIn } from '../testing/postgres-place.ts';
import { startPostgres, withoutPostgres, type PostgresServer } from '../testing/postgres-server.ts';
import { shareSecrets } from './shared-secrets.ts';

const skip = withoutPostgres();
const folder = mkdtempSync(join(tmpdir(), 'flyball-secrets-'));
let server: PostgresServer;
let made = 0;

before(async () => {
  if (skip === false) server = await startPostgres();
});
after(async () => {
  await server?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const fileOf = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const machine = (): string => mkdtempSync(join(folder, 'machine-'));
const platform = (sealKey = 'a line of more than thirty-two characters'): StoreSettings =>
  storeSettings.parse({
    kind: 'postgres',
    url: server.url,
    schema: `secrets_${made}`,
    passwordFile: fileOf('password', server.password),
    sealKeyFile: fileOf(`seal-${sealKey.length}`, `${sealKey}\n`),
  });
const read = (directory: string, name: string): string => readFileSync(join(directory, name)).toString('base64');
const start = (settings: StoreSettings, directory: string): Promise<void> =>
  shareSecrets(settings, directory, 'platform', systemClock);
const secretsOf = (directory: string): readonly string[] =>
  ['authority.pem', 'request-log.key'].map((name) => read(directory, name));

test(
  'machines that start at once on an empty store have the same authority and key, of one of them',
  { skip },
  async () => {
    made += 1;
    const settings = platform();
    const machines = [machine(), machine(), machine(), machine()];
    await Promise.all(machines.map((directory) => start(settings, directory)));
    assert.equal(new Set(machines.map((directory) => secretsOf(directory).join())).size, 1);
    const [first = ''] = machines;
    assert.equal(statSync(join(first, 'authority.pem')).mode & 0o777, 0o600);
    const before = secretsOf(first);
    await start(settings, first);
    assert.deepEqual(secretsOf(first), before, 'and keep it');
  },
);

test('a platform that was there gives its own, and a machine that had another puts that aside', { skip }, async () => {
  made += 1;
  const [first, second] = [machine(), machine()];
  await shareSecrets({ kind: 'sqlite' }, first, 'platform', systemClock);
  await start(platform(), first);
  const kept = secretsOf(first);
  made += 1;
  await start(platform(), second);
  const own = secretsOf(second);
  made -= 1;
  await start(platform(), second);
  assert.deepEqual(secretsOf(second), kept);
  assert.equal(read(second, 'authority.pem.replaced'), own[0]);
});

test('what lies in the database shows no secret, and another key opens none of it', { skip }, async () => {
  made += 1;
  const directory = machine();
  await start(platform(), directory);
  const other = platform('another line of more than thirty-two characters');
  const wrong = { code: 'SECRET_UNUSABLE', message: /store\.sealKeyFile: expected the key that authority\.pem was/ };
  await assert.rejects(start(other, machine()), wrong);
  await assert.rejects(start(platform('short'), machine()), { code: 'SECRET_UNUSABLE', message: /at least 32/ });
});

test('the first key stands on every machine, unless it was revoked', { skip }, async () => {
  made += 1;
  await using store = await openPostgresStore(placeIn(server, `secrets_${made}`));
  await using secrets = await openSharedSecrets(platform(), systemClock);
  assert.ok(secrets !== undefined);
  const keep = async (): Promise<string> => {
    const { id, hash, secret } = makeKey();
    await store.addKey({ id, hash, name: 'ada', scopes: ['admin'], createdAt: 1, createdBy: 'ada' });
    return secret;
  };
  const [first, second, third] = [machine(), machine(), machine()].map((directory) => join(directory, 'admin.key'));
  const share = (path = ''): Promise<void> => shareAdminKey(secrets, store, path);
  const key = await keep();
  writeFileSync(first ?? '', `${key}\n`);
  for (const path of [first, second]) await share(path);
  assert.equal(readFileSync(second ?? '', 'utf8'), `${key}\n`);
  const [kept] = await store.keys();
  await store.removeKey(kept?.id ?? '');
  await share(third);
  assert.throws(() => readFileSync(third ?? ''), { code: 'ENOENT' });
  const later = await keep();
  writeFileSync(third ?? '', `${later}\n`);
  for (const path of [third, first]) await share(path);
  assert.equal(readFileSync(first ?? '', 'utf8'), `${later}\n`, 'in place of the one that is of no use');
});
