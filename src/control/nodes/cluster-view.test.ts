import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { nodeView, type NodeView } from '../../api/node-schemas.ts';
import { nodesText } from '../../cli/nodes-text.ts';
import { statusStyle } from '../../cli/terminal.ts';
import type { ClusterNode } from '../../core/placement/node.ts';
import { fresh } from '../../core/scaling/signals.ts';
import { toClusterNodes } from '../../drivers/orchestrators/swarm/cluster.ts';
import { labels } from '../../drivers/orchestrators/swarm/service-spec.ts';
import { stringTerminal } from '../../testing/string-terminal.ts';
import { createVirtualClock } from '../../testing/virtual-clock.ts';
import { watchCluster } from './cluster.ts';
import { startNodes } from './nodes.ts';

const swarmNode = {
  id: 'a',
  name: 'here',
  address: '10.0.0.1',
  role: 'manager' as const,
  state: 'ready' as const,
  availability: 'active' as const,
  labels: { zone: 'a' },
  whole: { cores: 2, memoryBytes: 1024 ** 3, generic: { gpu: 2 } },
};
const nothing = { cores: 0, memoryBytes: 1024 ** 3, generic: {} };
const task = (nodeId: string, platform: string) => ({
  nodeId,
  labels: { [labels.platform]: platform, [labels.deployment]: 'd' },
  reserved: { cores: 0.5, memoryBytes: 1024 ** 2, generic: { gpu: 1 } },
});
const all = toClusterNodes(
  [{ ...swarmNode, id: 'b', name: 'there', role: 'worker', state: 'down', whole: nothing }, swarmNode],
  [task('a', 'p'), task('a', 'q')],
  'p',
);

test('what is promised is of all tasks of a node, and whose replicas they are is told of the own platform alone', () => {
  assert.deepEqual(
    all.map(({ name, reserved, tasks }) => [name, reserved, tasks]),
    [
      ['there', { cores: 0, memoryBytes: 0, generic: {} }, {}],
      ['here', { cores: 1, memoryBytes: 2 * 1024 ** 2, generic: { gpu: 2 } }, { d: 1 }],
    ],
  );
});

async function views(ask: () => Promise<readonly ClusterNode[]>): Promise<readonly NodeView[]> {
  const clock = createVirtualClock();
  const cluster = watchCluster({ nodes: ask }, clock);
  for (let look = 0; look < 3; look += 1) {
    clock.pass(1000);
    await setImmediate();
  }
  const placement = { constraints: [], spread: [] };
  const replica = {
    id: 'd-1',
    deployment: 'd',
    cpu: fresh(0.25),
    cpuSeconds: 3,
    residentBytes: 700,
    node: 'here',
    placement,
  };
  const nodes = startNodes({
    name: 'here',
    dataDirectory: '/data',
    clock,
    cluster,
    read: (_, at) => ({ at, cores: 8, memory: { totalBytes: 2 * 1024 ** 3, availableBytes: 1024 ** 3 } }),
    replicas: () => [replica, { ...replica, id: 'd-2', node: undefined }],
  });
  const list = nodes.list();
  await Promise.all([nodes.stop(), cluster.stop()]);
  return list;
}

test('the nodes of a cluster: measured is this machine alone, and what is not known is null', async () => {
  const [here, there, ...others] = await views(async () => all);
  assert.deepEqual(others, []);
  assert.ok(here !== undefined && there !== undefined);
  nodeView.strict().parse(here);
  assert.deepEqual(
    [here.role, here.cpu.cores, here.cpu.reservedCores, here.memory.usedBytes, here.disk.path, here.generic],
    ['manager', 2, 1, 1024 ** 3, '/data', { gpu: { total: 2, reserved: 2 } }],
  );
  assert.deepEqual(
    here.replicas.map(({ id, cpuShare, reason }) => [id, cpuShare, reason.split(';')[0]]),
    [['d-1', 0.25, 'any of 2 nodes may have it']],
    'one that is not placed yet is on none',
  );
  nodeView.strict().parse(there);
  assert.deepEqual(
    [there.state, there.cpu.cores, there.cpu.busyShare, there.memory.usedBytes, there.disk.path, there.replicas],
    ['down', null, null, null, null, []],
  );
});

test('managers that cannot be asked leave what they said last; before they have spoken, there is this machine', async () => {
  let asked = 0;
  const later = async (): Promise<readonly ClusterNode[]> => {
    asked += 1;
    if (asked > 1) throw new Error('no quorum');
    return all;
  };
  assert.deepEqual(
    (await views(later)).map(({ name }) => name),
    ['here', 'there'],
  );
  assert.ok(asked > 1);
  const [only] = await views(() => Promise.reject(new Error('no quorum')));
  assert.deepEqual([only?.role, only?.cpu.cores], [null, 8]);
});

test('in a terminal: a dash for what is not known, and the reason for the place once', async () => {
  const text = nodesText(await views(async () => all), statusStyle(stringTerminal({ env: { LANG: 'C.UTF-8' } })));
  assert.match(text, /^here +manager +ready +10\.0\.0\.1 +1 of 2 cores +2 MiB of 1 GiB +2 of 2 +– +1 GiB +1$/m);
  assert.match(text, /^there +worker +down +10\.0\.0\.1 +0 of – cores +0 B of 1 GiB +– +– +– +0$/m);
  assert.match(text, /^d-1 +d +here +25 % +700 B$/m);
  assert.match(text, /^d on here: any of 2 nodes may have it; the engine chose/m);
});
