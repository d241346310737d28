import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import pg from 'pg';
import { systemClock } from '../../clock.ts';
import { moveArtefacts } from '../../control/moved-artefacts.ts';
import { artefactPlace, openArtefactStore, type ArtefactStoreOptions } from '../../registry/artefacts.ts';
import { openRegistry } from '../../registry/open-registry.ts';
import { shareArtefacts, type SharedArtefacts } from '../../registry/shared-artefacts.ts';
import { artefactConformance, streamOf, unfinishedIn } from '../../testing/conformance/artefacts.ts';
import { deploymentOf } from '../../testing/conformance/store-records.ts';
import { startCuttingProxy, type CuttingProxy } from '../../testing/cutting-proxy.ts';
import { placeIn } from '../../testing/postgres-place.ts';
import { startPostgres, withoutPostgres, type PostgresServer } from '../../testing/postgres-server.ts';
import { inChunks } from './chunks.ts';
import { openPostgresArtefacts } from './postgres-artefacts.ts';
import { openPostgresLeases } from './postgres-leases.ts';
import { openPostgresStore, type PostgresOptions } from './postgres.ts';

const skip = withoutPostgres();
let server: PostgresServer;
let proxy: CuttingProxy;
let made = 0;

before(async () => {
  if (skip !== false) return;
  server = await startPostgres();
  proxy = await startCuttingProxy(server.port);
});
after(async () => {
  await proxy?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

async function sql(text: string): Promise<readonly Record<string, unknown>[]> {
  const { port, user, database, password } = server;
  const client = new pg.Client({ host: '127.0.0.1', port, user, database, password });
  await client.connect();
  const { rows } = await client.query(text);
  await client.end();
  return rows as Record<string, unknown>[];
}

/** A schema of its own, and machines that have nothing but what they fetch from it. */
async function platform(url?: string) {
  const schema = `artefacts_${made++}`;
  const folder = await mkdtemp(join(tmpdir(), 'fb-'));
  const stack = new AsyncDisposableStack();
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  await (await openPostgresStore(placeIn(server, schema)))[Symbol.asyncDispose]();
  const shared = async (more: Partial<PostgresOptions> = {}): Promise<SharedArtefacts> =>
    stack.use(await openPostgresArtefacts({ ...placeIn(server, schema, url), ...more }));
  return {
    schema,
    shared,
    stack,
    store: async () => stack.use(await openPostgresStore(placeIn(server, schema))),
    files: () => openArtefactStore(join(folder, String(made++))),
    async machine(options?: ArtefactStoreOptions) {
      return shareArtefacts(await openArtefactStore(join(folder, String(made++)), options), await shared());
    },
    chunks: async (): Promise<number> =>
      Number((await sql(`SELECT count(*) FROM ${schema}.artefact_chunks`))[0]?.['count']),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

artefactConformance(
  'postgres',
  async () => {
    const place = await platform();
    return {
      open: (options) => place.machine(options),
      damage: async () => {
        await sql(`UPDATE ${place.schema}.artefact_chunks SET data = set_byte(data, 0, get_byte(data, 0) # 1)`);
      },
      [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
    };
  },
  { skip },
);

const large = Buffer.alloc(3_000_000, 'weights ');
const digestOfLarge = async (place: Awaited<ReturnType<typeof platform>>): Promise<string> =>
  (await (await place.machine()).put(streamOf(large))).digest;

test('chunks of one size make the same bytes, whatever pieces they come in', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.uint8Array({ maxLength: 40 })),
      fc.integer({ min: 1, max: 30 }),
      async (pieces, size) => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of inChunks(streamFrom(pieces), size)) chunks.push(chunk);
        assert.ok(Buffer.concat(chunks).equals(Buffer.concat(pieces)));
        assert.ok(
          chunks.every(({ byteLength }, index) => (index === chunks.length - 1 ? byteLength > 0 : byteLength === size)),
        );
      },
    ),
  );
});

async function* streamFrom(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* pieces;
}

test('no more is read ahead than the database has taken', { skip }, async () => {
  await using place = await platform();
  const shared = await place.shared();
  let read = 0;
  let ahead = 0;
  async function* reading(): AsyncGenerator<Uint8Array> {
    for (; read < 8; read += 1) {
      ahead = Math.max(ahead, read - (await place.chunks()));
      yield Buffer.alloc(1024 * 1024, read);
    }
  }
  await assert.rejects(shared.put(`sha256:${'0'.repeat(64)}`, reading()), { code: 'DIGEST_MISMATCH' });
  assert.deepEqual([read, ahead], [8, 0]);
  assert.equal(await place.chunks(), 0, 'what is not what it was announced as leaves nothing');
});

