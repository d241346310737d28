/**
 * What is said of room against the managers of a real Swarm of two nodes: as many tasks run as were said to fit, the one
 * more waits, and what is promised, drained or down is told as they tell it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fitting, type Fit } from '../../src/core/placement/room.ts';
import type { ClusterNode } from '../../src/core/placement/node.ts';
import { toClusterNodes } from '../../src/drivers/orchestrators/swarm/cluster.ts';
import { openDocker } from '../../src/drivers/orchestrators/swarm/docker.ts';
import { labels } from '../../src/drivers/orchestrators/swarm/service-spec.ts';
import { openTestbed } from '../../testbed/testbed.ts';
import { engineSkip, makeShellImage } from '../support/engine.ts';
import { until } from '../support/platform.ts';

const nanosPerCore = 1e9;
const second = 1e9;
const deadlineMs = 45_000;
const image = 'shell:1';

void test(
  'as many tasks run as were said to fit, and what is promised is what the managers say',
  engineSkip,
  async () => {
    await using testbed = await openTestbed({ nodes: 2, managers: 1 });
    await Promise.all([1, 2].map((number) => makeShellImage(testbed.docker(number), image)));
    await using engine = openDocker({ kind: 'unix', path: testbed.node(1).socketPath });
    const look = async (): Promise<readonly ClusterNode[]> => {
      const nodes = toClusterNodes(await engine.nodes(), await engine.placed(), 'p');
      return nodes.toSorted((left, right) => (left.role < right.role ? -1 : 1));
    };
    const [first] = await look();
    const whole = first?.whole.cores ?? 0;
    assert.ok(whole >= 1, 'a node tells of its cores');
    // Two of them on each node, and not three.
    const each = { cores: whole * 0.4, memoryBytes: 8 * 1024 ** 2, constraints: ['node.role==worker'] };
    const anywhere = { ...each, constraints: [] };
    assert.deepEqual([more(fitting(await look(), each)), more(fitting(await look(), anywhere))], [2, 4]);

    const own = { [labels.platform]: 'p', [labels.deployment]: 'd' };
    await engine.createService({
      Name: 'p_d',
      Labels: own,
      TaskTemplate: {
        ContainerSpec: { Image: image, Command: ['/bin/sleep', '3600'], Labels: own, StopGracePeriod: second },
        Resources: { Reservations: { NanoCPUs: Math.round(each.cores * nanosPerCore), MemoryBytes: each.memoryBytes } },
      },
      Mode: { Replicated: { Replicas: 5 } },
    });
    const tasks = await until(
      'four tasks run',
      async () => {
        const all = await engine.tasks(`${labels.platform}=p`);
        return all.filter(({ state }) => state === 'running').length === 4 ? all : undefined;
      },
      deadlineMs,
    );
    const [waiting, ...others] = tasks.filter(({ state }) => state === 'pending');
    assert.match(String(waiting?.error), /insufficient resources on 2 nodes/);
    assert.deepEqual(others, []);
    const full = await look();
    assert.deepEqual(
      full.map(({ role, tasks: here, reserved }) => [role, here, reserved.memoryBytes]),
      [
        ['manager', { d: 2 }, 2 * each.memoryBytes],
        ['worker', { d: 2 }, 2 * each.memoryBytes],
      ],
    );
    assert.equal(more(fitting(full, anywhere)), 0);

    const worker = testbed.docker(1).getNode(full[1]?.id ?? '');
    const { Version, Spec } = (await worker.inspect()) as { Version: { Index: number }; Spec: object };
    await worker.update({ version: Version.Index, ...Spec, Availability: 'drain' });
    const drained = await until(
      'the drained node gives its room back',
      async () => {
        const nodes = await look();
        return nodes[1]?.reserved.cores === 0 ? nodes : undefined;
      },
      deadlineMs,
    );
    assert.deepEqual([drained[1]?.availability, drained[1]?.tasks], ['drain', {}]);
    const fit = fitting(drained, anywhere);
    assert.deepEqual([more(fit), fit.kind === 'known' && fit.why.endsWith('is drained')], [0, true]);
  },
);

const more = (fit: Fit): number | undefined => (fit.kind === 'known' ? fit.more : undefined);
