/** A gateway whose control is on another machine: which door it goes to, what it believes, and what it starts with. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { describe, test } from 'node:test';
import { startApi } from '../api/server.ts';
import { systemClock } from '../clock.ts';
import type { ControlService } from '../control/control-service.ts';
import { FlyballError } from '../errors.ts';
import {
  identityFor,
  openTestDoor,
  startDoorControl,
  startDoorGateway,
  tableOf,
  temporaryFolder,
} from '../testing/control-doors.ts';
import { connectGateway } from '../testing/fake-gateway.ts';
import { freePorts } from '../testing/free-ports.ts';
import { until } from '../testing/until.ts';
import { subscribe } from '../telemetry/events.ts';
import { makeAuthority } from '../tls/authority.ts';
import { beatMs, dialControl, silentMsMax } from './control-dial.ts';
import type { DoorNews } from './door-news.ts';
import { openManagement } from './management.ts';

type Gateway = ReturnType<typeof startDoorGateway>;

const acts = (gateway: Gateway, revision: number) =>
  until(`revision ${revision} to be in force`, () => gateway.dispatcher.table.revision === revision);

/** Carries bytes on until it is told to swallow them: the connections stand, and nobody is there. `lagMs`: of the first. */
async function startCable(to: number, lagMs = 0) {
  let isCut = false;
  const sockets = new Set<net.Socket>();
  const server = net.createServer({ pauseOnConnect: lagMs > 0 }, (near) => {
    const far = net.connect(to, '127.0.0.1');
    setTimeout(() => near.resume(), lagMs);
    const ends = [
      [near, far],
      [far, near],
    ] as const;
    for (const [from, into] of ends) {
      sockets.add(from);
      from.on('error', () => {});
      from.on('data', (chunk) => void (isCut || into.write(chunk)));
      from.on('close', () => void (isCut || into.destroy()));
    }
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    cut: () => void (isCut = true),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => void server.close(() => resolve()));
    },
  };
}

test('it passes by doors that are shut, have no control that acts, or close, and stays with the one that answers', async () => {
  using folder = temporaryFolder();
  const shut = `https://127.0.0.1:${await freePorts(1)}`;
  await using idle = await openTestDoor();
  await using waiting = await openTestDoor({ take: (socket) => void socket.destroy(), api: () => {} });
  await using control = await startDoorControl();
  await control.channel.publish(tableOf(1));
  await using gateway = startDoorGateway(folder.path, [shut, idle.url, waiting.url, control.url]);
  await acts(gateway, 1);
  await control.channel.publish(tableOf(2));
  await acts(gateway, 2);
  const [known] = await until('it to be known', () => {
    const gateways = control.channel.gateways();
    return gateways.length === 1 ? gateways : undefined;
  });
  assert.deepEqual([known?.node, known?.worker, known?.pid], ['far', 0, process.pid]);
});

test('a door that is shut is left for the next one, and the last table stands meanwhile', async () => {
  using folder = temporaryFolder();
  const later = await freePorts(1);
  const first = await startDoorControl();
  await first.channel.publish(tableOf(1, 1));
  await using gateway = startDoorGateway(folder.path, [first.url, `https://127.0.0.1:${later}`]);
  await acts(gateway, 1);
  await first[Symbol.asyncDispose]();
  assert.equal(gateway.dispatcher.table.revision, 1);
  await using second = await startDoorControl(later);
  await second.channel.publish(tableOf(2, 2));
  await acts(gateway, 2);
});

test('a door that takes its time until it answers is believed like any other', async () => {
  using folder = temporaryFolder();
  await using control = await startDoorControl();
  // Longer than a gateway waits between two looks at whether anything came.
  await using cable = await startCable(control.port, 800);
  await control.channel.publish(tableOf(1));
  // Of a machine that has been up for long, as nearly every one has.
  const clock = { ...systemClock, now: () => systemClock.now() + 3_600_000 };
  await using gateway = startDoorGateway(folder.path, [cable.url], { clock });
  await acts(gateway, 1);
});

