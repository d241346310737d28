/** The probe as the engine starts it, against real listeners. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createNetServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { doorFile } from '../protocol/local-door.ts';

const probe = fileURLToPath(new URL('./main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'fb-'));
after(() => rmSync(folder, { recursive: true }));

function run(
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [probe], { env: { ...process.env, ...environment } }, (error, stdout) =>
      resolve({ code: Number(error?.code ?? 0), output: stdout }),
    );
  });
}

async function listening(server: Server, at: object): Promise<AddressInfo> {
  await new Promise<void>((resolve) => {
    server.listen(at, resolve);
  });
  return server.address() as AddressInfo;
}

const answering = (status: number): Server =>
  createServer((request, response) => response.writeHead(request.url === '/v2/health/ready' ? status : 404).end('{}'));

const announce = (http: object): void =>
  writeFileSync(join(folder, 'supervisor.json'), JSON.stringify({ listeners: { http } }));

test('it ends well when the platform is ready, and with a reason when it is not', async () => {
  for (const [status, code, words] of [
    [200, 0, /^$/],
    [503, 1, /^not ready: 127\.0\.0\.1:\d+ answers 503$/m],
  ] as const) {
    const server = answering(status);
    const { port } = await listening(server, { host: '127.0.0.1', port: 0 });
    announce({ url: `http://0.0.0.0:${port}` });
    const { code: found, output } = await run({ FLYBALL_DATA_DIR: folder });
    assert.equal(found, code, output);
    assert.match(output, words);
    server.close();
  }
});

test('a control that waits for its turn answers nobody and is well', async () => {
  const listeners = { control: { url: 'http://127.0.0.1:1' } };
  writeFileSync(join(folder, 'supervisor.json'), JSON.stringify({ listeners, standby: 'another holds the lease' }));
  assert.deepEqual(await run({ FLYBALL_DATA_DIR: folder }), { code: 0, output: '' });
  writeFileSync(join(folder, 'supervisor.json'), JSON.stringify({ listeners }));
  assert.equal((await run({ FLYBALL_DATA_DIR: folder })).code, 1);
});

test('it asks through the door of a gateway whose listener speaks TLS', async () => {
  mkdirSync(join(folder, 'run'), { recursive: true });
  const server = answering(200);
  await listening(server, { path: join(folder, 'run', doorFile(0)) });
  announce({ url: 'https://0.0.0.0:1', certificate: '/tls/cert.pem' });
  assert.deepEqual(await run({ FLYBALL_DATA_DIR: folder }), { code: 0, output: '' });
  server.close();
  const { code, output } = await run({ FLYBALL_DATA_DIR: folder });
  assert.equal(code, 1);
  assert.match(output, /nobody listens at the gateway's door/);
});

test('it says who does not answer in HTTP, or hangs up', async () => {
  const server = createNetServer((socket) => socket.end());
  const { port } = await listening(server, { host: '127.0.0.1', port: 0 });
  const { code, output } = await run({ FLYBALL_HEALTH_URL: `http://127.0.0.1:${port}/readyz` });
  assert.equal(code, 1);
  assert.match(output, /answers nothing|ECONNRESET|EPIPE/);
  server.close();
});

test('it says what is wrong with an address that it is given', async () => {
  const { code, output } = await run({ FLYBALL_HEALTH_URL: 'https://127.0.0.1/readyz' });
  assert.equal(code, 1);
  assert.match(output, /FLYBALL_HEALTH_URL: expected an http: address/);
});
