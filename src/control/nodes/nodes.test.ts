import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeView } from '../../api/node-schemas.ts';
import { absent, fresh } from '../../core/scaling/signals.ts';
import { openRegistry } from '../../telemetry/registry.ts';
import type { HostReading } from '../../telemetry/host/reading.ts';
import { createVirtualClock } from '../../testing/virtual-clock.ts';
import { cpuShareOf } from '../governor/replica-seen.ts';
import type { Replica } from '../replica.ts';
import { startNodes } from './nodes.ts';
import { toNodeView } from './view.ts';

const replica = { id: 'd-1', deployment: 'd', cpu: fresh(0.25), cpuSeconds: 3, residentBytes: 700 };

test('rates are of the last two looks: unknown until there are two, and none of them is a zero', async () => {
  const clock = createVirtualClock();
  const readings = [1, 6, 6].map((busy) => ({ cpuSeconds: { user: busy, idle: 10 + busy } }));
  let looks = 0;
  const nodes = startNodes({
    name: 'n',
    dataDirectory: '/data',
    clock,
    read: (_, at) => ({ at, cores: 2, ...readings[looks++] }),
    replicas: () => [replica],
  });
  const [first] = nodes.list();
  assert.deepEqual(
    [first?.cpu.busyShare, first?.memory.usedBytes, first?.network.sentBytesPerSecond],
    [null, null, null],
  );
  clock.pass(5000);
  const [second] = nodes.list();
  assert.equal(second?.cpu.busyShare, 0.5);
  assert.deepEqual(nodeView.parse(second).replicas, [
    { id: 'd-1', deployment: 'd', cpuShare: 0.25, memoryBytes: 700, reason: 'there is no other node' },
  ]);
  assert.deepEqual(nodes.list((deployment) => deployment !== 'd')[0]?.replicas, [], 'who may not know of it');
  await nodes.stop();
});

test('where the platform is limited to less than the machine has, that is what there is', () => {
  const now: HostReading = {
    at: 0,
    cores: 8,
    memory: { totalBytes: 1000, availableBytes: 900 },
    group: { cores: 1.5, memoryBytes: 400, memoryUsedBytes: 300 },
  };
  const seen = { name: 'n', at: 0, before: undefined, dataDirectory: '/data', replicas: [] };
  const limited = toNodeView({ ...seen, now });
  assert.deepEqual(
    [limited.cpu.cores, limited.memory],
    [1.5, { totalBytes: 400, usedBytes: 300, reservedBytes: null }],
  );
  const { group: _, ...free } = now;
  const unlimited = toNodeView({ ...seen, now: free });
  assert.deepEqual(
    [unlimited.cpu.cores, unlimited.memory],
    [8, { totalBytes: 1000, usedBytes: 100, reservedBytes: null }],
  );
});

test('a replica whose processor time is not known is in no family of it', async () => {
  const clock = createVirtualClock();
  const registry = openRegistry();
  const unknown = { ...replica, id: 'd-2', cpu: absent, cpuSeconds: undefined };
  const nodes = startNodes({
    name: 'n',
    dataDirectory: '/data',
    clock,
    read: (_, at) => ({ at, cores: 2 }),
    replicas: () => [replica, unknown],
  });
  nodes.register(registry);
  const samples = new Map(registry.families().map((family) => [family.name, family.samples]));
  const labels = { deployment: 'd', replica: 'd-1', node: 'n' };
  assert.deepEqual(samples.get('flyball_replica_cpu_share'), [{ labels, value: 0.25 }]);
  assert.deepEqual(samples.get('flyball_replica_cpu_seconds_total'), [{ labels, value: 3 }]);
  await nodes.stop();
});

test('a server that a replica has started counts as it; one that is only reached is not known, nor one started anew', () => {
  const words = (before: number, latest: number) => ({
    latest: { at: 2000, cpuSeconds: latest, inferences: 0 },
    before: { at: 1000, cpuSeconds: before, inferences: 0 },
  });
  const of = (runtime: object, from: number, to: number): Replica =>
    ({ words: words(from, to), order: { launch: { runtime } } }) as unknown as Replica;
  assert.equal(cpuShareOf(of({ kind: 'onnx' }, 1, 1.5), 0.5, 2000).value, 1);
  assert.equal(cpuShareOf(of({ kind: 'server', command: ['serve'] }, 1, 1.5), 1, 2000).value, 0.5);
  assert.equal(cpuShareOf(of({ kind: 'server', address: 'http://far:80' }, 1, 1.5), 1, 2000).kind, 'absent');
  assert.equal(cpuShareOf(of({ kind: 'server', command: ['serve'] }, 9, 1), 1, 2000).kind, 'absent');
});