test('what it finds behind doors is told once, with what each said', async () => {
  using folder = temporaryFolder();
  const later = await freePorts(1);
  await using idle = await openTestDoor();
  const told: DoorNews[] = [];
  const urls = [`https://127.0.0.1:${later}`, idle.url];
  await using gateway = startDoorGateway(folder.path, urls, { onDoors: (news) => void told.push(news) });
  await until('it to be told', () => told.length > 0);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const [first, ...more] = told;
  assert.deepEqual(more, []);
  assert.ok(first?.kind === 'none');
  assert.match(
    first.why,
    /^https:\/\/127\.0\.0\.1:\d+: connect ECONNREFUSED.*; https:\/\/.*: no control acts behind it$/,
  );
  await using control = await startDoorControl(later);
  await control.channel.publish(tableOf(1));
  await acts(gateway, 1);
  assert.deepEqual(told.slice(1), [{ kind: 'reached', url: urls[0] }]);
});

void describe('what takes its time', { concurrency: true }, () => {
  test('a connection on which nothing comes any more is given up by both sides', async () => {
    using folder = temporaryFolder();
    await using lost = await startDoorControl();
    await using cable = await startCable(lost.port);
    await using control = await startDoorControl();
    await lost.channel.publish(tableOf(1));
    await control.channel.publish(tableOf(2));
    await using gateway = startDoorGateway(folder.path, [cable.url, control.url]);
    await acts(gateway, 1);
    await until('control to know it', () => lost.channel.gateways().length === 1);
    cable.cut();
    await acts(gateway, 2);
    await until('control to miss it', () => lost.channel.gateways().length === 0);
  });

  test('while nothing changes a connection stays: beats are enough', async () => {
    using folder = temporaryFolder();
    await using control = await startDoorControl();
    await control.channel.publish(tableOf(1));
    await using gateway = startDoorGateway(folder.path, [control.url]);
    await acts(gateway, 1);
    await new Promise((resolve) => setTimeout(resolve, silentMsMax + beatMs));
    assert.equal(control.connections(), 1);
  });

  test('a key table is confirmed by every machine, also by one that has been there and may serve on', async () => {
    using folder = temporaryFolder();
    await using control = await startDoorControl();
    {
      await using gateway = startDoorGateway(folder.path, [control.url]);
      await until('it to be known', () => control.channel.gateways().length === 1);
      assert.deepEqual(await control.channel.publishKeys({ revision: 1, keys: [] }, []), []);
      assert.equal(gateway.keys().revision, 1);
      // Worker 0 of another machine is not this machine's.
      assert.deepEqual(await control.channel.publishKeys({ revision: 2, keys: [] }, [0]), ['0']);
    }
    await until('it to be gone', () => control.channel.gateways().length === 0);
    assert.deepEqual(await control.channel.publishKeys({ revision: 3, keys: [] }, []), ['far/0']);
    await using again = startDoorGateway(folder.path, [control.url]);
    await until('the keys', () => again.keys().revision === 3);
    await until('it to be known', () => control.channel.gateways()[0]?.keys === 3);
    assert.deepEqual(await control.channel.publishKeys({ revision: 4, keys: [] }, []), []);
  });
});

test('two machines have a worker 0 each, beside that of this machine', async () => {
  using one = temporaryFolder();
  using other = temporaryFolder();
  await using control = await startDoorControl();
  await control.channel.publish(tableOf(1));
  using _here = await connectGateway(control.socketPath);
  await using _b = startDoorGateway(one.path, [control.url], { node: 'b' });
  await using _a = startDoorGateway(other.path, [control.url], { node: 'a' });
  await until('all three', () => control.channel.gateways().length === 3);
  assert.deepEqual(
    control.channel.gateways().map(({ node, worker }) => [node, worker]),
    [
      [undefined, 0],
      ['a', 0],
      ['b', 0],
    ],
  );
});

test('strangers and those who are no gateway get nothing, and a gateway believes no other identity', async () => {
  using folder = temporaryFolder();
  await using control = await startDoorControl();
  await control.channel.publish(tableOf(1));
  const strangers = [
    identityFor('replica/a'),
    identityFor('control'),
    identityFor('gateway', makeAuthority('x', Date.now())),
  ];
  for (const identity of strangers) {
    let isOpened = false;
    await new Promise<void>((resolve) => {
      dialControl({ kind: 'doors', urls: [control.url], identity }, 0, systemClock, {
        opened: () => void (isOpened = true),
        gone: () => resolve(),
      });
    });
    assert.equal(isOpened, false);
  }
  assert.deepEqual(control.channel.gateways(), []);
  let visitors = 0;
  const take = (): void => void (visitors += 1);
  await using pretender = await openTestDoor({ take, api: take }, 0, 'gateway');
  await using gateway = startDoorGateway(folder.path, [pretender.url, control.url]);
  await acts(gateway, 1);
  assert.equal(visitors, 0);
});

