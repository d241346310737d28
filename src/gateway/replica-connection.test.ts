import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../clock.ts';
import type { ResultHeader } from '../protocol/frames/messages.ts';
import { startAddingRunner } from '../testing/adding-runner.ts';
import { until } from '../testing/until.ts';
import { openReplicaConnection, type ReplicaCall } from './replica-connection.ts';

const settings = { clock: systemClock, frameBytesMax: 1_048_576 };

function folder(): { readonly path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'fb-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

const open = (id: string, path: string) => {
  const seen: string[] = [];
  const connection = openReplicaConnection(
    { id, address: { kind: 'unix', path }, state: 'ready' },
    {
      onChange: () => seen.push(connection.ready ? 'ready' : 'away'),
      onCostCurve: () => seen.push('curve'),
      onAnswer: () => seen.push('answer'),
    },
    settings,
  );
  return { connection, seen, [Symbol.dispose]: () => connection.close() };
};

const ask = (bytes: Uint8Array, call: Partial<ReplicaCall> = {}) =>
  [
    {
      items: [{ rows: 1, requestId: 'r' }],
      payload: {
        kind: 'tensors',
        parts: [{ name: 'x', datatype: 'UINT8', shape: [1, bytes.length], byteLength: bytes.length }],
      },
    },
    [bytes],
    { onResult: () => assert.fail('answered'), onLost: () => assert.fail('lost'), ...call },
  ] as const;

test('calls are answered by id over a Unix socket', async () => {
  using place = folder();
  await using runner = await startAddingRunner('a', join(place.path, 'a.sock'));
  using opened = open('a', runner.path);
  const { connection, seen } = opened;
  await until('ready', () => connection.ready);
  assert.deepEqual(seen, ['curve', 'ready']);
  const answers = await Promise.all(
    [1, 2, 3].map(
      (value) =>
        new Promise<[ResultHeader, Uint8Array]>((resolve) => {
          connection.infer(
            ...ask(Uint8Array.of(value), { onResult: (header, body) => resolve([header, Uint8Array.from(body)]) }),
          );
        }),
    ),
  );
  assert.deepEqual(
    answers.map(([, body]) => body.join()),
    ['2', '3', '4'],
  );
});

test('a replica that vanishes loses its calls, after it is known to be away, and is found again when it is back', async () => {
  using place = folder();
  await using runner = await startAddingRunner('a', join(place.path, 'a.sock'));
  using opened = open('a', runner.path);
  const { connection } = opened;
  await until('ready', () => connection.ready);
  runner.answering = false;
  let lost: boolean | undefined;
  connection.infer(...ask(Uint8Array.of(1), { onLost: () => (lost = connection.ready) }));
  await until('the call has arrived', () => runner.calls === 1);
  runner.vanish();
  await until('lost', () => lost !== undefined);
  assert.equal(lost, false, 'whoever looks for another replica must not find this one');
  await until('ready again', () => connection.ready);
});

test('a replica that is not there yet is waited for, and another one at its address is not taken for it', async () => {
  using place = folder();
  const path = join(place.path, 'a.sock');
  using opened = open('a', path);
  const { connection } = opened;
  {
    await using stranger = await startAddingRunner('b', path);
    await until('the stranger was looked at', () => opened.seen.filter((one) => one === 'away').length > 3);
    assert.equal(connection.ready, false);
    assert.equal(stranger.calls, 0);
  }
  await using _runner = await startAddingRunner('a', path);
  await until('ready', () => connection.ready);
});
