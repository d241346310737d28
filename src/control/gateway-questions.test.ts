/** What control asks through a gateway, over the socket between the two: answered, late, and when the gateway goes. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import type net from 'node:net';
import { createInterface } from 'node:readline';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../clock.ts';
import { dialControl, type ControlAddress } from '../gateway/control-dial.ts';
import type { ControlMessage, GatewayMessage, Question } from '../gateway/routing-table.ts';
import { identityFor, openTestDoor } from '../testing/control-doors.ts';
import { until } from '../testing/until.ts';
import { openGatewayChannel } from './gateway-channel.ts';

async function openPair(over: 'unix' | 'door') {
  const folder = mkdtempSync(join(tmpdir(), 'fb-'));
  const socketPath = join(folder, 'control.sock');
  const channel = await openGatewayChannel({
    socketPath,
    tablePath: join(folder, 'table.json'),
    keysPath: join(folder, 'keys.json'),
    onChange: () => {},
  });
  const door =
    over === 'door'
      ? await openTestDoor({ take: (taken, head) => channel.take(taken, head), api: () => {} })
      : undefined;
  const { promise, resolve } = Promise.withResolvers<net.Socket>();
  const address: ControlAddress =
    door === undefined
      ? { kind: 'unix', path: socketPath }
      : { kind: 'doors', urls: [door.url], identity: identityFor('gateway') };
  dialControl(address, 0, systemClock, { opened: resolve, gone: () => {} });
  const socket = await promise;
  const questions: Question[] = [];
  const send = (message: GatewayMessage): void => void socket.write(`${JSON.stringify(message)}\n`);
  createInterface(socket).on('line', (line) => {
    const message = JSON.parse(line) as ControlMessage;
    if (message.kind === 'question') questions.push(message);
  });
  return {
    channel,
    socket,
    questions,
    send,
    async join() {
      const far = over === 'door' && { node: 'far', instance: 'i' };
      send({ kind: 'hello', worker: 0, ...far, pid: 1, revision: 0, keys: 0 });
      await until('the gateway to be known', async () => channel.gateways().length === 1);
    },
    async [Symbol.asyncDispose]() {
      socket.destroy();
      await channel[Symbol.asyncDispose]();
      await door?.[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

for (const over of ['unix', 'door'] as const) {
  test(`a question goes to a gateway that is there, and its answer comes back; what is no number is NaN (${over})`, async () => {
    await using pair = await openPair(over);
    assert.deepEqual(await pair.channel.ask('m', [1], 50), { kind: 'silent', why: 'no gateway is connected' });
    await pair.join();
    const reply = pair.channel.ask('m', Float64Array.of(1, Number.NaN, 3), 1000);
    await until('the question', async () => pair.questions.length === 1);
    const [asked] = pair.questions;
    assert.deepEqual([asked?.model, asked?.values, asked?.deadlineMs], ['m', [1, null, 3], 1000]);
    // An answer to what nobody asked is nobody's.
    pair.send({ kind: 'answer', id: 99, values: [5] });
    pair.send({ kind: 'answer', id: asked?.id ?? -1, values: [5, null] });
    assert.deepEqual(await reply, { kind: 'said', values: Float64Array.of(5, Number.NaN) });
  });

  test(`without an answer it is silence with the reason: a problem, the deadline, the end of the gateway (${over})`, async () => {
    await using pair = await openPair(over);
    await pair.join();
    const refused = pair.channel.ask('m', [1], 1000);
    await until('the question', async () => pair.questions.length === 1);
    pair.send({ kind: 'answer', id: pair.questions[0]?.id ?? -1, problem: 'the queue is full' });
    assert.deepEqual(await refused, { kind: 'silent', why: 'the queue is full' });
    assert.deepEqual(await pair.channel.ask('m', [1], 20), { kind: 'silent', why: 'no answer within 20 ms' });
    const cut = pair.channel.ask('m', [1], 60_000);
    pair.socket.destroy();
    assert.deepEqual(await cut, { kind: 'silent', why: 'the gateway that was asked is gone' });
  });
}