for (const [what, change] of [
  ['a chunk is missing', (schema: string) => `DELETE FROM ${schema}.artefact_chunks WHERE part = 1`],
  ['a chunk is shorter', (schema: string) => `UPDATE ${schema}.artefact_chunks SET data = '\\x00' WHERE part = 1`],
  [
    'a byte is another',
    (schema: string) => `UPDATE ${schema}.artefact_chunks SET data = set_byte(data, 9, 1) WHERE part = 2`,
  ],
] as const)
  test(
    `where ${what} nothing is kept of it, the digest is named, and the bytes may be brought again`,
    { skip },
    async () => {
      await using place = await platform();
      const digest = await digestOfLarge(place);
      await sql(change(place.schema));
      const machine = await place.machine();
      const damaged = { code: 'DIGEST_MISMATCH', message: new RegExp(`store keeps of ${digest} is damaged.*PUT`) };
      await assert.rejects(machine.path(digest), damaged);
      await assert.rejects(machine.path(digest), damaged, 'also without reading it again');
      assert.deepEqual([await unfinishedIn(machine), await machine.find(digest)], [[], undefined]);
      assert.equal(await machine.place(digest), artefactPlace(machine.root, digest), 'a replica is what says so');
      await machine.put(streamOf(large), digest);
      assert.equal(await place.chunks(), 3, 'in place of those that were damaged');
      await (await place.machine()).path(digest);
    },
  );

test(
  'what a process that was killed left half-written is removed by the next, and nothing else is',
  { skip },
  async () => {
    await using place = await platform();
    const digest = await digestOfLarge(place);
    await sql(
      `INSERT INTO ${place.schema}.artefact_chunks SELECT 'half', n, '\\x00' FROM generate_series(0, 200) AS n`,
    );
    const machine = await place.machine();
    assert.equal(await place.chunks(), 3);
    assert.deepEqual(await machine.list(), [digest]);
    await machine.remove(digest);
    assert.equal(await place.chunks(), 0);
  },
);

test('a connection that is lost on the way is no reason to begin again', { skip }, async () => {
  await using place = await platform(server?.url.replace(String(server.port), String(proxy.port)));
  const shared = await place.shared();
  for (const how of ['lost answer', 'lose'] as const) {
    proxy.cutAt('COMMIT', how);
    const { digest } = await shareArtefacts(await place.files(), shared).put(streamOf(large));
    await (await place.machine()).verify(digest);
    await shared.remove(digest);
  }
});

test('under a lease that another has, nothing is kept or removed', { skip }, async () => {
  await using place = await platform();
  const leases = place.stack.use(await openPostgresLeases(placeIn(server, place.schema)));
  await leases.acquire('control', 'ada', 60_000);
  const before = await place.shared({ fence: { name: 'control', token: 1 } });
  const { digest } = await shareArtefacts(await place.files(), before).put(streamOf(large));
  await leases.acquire('control', 'ada', 60_000);
  const late = shareArtefacts(await place.files(), before);
  await assert.rejects(late.put(streamOf('other')), { code: 'LEASE_LOST' });
  await assert.rejects(late.remove(digest), { code: 'LEASE_LOST' });
  assert.deepEqual([await before.list(), await place.chunks()], [[digest], 3]);
});

test(
  'versions from before artefacts were shared are given to the store, and what is deployed is fetched from it',
  { skip },
  async () => {
    await using place = await platform();
    const store = await place.store();
    const files = await place.files();
    const modelFile = {
      platform: 'server',
      server: { command: ['serve'], protocol: 'v2' as const, files: ['a', 'b'] },
    };
    const before = openRegistry({ store, artefacts: files, clock: systemClock });
    const add = (model: string, text: string) =>
      before.addVersion(model, {
        modelFile: modelFile as never,
        assets: { a: streamOf(text), b: streamOf(large) },
        provenance: { source: 'test', by: 'test' },
      });
    const { version } = await add('digits', 'deployed');
    await add('words', 'not deployed');
    await store.setAlias({ model: 'digits', alias: 'champion', version: 1, by: 'ada', at: 1 });
    await store.putDeployment(deploymentOf('digits'));
    const stay = new AbortController().signal;
    const shared = await place.shared();
    const there = openRegistry({ store, artefacts: shareArtefacts(files, shared), clock: systemClock });
    await moveArtefacts({ store, registry: there, clock: systemClock }, stay);
    assert.equal((await shared.list()).length, 3);
    const other = await place.files();
    const here = openRegistry({ store, artefacts: shareArtefacts(other, shared), clock: systemClock });
    const paths = Object.values((await here.files(version)).serverFiles);
    await assert.rejects(stat(paths[0] ?? ''), { code: 'ENOENT' });
    await moveArtefacts({ store, registry: here, clock: systemClock }, stay);
    for (const path of paths) await stat(path);
    assert.deepEqual(new Set(await other.list()), new Set(Object.values(version.assets)));
    // And a model that is removed takes its bytes along.
    await here.removeModel('words');
    assert.equal((await shared.list()).length, 2);
    assert.deepEqual(await readdir(join(other.root, 'tmp')), []);
  },
);
