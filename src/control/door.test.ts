import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openArtefactStore } from '../registry/artefacts.ts';
import { digestOfBytes } from '../registry/digest.ts';
import { openArtefactCache } from '../runner/artefact-cache.ts';
import { makeAuthority } from '../tls/authority.ts';
import { callOptions, type PeerIdentity } from '../tls/peer.ts';
import { identityOf } from '../tls/platform-authority.ts';
import { openDoor } from './door.ts';

const authority = makeAuthority('test', Date.now());
const strangers = makeAuthority('test', Date.now());
const as = (name: string, of = authority): PeerIdentity => identityOf(of, name, 'peer', Date.now());

async function world() {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'fb-door-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const artefacts = await openArtefactStore(join(folder, 'artefacts'));
  const door = stack.use(await openDoor({ identity: as('control'), host: '127.0.0.1', port: 0, artefacts }));
  const held = stack.move();
  const put = async (text: string): Promise<string> => {
    const stream = (async function* bytes() {
      yield Buffer.from(text);
    })();
    return (await artefacts.put({ kind: 'stream', stream })).digest;
  };
  return {
    folder,
    artefacts,
    put,
    url: `https://127.0.0.1:${door.port}`,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** Status of a request, or the code of the error that ended it. */
function ask(url: string, identity: PeerIdentity, method = 'GET'): Promise<number | string> {
  const { promise, resolve } = Promise.withResolvers<number | string>();
  const request = https.request(url, { ...callOptions(identity, 'control'), method, agent: false }, (response) => {
    response.resume();
    resolve(response.statusCode ?? 0);
  });
  request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  request.end();
  return promise;
}

test('a task fetches an artefact once, checked, and the next finds it in the cache', async () => {
  await using door = await world();
  const digest = await door.put('a model');
  const options = { doors: [door.url], identity: as('replica/digits') };
  const cache = await openArtefactCache(join(door.folder, 'cache'), options);
  const path = await cache.path(digest);
  assert.equal(await readFile(path, 'utf8'), 'a model');
  const alone = await openArtefactCache(join(door.folder, 'cache'), { ...options, doors: [] });
  assert.equal(await alone.path(digest), path);
});

test('many tasks of a node at once share one fetch', async () => {
  await using door = await world();
  const digest = await door.put('x'.repeat(3_000_000));
  let fetched = 0;
  const counted = await openDoor({
    identity: as('control'),
    host: '127.0.0.1',
    port: 0,
    artefacts: {
      find: (each) => door.artefacts.find(each),
      path(each) {
        fetched += 1;
        return door.artefacts.path(each);
      },
    },
  });
  await using _ = counted;
  const options = { doors: [`https://127.0.0.1:${counted.port}`], identity: as('replica/digits') };
  const caches = await Promise.all([1, 2, 3, 4].map(() => openArtefactCache(join(door.folder, 'cache'), options)));
  const paths = await Promise.all(caches.map((cache) => cache.path(digest)));
  assert.equal(new Set(paths).size, 1);
  assert.equal(fetched, 1);
});

test('bytes that are not what they are announced to be are not kept', async () => {
  await using door = await world();
  const [digest, wrong] = [digestOfBytes('right'), await door.put('wrong')];
  await using liar = await openDoor({
    identity: as('control'),
    host: '127.0.0.1',
    port: 0,
    artefacts: { find: () => door.artefacts.find(wrong), path: () => door.artefacts.path(wrong) },
  });
  const doors = [`https://127.0.0.1:${liar.port}`];
  const folder = join(door.folder, 'cache');
  const cache = await openArtefactCache(folder, { doors, identity: as('replica/digits'), retryMs: 1 });
  await assert.rejects(cache.path(digest), /expected sha256:.*got bytes of/);
  const alone = await openArtefactCache(folder, { doors: [], identity: as('replica/digits'), retryMs: 1 });
  await assert.rejects(alone.path(digest), { code: 'ARTEFACT_NOT_FOUND' });
});

test('one door that does not answer is no hindrance beside one that does', async () => {
  await using door = await world();
  const digest = await door.put('a model');
  const doors = ['https://127.0.0.1:1', door.url];
  const cache = await openArtefactCache(join(door.folder, 'cache'), { doors, identity: as('replica/digits') });
  assert.equal(await readFile(await cache.path(digest), 'utf8'), 'a model');
});

test('the least recently used make room', async () => {
  await using door = await world();
  const digests = [await door.put('first '.repeat(10)), await door.put('second '.repeat(10)), await door.put('third')];
  const options = { doors: [door.url], identity: as('replica/digits'), bytesMax: 80 };
  const cache = await openArtefactCache(join(door.folder, 'cache'), options);
  for (const digest of digests) await cache.path(digest);
  const alone = await openArtefactCache(join(door.folder, 'cache'), { ...options, doors: [], retryMs: 1 });
  await alone.path(digests[2] ?? '');
  await assert.rejects(alone.path(digests[0] ?? ''), { code: 'ARTEFACT_NOT_FOUND' });
});

test('strangers, and peers that are no replica, get nothing', async () => {
  await using door = await world();
  const digest = await door.put('a secret model');
  assert.equal(await ask(`${door.url}/artefacts/${digest}`, as('replica/digits')), 200);
  assert.equal(await ask(`${door.url}/artefacts/${digest}`, as('somebody')), 403);
  const stranger = { ...as('replica/digits', strangers), authority: authority.certificate };
  assert.equal(typeof (await ask(`${door.url}/artefacts/${digest}`, stranger)), 'string');
});

test('other paths and methods are refused', async () => {
  await using door = await world();
  const replica = as('replica/digits');
  assert.equal(await ask(`${door.url}/artefacts/sha256:${'0'.repeat(64)}`, replica), 404);
  for (const path of ['/', '/artefacts/', '/artefacts/..%2f..%2fflyball.db', '/artefacts/sha256:zz'])
    assert.equal(await ask(`${door.url}${path}`, replica), 404, path);
  assert.equal(await ask(`${door.url}/api/v1/status`, replica), 403);
  assert.equal(await ask(`${door.url}/artefacts/${await door.put('x')}`, replica, 'DELETE'), 405);
});
