import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { inspect } from 'node:util';
import { systemClock } from '../../clock.ts';
import { toFlyballError } from '../../errors.ts';
import { makeCertificate } from '../../testing/certificates.ts';
import { startCuttingProxy, type CuttingProxy } from '../../testing/cutting-proxy.ts';
import { versionOf } from '../../testing/conformance/store-records.ts';
import { addressOf, placeIn } from '../../testing/postgres-place.ts';
import { startPostgres, withoutPostgres, type PostgresServer } from '../../testing/postgres-server.ts';
import { openPostgresStore, type PostgresOptions } from './postgres.ts';

const skip = withoutPostgres();
const folder = mkdtempSync(join(tmpdir(), 'flyball-ca-'));
let server: PostgresServer;
let proxy: CuttingProxy;

before(async () => {
  if (skip !== false) return;
  const { certificate, key } = makeCertificate(folder, 'server');
  server = await startPostgres({ certificate: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') });
  proxy = await startCuttingProxy(server.port);
});
after(async () => {
  await proxy?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const throughProxy = (schema: string, more: Partial<PostgresOptions> = {}): PostgresOptions => ({
  ...placeIn(server, schema, server.url.replace(String(server.port), String(proxy.port))),
  ...more,
});

async function refusal(options: PostgresOptions): Promise<string> {
  const error = await openPostgresStore(options).then(
    () => assert.fail('it was opened'),
    (thrown: unknown) => toFlyballError(thrown),
  );
  const whole = inspect(error, { depth: 10, showHidden: true });
  assert.ok(!whole.includes('secret'), 'no password is in an error');
  return `${error.code} ${error.message}`;
}

test('a server that refuses says what it expected, and never the password', { skip }, async () => {
  const place = placeIn(server, 'refused');
  const wrong = { ...place, password: async () => 'secret' };
  assert.match(
    await refusal(wrong),
    /^STORE_UNUSABLE postgres:\/\/flyball@127.0.0.1:\d+\/flyball: the password is not/,
  );
  assert.match(await refusal({ ...place, password: async () => undefined }), /STORE_UNUSABLE .*asks for a password/);
  const at = (url: string) => ({ ...wrong, password: async () => server.password, address: addressOf(url) });
  assert.match(await refusal(at(`${server.url}s`)), /STORE_UNUSABLE .*no such database/);
  assert.match(await refusal(at('postgres://flyball:secret@127.0.0.1:1/flyball')), /STORE_UNREACHABLE .*ECONNREFUSED/);
  await server.sql("CREATE ROLE guest LOGIN PASSWORD 'secret'");
  const guest = { ...wrong, address: addressOf(server.url.replace('flyball@', 'guest@')) };
  assert.match(await refusal(guest), /STORE_UNUSABLE .*the user may not do that/);
});

test('a schema of a newer Flyball, or of another program, is left alone', { skip }, async () => {
  await using other = await openPostgresStore(placeIn(server, 'newer'));
  await other.setMeta('a', 'b');
  const client = async (text: string): Promise<void> => {
    const { default: pg } = await import('pg');
    const { port, user, database, password } = server;
    const connection = new pg.Client({ host: '127.0.0.1', port, user, database, password });
    await connection.connect();
    await connection.query(text);
    await connection.end();
  };
  await client('UPDATE newer.flyball_schema SET version = 99');
  assert.match(await refusal(placeIn(server, 'newer')), /^STORE_TOO_NEW .*schema newer has version 99/);
  await client('CREATE SCHEMA theirs; CREATE TABLE theirs.things (x TEXT)');
  assert.match(await refusal(placeIn(server, 'theirs')), /^STORE_UNUSABLE .*tables of another program/);
});

test("a certificate is held against the authority and the server's name", { skip }, async () => {
  const trusted = join(folder, 'server.pem');
  const other = makeCertificate(folder, 'other').certificate;
  const open = (query: string) => ({ ...placeIn(server, 'tls'), address: addressOf(`${server.url}?${query}`) });
  await using store = await openPostgresStore(open(`sslmode=verify-full&sslrootcert=${trusted}`));
  assert.deepEqual(await store.models(), []);
  assert.match(await refusal(open(`sslmode=verify-full&sslrootcert=${other}`)), /STORE_UNUSABLE .*sslmode=verify-full/);
  assert.match(await refusal(open('sslmode=verify-ca')), /STORE_UNUSABLE .*sslmode=verify-ca/);
  assert.match(await refusal(open(`sslmode=verify-full&sslrootcert=${folder}/none`)), /none cannot be read \(ENOENT\)/);
  await using unchecked = await openPostgresStore(open('sslmode=require'));
  assert.deepEqual(await unchecked.models(), []);
});

test('several may make the schema at once', { skip }, async () => {
  const opening = Array.from({ length: 6 }, () => openPostgresStore(placeIn(server, 'at_once')));
  const stores = await Promise.all(opening);
  // And what they change happens one after another.
  const grown = stores.map((store) =>
    store.transaction(async (access) => {
      const count = Number((await access.meta('count')) ?? 0);
      await access.setMeta('count', String(count + 1));
    }),
  );
  await Promise.all(grown);
  assert.equal(await stores[0]?.meta('count'), '6');
  await Promise.all(stores.map((store) => store[Symbol.asyncDispose]()));
});

test(
  'a connection that ends in the middle of a transaction takes it back, and the next call works',
  { skip },
  async () => {
    await using store = await openPostgresStore(placeIn(server, 'ended'));
    const ended = store.transaction(async (access) => {
      await access.addVersion(versionOf('digits', 1));
      await server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'flyball'");
      await access.nextRevision();
    });
    await assert.rejects(ended, { code: 'STORE_UNREACHABLE' });
    assert.deepEqual([await store.models(), await store.revision()], [[], 0]);
    await store.addVersion(versionOf('digits', 1));
  },
);

test('a change whose answer was lost has happened, and is not said to have failed', { skip }, async () => {
  await using store = await openPostgresStore(throughProxy('answer_lost'));
  proxy.cutAt('COMMIT', 'lost answer');
  assert.equal(await store.nextRevision(), 1);
  assert.equal(await store.revision(), 1);
});

test('a change that never reached the server has not happened, and says so', { skip }, async () => {
  await using store = await openPostgresStore(throughProxy('word_lost'));
  proxy.cutAt('COMMIT', 'lose');
  await assert.rejects(store.nextRevision(), { code: 'STORE_UNREACHABLE', message: /nothing has happened/ });
  assert.equal(await store.revision(), 0);
  assert.equal(await store.nextRevision(), 1);
});

test('a change of which nobody knows what became of it is said to be so', { skip }, async () => {
  await using store = await openPostgresStore(throughProxy('nobody_knows', { patienceMs: 300 }));
  proxy.cutAt('COMMIT', 'lost answer', 'refuse');
  await assert.rejects(store.nextRevision(), { code: 'STORE_UNCERTAIN', message: /does not say what became of it/ });
  await assert.rejects(store.revision(), { code: 'STORE_UNREACHABLE' });
  proxy.heal();
  assert.equal(await store.revision(), 1);
});

test('a server that says nothing any more is given up, and found again', { skip }, async () => {
  const timeouts = { connectMs: 300, statementMs: 300 };
  await using store = await openPostgresStore(throughProxy('silent', { timeouts, patienceMs: 300 }));
  proxy.silence();
  await assert.rejects(store.revision(), { code: 'STORE_UNREACHABLE' });
  proxy.heal();
  assert.equal(await store.revision(), 0);
});

test('a transaction that stands still is taken back, and holds nobody up', { skip }, async () => {
  const timeouts = { idleMs: 300 };
  await using still = await openPostgresStore({ ...placeIn(server, 'still'), timeouts });
  await using other = await openPostgresStore(placeIn(server, 'still'));
  const standing = still.transaction(async (access) => {
    await access.nextRevision();
    await pause(1500);
    await access.nextRevision();
  });
  const stood = assert.rejects(standing, { code: 'STORE_UNREACHABLE' });
  await other.setMeta('went', 'on');
  await stood;
  assert.deepEqual([await other.revision(), await still.meta('went')], [0, 'on']);
});

test(
  'a server that dies under load and comes back has every change that was said to have happened',
  { skip },
  async () => {
    await using store = await openPostgresStore(placeIn(server, 'killed'));
    const seen = { kept: 0, failed: 0, uncertain: 0 };
    let isOver = false;
    const writing = (async () => {
      while (!isOver || seen.kept === 0) {
        try {
          await store.transaction((access) => access.nextRevision());
          seen.kept += 1;
        } catch (error) {
          const { code } = toFlyballError(error);
          assert.ok(code === 'STORE_UNREACHABLE' || code === 'STORE_UNCERTAIN', String(error));
          seen[code === 'STORE_UNCERTAIN' ? 'uncertain' : 'failed'] += 1;
        }
      }
    })();
    for (let time = 0; time < 2; time += 1) {
      await pause(200);
      await server.crash();
      await server.start();
    }
    const before = seen.kept;
    for (const until = systemClock.now() + 30_000; seen.kept < before + 5 && systemClock.now() < until;)
      await pause(20);
    isOver = true;
    await writing;
    const revision = await store.revision();
    assert.ok(seen.kept >= before + 5, 'it goes on');
    assert.ok(revision >= seen.kept && revision <= seen.kept + seen.uncertain, JSON.stringify({ revision, ...seen }));
  },
);
