import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FlyballError } from '../errors.ts';
import { openLifeline } from './lifeline.ts';
import { bindSocket, urlOf } from './listening-socket.ts';
import { openLogFile } from './log-file.ts';
import { restartDelayMs } from './restart-delay.ts';

const wish = { key: 'listeners.http', host: '127.0.0.1', port: 0, insecure: false, fallback: false };
const server = `
  const http = require('node:http');
  process.on('message', (message, handle) => {
    const server = http.createServer((request, response) => response.end(String(process.pid)));
    server.listen(handle, () => process.send('listening'));
  });`;

async function serveIn(socket: ReturnType<typeof bindSocket>): Promise<ChildProcess> {
  const child = fork('-e', [server], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
  child.send('listen', socket.handle);
  await once(child, 'message');
  return child;
}

async function ask(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    http
      .get({ port, host: '127.0.0.1', agent: false }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => resolve(text));
      })
      .on('error', reject);
  });
}

test('a caller who comes while no process serves the port waits for the next one and is answered', async () => {
  const socket = bindSocket(wish);
  const first = await serveIn(socket);
  assert.equal(await ask(socket.port), String(first.pid));
  first.kill('SIGKILL');
  await once(first, 'exit');
  const waiting = ask(socket.port);
  const second = await serveIn(socket);
  assert.equal(await waiting, String(second.pid));
  second.kill();
  socket.close();
});

test('a port in use is an error that names its holder, or is passed over when the caller takes the next free one', async () => {
  const holder = net.createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as net.AddressInfo;
  assert.throws(
    () => bindSocket({ ...wish, port }),
    (error: FlyballError) => error.code === 'PORT_IN_USE' && error.message.includes(`pid ${process.pid}`),
  );
  const moved = bindSocket({ ...wish, port, fallback: true });
  assert.ok(moved.moved && moved.port > port);
  moved.close();
  holder.close();
});

test('a port that another listener of the platform has is passed over, or refused by name', () => {
  const first = bindSocket(wish);
  const taken = new Map([[first.port, 'listeners.http']]);
  const grpc = { ...wish, key: 'listeners.grpc', port: first.port, taken };
  assert.throws(() => bindSocket(grpc), { code: 'PORT_IN_USE', message: /listeners\.grpc.*listeners\.http/ });
  const second = bindSocket({ ...grpc, fallback: true });
  assert.ok(second.moved && second.port !== first.port);
  second.close();
  first.close();
});

test('a listener outside loopback is refused unless told otherwise', () => {
  assert.throws(() => bindSocket({ ...wish, host: '0.0.0.0' }), { code: 'LISTENER_NOT_LOOPBACK' });
  bindSocket({ ...wish, host: '0.0.0.0', insecure: true }).close();
  assert.throws(() => bindSocket({ ...wish, host: 'example' }), { code: 'INVALID_SPECIFICATION' });
  // An address of the documentation's range, which no machine has.
  assert.throws(() => bindSocket({ ...wish, host: '192.0.2.1', insecure: true }), {
    code: 'INVALID_SPECIFICATION',
    message: /listeners\.http.*does not have that address/,
  });
  assert.equal(urlOf('::1', 80), 'http://[::1]:80');
});

test('who holds the lifeline learns that the supervisor is gone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-'));
  const path = join(folder, 'lifeline.sock');
  const lifeline = await openLifeline(path);
  const held = net.createConnection(path);
  await once(held, 'connect');
  await lifeline[Symbol.asyncDispose]();
  await once(held, 'close');
  rmSync(folder, { recursive: true });
});

test('the log file is bounded: past its size the file moves to .1 and a new one begins', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-'));
  const log = openLogFile(join(folder, 'log'), 100);
  for (let line = 0; line < 30; line += 1) log.write(`line ${line} of the log\n`);
  log.close();
  assert.equal(log.dropped(), 0);
  assert.ok(statSync(join(folder, 'log')).size < 200);
  assert.match(readFileSync(join(folder, 'log.1'), 'utf8'), /^line \d+ of the log\n/);
  rmSync(folder, { recursive: true });
});

test('restart delays begin at zero, never shrink, and stay under the cap', () => {
  assert.equal(restartDelayMs(1), 0);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), (deaths) => {
      const delay = restartDelayMs(deaths);
      return delay <= restartDelayMs(deaths + 1) && delay <= 5_000;
    }),
  );
});
