/** Nodes of a cluster for tests, as the API tells of them: one that is measured, one that is not, one down, one drained. */
import type { NodeView } from '../api/node-schemas.ts';

const gib = 1024 ** 3;
const reason =
  'any of 4 nodes may have it; the engine chose it among those with room: where the fewest tasks of its version are';

function node(number: number, replicas: readonly string[], more: Partial<NodeView> = {}): NodeView {
  return {
    name: `node${number}`,
    role: 'worker',
    state: 'ready',
    availability: 'active',
    address: `10.99.0.${number}`,
    labels: { zone: number % 2 === 0 ? 'b' : 'a' },
    at: Date.UTC(2026, 10, 23, 14, 5, 7),
    cpu: { cores: 4, busyShare: null, load1: null, waitingShare: null, reservedCores: replicas.length / 2 },
    memory: { totalBytes: 8 * gib, usedBytes: null, reservedBytes: (replicas.length * gib) / 4 },
    generic: {},
    disk: { path: null, totalBytes: null, usedBytes: null, readBytesPerSecond: null, writtenBytesPerSecond: null },
    network: { receivedBytesPerSecond: null, sentBytesPerSecond: null },
    replicas: replicas.map((id) => ({
      id,
      deployment: id.replace(/-\d+$/, ''),
      cpuShare: 0.4,
      memoryBytes: 150 * 1024 ** 2,
      reason,
    })),
    ...more,
  };
}

/** `replicas`: their ids, spread over the two nodes that take any. */
export function clusterOf(replicas: readonly string[]): readonly NodeView[] {
  const of = (rest: number): readonly string[] => replicas.filter((_, index) => index % 2 === rest);
  const first = node(1, of(0));
  return [
    {
      ...first,
      role: 'manager',
      cpu: { ...first.cpu, busyShare: 0.31, load1: 1.2, waitingShare: 0.01 },
      memory: { ...first.memory, usedBytes: 3 * gib },
      disk: { ...first.disk, path: '/data', totalBytes: 64 * gib, usedBytes: 12 * gib },
      network: { receivedBytesPerSecond: 120_000, sentBytesPerSecond: 80_000 },
    },
    node(2, of(1), { generic: { gpu: { total: 2, reserved: 1 } } }),
    node(3, [], { state: 'down' }),
    node(4, [], { availability: 'drain' }),
  ];
}
