/**
 * Certificates of tasks on a real Swarm, in which a day lasts some seconds: renewed by the tasks themselves while calls run,
 * and by another service with another secret for those that come later.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import type Docker from 'dockerode';
import { systemClock } from '../../src/clock.ts';
import { openIssuer } from '../../src/control/certificates.ts';
import { openDoor } from '../../src/control/door.ts';
import type { FoundReplica, ReplicaExit, ReplicaOrder } from '../../src/control/orchestrator.ts';
import { openDocker } from '../../src/drivers/orchestrators/swarm/docker.ts';
import { labels } from '../../src/drivers/orchestrators/swarm/service-spec.ts';
import { openSwarmOrchestrator } from '../../src/drivers/orchestrators/swarm/swarm.ts';
import { openReplicaConnection, type ReplicaConnection } from '../../src/gateway/replica-connection.ts';
import { orderOf } from '../../src/testing/lone-replica.ts';
import { until } from '../../src/testing/until.ts';
import { makeAuthority } from '../../src/tls/authority.ts';
import { identityOf } from '../../src/tls/platform-authority.ts';

const lifetimeMs = 20_000;
const signal = new AbortController().signal;

export function renewedTasks(docker: Docker, socketPath: string, image: string): void {
  void test('tasks renew their certificates while calls run, later ones begin with another secret: none fails', async () => {
    const began = Date.now();
    const authority = makeAuthority('renewed', began);
    const as = (name: string) => identityOf(authority, name, 'peer', Date.now());
    const issuer = openIssuer({ authority, clock: systemClock, lifetimeMs, mayIssue: () => true });
    await using door = await openDoor({
      identity: as('control'),
      host: '0.0.0.0',
      port: 0,
      artefacts: { path: async () => '', find: async () => undefined },
      certificates: issuer,
    });
    const platform = {
      name: `c-${randomBytes(3).toString('hex')}`,
      image,
      doors: [`https://${ownAddress()}:${door.port}`],
      artefactsRoot: '/nowhere',
      stopGraceMs: 5000,
      certificateMs: lifetimeMs,
    };
    await using orchestrator = await openSwarmOrchestrator({
      engine: openDocker({ kind: 'unix', path: socketPath }),
      clock: systemClock,
      platform,
      certificate(identity, { from, until: end }) {
        const { certificate, key } = identityOf(authority, identity, 'peer', from, end - from);
        return certificate + key + authority.certificate;
      },
    });
    const exits: ReplicaExit[] = [];
    orchestrator.onExit((exit) => exits.push(exit));
    const services = async () => {
      const found = await docker.listServices({ filters: { label: [`${labels.platform}=${platform.name}`] } });
      return found.map((service) => ({ name: service.Spec?.Name, replicas: service.Spec?.Mode?.Replicated?.Replicas }));
    };

    const load = startLoad(as('gateway'));
    try {
      load.onto(await orchestrator.start(orderFor('a'), signal));
      const second = await orchestrator.start(orderFor('b'), signal);
      load.onto(second);
      assert.deepEqual(
        (await services()).map(({ replicas }) => replicas),
        [2],
      );
      await until('each to have renewed its certificate twice', () => issuer.counts().replica >= 4);
      assert.ok(Date.now() - began > lifetimeMs, 'the secret that they began with has expired');
      // Its place is refilled by the engine with a secret that nobody takes any more: another service has the next one.
      const [, task = ''] = /^task (\S+)/.exec(second.where) ?? [];
      await load.leave('b');
      const [container] = await docker.listContainers({ filters: { label: [`com.docker.swarm.task.id=${task}`] } });
      assert.ok(container !== undefined, `a container of ${second.where}; ended: ${JSON.stringify(exits)}`);
      await docker.getContainer(container.Id).kill();
      await until('its end', () => exits.length === 1);
      load.onto(await orchestrator.start(orderFor('c'), signal));
      await until('one task in each service', async () => {
        const found = await services();
        return found.length === 2 && found.every(({ replicas }) => replicas === 1);
      });
      const renewals = issuer.counts().replica;
      await until('renewals of both', () => issuer.counts().replica >= renewals + 2);
      await load.leave('a');
      await orchestrator.stop('a', 5000);
      assert.equal((await services()).length, 1, 'the old service goes with its last task');
      const { calls, connections, failures } = load.figures();
      assert.deepEqual(failures, []);
      assert.deepEqual(
        exits.map(({ id }) => id),
        ['b'],
      );
      process.stdout.write(
        `${calls} calls over ${connections} connections in ${((Date.now() - began) / 1000).toFixed(0)} s, ` +
          `${issuer.counts().replica} renewals of certificates of ${lifetimeMs / 1000} s, 0 failed\n`,
      );
    } finally {
      load.close();
      await orchestrator.clear?.();
    }
  });
}

function orderFor(id: string): ReplicaOrder {
  const tensors = (name: string) => [{ name, datatype: 'FP32' as const, shape: [-1, 2] }];
  const signature = { inputs: tensors('x'), outputs: tensors('y'), batchable: true };
  const { launch, ...order } = orderOf(id);
  const runtime = { kind: 'simulated', signature, serviceMs: 2, serviceMsPerRow: 0 } as const;
  return { ...order, launch: { ...launch, runtime } };
}

/** Of this process in the nodes' network. */
function ownAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}

/** A call after another on each replica, over a connection that stays and over others that come and go. */
function startLoad(identity: ReturnType<typeof identityOf>) {
  let [calls, connections] = [0, 0];
  const failures: string[] = [];
  const runs = new Map<string, { stop: boolean; readonly over: Promise<void> }>();
  const connect = async (route: FoundReplica): Promise<ReplicaConnection> => {
    const connection = openReplicaConnection(
      { id: route.id, address: route.address, state: 'ready' },
      { onChange: () => {}, onCostCurve: () => {}, onAnswer: () => {} },
      { clock: systemClock, frameBytesMax: 1 << 20, identity },
    );
    try {
      await until(`a connection to ${route.id}`, () => connection.ready, 20_000);
    } catch (error) {
      connection.close();
      throw error;
    }
    connections += 1;
    return connection;
  };
  const call = async (connection: ReplicaConnection): Promise<void> => {
    const part = { name: 'x', datatype: 'FP32' as const, shape: [1, 2], byteLength: 8 };
    const header = {
      items: [{ rows: 1, requestId: 'r' }],
      payload: { kind: 'tensors' as const, parts: [part] },
    };
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    connection.infer(header, [new Uint8Array(8)], {
      onResult: ({ error }) => resolve(error?.message),
      onLost: resolve,
    });
    const failure = await promise;
    calls += 1;
    if (failure !== undefined) failures.push(failure);
  };

  async function run(route: FoundReplica, own: { stop: boolean }): Promise<void> {
    using stack = new DisposableStack();
    const lasting = stack.adopt(await connect(route), (connection) => connection.close());
    while (!own.stop) {
      const passing = await connect(route);
      for (let round = 0; round < 50 && !own.stop; round += 1) await Promise.all([call(lasting), call(passing)]);
      passing.close();
    }
  }

  return {
    onto(route: FoundReplica): void {
      const own = { stop: false };
      const over = run(route, own).catch((error: Error) => void failures.push(error.message));
      runs.set(route.id, Object.assign(own, { over }));
    },
    /** Resolves when no call of it runs. */
    async leave(id: string): Promise<void> {
      const own = runs.get(id);
      if (own === undefined) return;
      own.stop = true;
      await own.over;
    },
    figures: () => ({ calls, connections, failures }),
    close(): void {
      for (const own of runs.values()) own.stop = true;
    },
  };
}
