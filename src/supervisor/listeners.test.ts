/** Ports that several platforms want at the same moment, and callers who come before anybody serves. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { test } from 'node:test';
import { parseSpecification } from '../config/load.ts';
import type { FlyballError } from '../errors.ts';
import { freePorts } from '../testing/free-ports.ts';
import { openAll } from './listeners.ts';
import { bindSocket, type BoundSocket } from './listening-socket.ts';
import { listenerNames, type PerListener } from './roles.ts';

function wanted(first: number, portFallback: boolean) {
  const listeners = Object.fromEntries(
    listenerNames.slice(0, 4).map((name, index) => [name, { host: '127.0.0.1', port: first + index }]),
  );
  return { specification: parseSpecification(JSON.stringify({ listeners }), 'test'), insecure: false, portFallback };
}

const portsOf = (sockets: PerListener<BoundSocket, 'platform'>): number[] =>
  Object.values(sockets).map(({ port }) => port);

/** Bound by all before any listens: what two processes may meet that start at the same moment. */
test('a port that two have bound belongs to the one that listens first', async () => {
  const wish = { key: 'listeners.http', host: '127.0.0.1', port: 0, insecure: false, fallback: false };
  const first = bindSocket(wish);
  const second = bindSocket({ ...wish, port: first.port });
  assert.equal(second.port, first.port, 'the kernel has let both bind');
  first.close();
  second.close();
});

test('platforms that start at the same moment on the same ports get ports of their own, where they may move', async () => {
  const options = wanted(await freePorts(4), true);
  await using stack = new AsyncDisposableStack();
  const opened = await Promise.all(Array.from({ length: 4 }, () => openAll(options, 'platform', stack)));
  const ports = opened.flatMap(portsOf);
  assert.equal(new Set(ports).size, 16, ports.join(' '));
  assert.ok(
    opened.flatMap((sockets) => Object.values(sockets)).some(({ moved }) => !moved),
    'the usual ones are used',
  );
});

test('where the ports are fixed one platform gets all of them, and the others are told which is taken', async () => {
  const first = await freePorts(4);
  const options = wanted(first, false);
  await using stack = new AsyncDisposableStack();
  const outcomes = await Promise.allSettled(Array.from({ length: 4 }, () => openAll(options, 'platform', stack)));
  const [winner, ...more] = outcomes.filter((outcome) => outcome.status === 'fulfilled');
  assert.ok(winner !== undefined && more.length === 0, `${more.length} more`);
  assert.deepEqual(portsOf(winner.value), [first, first + 1, first + 2, first + 3]);
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') continue;
    const { code, message } = outcome.reason as FlyballError;
    assert.equal(code, 'PORT_IN_USE');
    assert.match(
      message,
      new RegExp(`^listeners\\.http: port ${first} on 127\\.0\\.0\\.1 is in use by .+pid ${process.pid}`),
    );
  }
});

test('who calls before a process serves is not accepted by anybody else, and is answered by it', async () => {
  await using stack = new AsyncDisposableStack();
  const { http: socket } = await openAll(wanted(await freePorts(4), true), 'platform', stack);
  const answers = Array.from({ length: 50 }, async () => {
    const request = http.get({ port: socket.port, host: '127.0.0.1', agent: false });
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    response.resume();
    return response.statusCode;
  });
  // Some turns of this process's own loop, in which it could take them.
  await new Promise((resolve) => {
    setTimeout(resolve, 100);
  });
  const serve = `process.on('message', (_, handle) =>
    require('node:http').createServer((request, response) => response.end()).listen(handle));`;
  const child = fork('-e', [serve], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: [] });
  child.send('listen', socket.handle);
  assert.deepEqual(new Set(await Promise.all(answers)), new Set([200]));
  child.kill();
  await once(child, 'exit');
});