test('a gateway that has come anew is one, though the end of its last connection did not get here', async () => {
  await using control = await startDoorControl();
  const hello = { kind: 'hello', worker: 0, node: 'far', instance: 'i', pid: 1, revision: 0, keys: 0 };
  const closed: number[] = [];
  for (const each of [1, 2]) {
    dialControl({ kind: 'doors', urls: [control.url], identity: identityFor('gateway') }, 0, systemClock, {
      opened: (socket) => void socket.on('data', () => {}).write(`${JSON.stringify({ ...hello, revision: each })}\n`),
      gone: () => void closed.push(each),
    });
    await until('it to be known', () => control.channel.gateways().some(({ revision }) => revision === each));
  }
  await until('the first to be closed', () => closed.length === 1);
  assert.deepEqual([closed, control.channel.gateways().length], [[1], 1]);
});

test('a control that was replaced cannot feed a gateway, before nor after a restart of it, and that is said once', async () => {
  using folder = temporaryFolder();
  const said: string[] = [];
  const stop = subscribe('flyball:fault', ({ message }) => void said.push(message));
  await using old = await startDoorControl();
  await old.channel.publish(tableOf(9, 1));
  await old.channel.publishKeys({ revision: 9, epoch: 1, keys: [] });
  const port = await freePorts(1);
  const urls = [`https://127.0.0.1:${port}`, old.url];
  {
    await using acting = await startDoorControl(port);
    await acting.channel.publish(tableOf(5, 2));
    await using gateway = startDoorGateway(folder.path, urls);
    await acts(gateway, 5);
    await acting[Symbol.asyncDispose]();
    await until('the old one to be refused', () => said.length > 0);
    assert.equal(gateway.dispatcher.table.revision, 5);
  }
  await using gateway = startDoorGateway(folder.path, urls);
  assert.equal(gateway.dispatcher.table.revision, 5);
  await until('the old one to be refused again', () => said.length > 1);
  assert.equal(gateway.dispatcher.table.revision, 5);
  assert.equal(gateway.keys().revision, 0);
  await using acting = await startDoorControl(port);
  await acting.channel.publish(tableOf(6, 2));
  await acts(gateway, 6);
  stop();
  assert.deepEqual(
    said,
    Array.from({ length: 2 }, () => 'refused a table of epoch 1, as 2 is in force here: that control was replaced'),
  );
});

test('a gateway that starts while control is dead serves with the last table, which it has kept itself', async () => {
  using folder = temporaryFolder();
  {
    await using control = await startDoorControl();
    await control.channel.publish(tableOf(7));
    await using gateway = startDoorGateway(folder.path, [control.url]);
    await acts(gateway, 7);
  }
  await using gateway = startDoorGateway(folder.path, ['https://127.0.0.1:1']);
  assert.equal(gateway.dispatcher.table.revision, 7);
});

test('changes go through the door of the control that acts, from gateways only', async () => {
  const removed: unknown[] = [];
  await using api = await startApi({
    control: {
      removeModel: async (name: string, by: string) => void removed.push([name, by]),
    } as unknown as ControlService,
    version: '0.0.0',
    limits: { bodyBytesMax: 10_000, headerBytesMax: 16_384, connectionsMax: 100 },
    listen: { kind: 'port', host: '127.0.0.1', port: 0 },
  });
  await using idle = await openTestDoor();
  await using door = await openTestDoor({ take: (socket) => void socket.destroy(), api: api.answerGateway });
  const shut = `https://127.0.0.1:${await freePorts(1)}`;
  const never = new AbortController().signal;
  const as = (who: string, urls: readonly string[]) =>
    openManagement({ control: { kind: 'doors', urls, identity: identityFor(who) }, clock: systemClock })({
      by: 'ada',
      requestId: 'r1',
    });
  await as('gateway', [shut, idle.url, door.url]).removeModel('m', never);
  assert.deepEqual(removed, [['m', 'ada']]);
  await assert.rejects(as('replica/a', [door.url]).removeModel('m', never), /HTTP 403/);
  await assert.rejects(
    as('gateway', [shut, idle.url]).removeModel('m', never),
    (error) => error instanceof FlyballError && error.code === 'CONTROL_UNAVAILABLE',
  );
  assert.equal(removed.length, 1);
});
