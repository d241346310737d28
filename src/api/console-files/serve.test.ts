/** The console's files over a real server: what a browser is told about them, and what no path reaches. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { openAuthenticator } from '../../auth/authenticator.ts';
import { openSqliteStore } from '../../drivers/stores/sqlite.ts';
import type { ControlService } from '../../control/control-service.ts';
import { createVirtualClock } from '../../testing/virtual-clock.ts';
import { startApi, type ApiServer } from '../server.ts';
import { openConsoleFiles } from './serve.ts';

const limits = { bodyBytesMax: 10_000, headerBytesMax: 16_384, connectionsMax: 100 };
const script = `console.log(${JSON.stringify('a'.repeat(5000))});\n`;
const page = '<!doctype html><title>Flyball</title><script type="module" src="/assets/main-Ab12Cd34.js"></script>';

async function built(): Promise<AsyncDisposable & { readonly folder: string }> {
  const root = await mkdtemp(join(tmpdir(), 'flyball-console-'));
  const folder = join(root, 'dist');
  await mkdir(join(folder, 'assets'), { recursive: true });
  await writeFile(join(folder, 'index.html'), page);
  await writeFile(join(folder, 'favicon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  await writeFile(join(folder, 'assets/main-Ab12Cd34.js'), script);
  await writeFile(join(root, 'secret.txt'), 'secret');
  await symlink(join(root, 'secret.txt'), join(folder, 'assets/link.txt'));
  return { folder, [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) };
}

/** With keys required: the files are for everybody, nothing else is. */
function serve(folder: string): Promise<ApiServer> {
  const auth = openAuthenticator(createVirtualClock());
  const listen = { kind: 'port', host: '127.0.0.1', port: 0 } as const;
  const control = { signInMemory: openSqliteStore(':memory:') } as Partial<ControlService> as ControlService;
  return startApi({ control, version: '0', auth, limits, listen, console: openConsoleFiles(folder) });
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The path goes out as it is written, which fetch would clean up first. */
function ask(api: ApiServer, path: string, headers: http.OutgoingHttpHeaders = {}, method = 'GET'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: api.address.port, method, path, headers, agent: false };
    const request = http.request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    request.on('error', reject);
    request.end();
  });
}

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };

test('a page comes without a key, is asked for anew each time, runs only its own scripts and stands in no frame', async () => {
  await using place = await built();
  await using api = await serve(place.folder);
  for (const path of ['/', '/d/digits', '/why/digits?at=17', '/rehearsal/ab12', '/sign-in']) {
    const answer = await ask(api, path, browser);
    assert.equal(answer.status, 200, path);
    assert.equal(answer.body.toString(), page);
    const { headers } = answer;
    assert.equal(headers['content-type'], 'text/html; charset=utf-8');
    assert.equal(headers['cache-control'], 'no-cache');
    const policy = String(headers['content-security-policy']);
    for (const part of ["default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "object-src 'none'"])
      assert.ok(policy.includes(part), policy);
    assert.ok(!policy.includes('unsafe'), policy);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['x-frame-options'], 'DENY');
    assert.equal(headers['referrer-policy'], 'no-referrer');
    assert.equal(headers['cross-origin-opener-policy'], 'same-origin');
    const again = await ask(api, path, { ...browser, 'if-none-match': headers.etag });
    assert.deepEqual([again.status, again.body.length], [304, 0]);
  }
  const head = await ask(api, '/', browser, 'HEAD');
  assert.deepEqual([head.status, head.body.length, head.headers['content-length']], [200, 0, String(page.length)]);
});

test('a file with a hash in its name is kept for ever, and comes as small as the caller can read it', async () => {
  await using place = await built();
  await using api = await serve(place.folder);
  const path = '/assets/main-Ab12Cd34.js';
  const plain = await ask(api, path);
  assert.equal(plain.headers['cache-control'], 'public, max-age=31536000, immutable');
  assert.equal(plain.headers['content-type'], 'text/javascript; charset=utf-8');
  assert.equal(plain.body.toString(), script);
  const brotli = await ask(api, path, { 'accept-encoding': 'gzip, deflate, br' });
  assert.equal(brotli.headers['content-encoding'], 'br');
  assert.ok(brotli.body.length < 200);
  assert.equal(brotliDecompressSync(brotli.body).toString(), script);
  const gzip = await ask(api, path, { 'accept-encoding': 'br;q=0, gzip' });
  assert.equal(gunzipSync(gzip.body).toString(), script);
  assert.notEqual(gzip.headers.etag, brotli.headers.etag);
  assert.equal(gzip.headers['vary'], 'accept-encoding');
  assert.equal((await ask(api, '/favicon.svg')).headers['cache-control'], 'no-cache');
});

test('no path leads anywhere else, and the API keeps its own', async () => {
  await using place = await built();
  await using api = await serve(place.folder);
  const tricks = [
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/%252e%252e/secret.txt',
    '/assets/../../secret.txt',
    '/assets/..%5c..%5csecret.txt',
    '/assets/link.txt',
    '//secret.txt',
    '/index.html%00.txt',
    `${place.folder}/index.html`.replaceAll('/', '%2f'),
    '/assets/main-gone0000.js',
    '/api/v1/nothing',
    '/api',
  ];
  for (const path of tricks) {
    const { status, headers, body } = await ask(api, path.startsWith('/') ? path : `/${path}`, browser);
    assert.ok(status === 401 || status === 404 || status === 400, `${path}: ${status}`);
    assert.equal(headers['content-type'], 'application/problem+json', path);
    assert.ok(!body.includes('secret.txt') || !body.includes('"secret"'), path);
    assert.notEqual(body.toString(), 'secret');
  }
  // Whoever is no browser learns nothing without a key, as before.
  assert.equal((await ask(api, '/nowhere')).status, 401);
  assert.equal((await ask(api, '/d/digits', { ...browser, host: 'attacker.example' })).status, 403);
});

test('without a build a page says how to make one, and a build that comes later is seen', async () => {
  await using place = await built();
  await rm(join(place.folder, 'index.html'));
  await using api = await serve(place.folder);
  const absent = await ask(api, '/', browser);
  assert.equal(absent.status, 503);
  assert.match(absent.body.toString(), /npm run console/);
  await writeFile(join(place.folder, 'index.html'), page);
  for (let tries = 0; tries < 200; tries += 1) {
    if ((await ask(api, '/', browser)).status === 200) return;
    await new Promise((resolve) => void setTimeout(resolve, 50));
  }
  assert.fail('the build was never seen');
});
