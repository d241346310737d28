/** A machine in the words of the API. Pure: what is not known is null. */
import type { NodeView } from '../../api/node-schemas.ts';
import type { Placing } from '../../core/placement/reason.ts';
import type { Signal } from '../../core/scaling/signals.ts';
import { busyShare, perSecond, sumOf, type HostReading } from '../../telemetry/host/reading.ts';

export interface ReplicaOnNode {
  readonly id: string;
  readonly deployment: string;
  /** Share of its allowance. */
  readonly cpu: Signal;
  /** Since its start. */
  readonly cpuSeconds: number | undefined;
  readonly residentBytes: number | undefined;
  /** Of a cluster: the node that it is on, and where it may be. */
  readonly node?: string | undefined;
  readonly placement?: Placing | undefined;
}

export interface NodeSeen {
  readonly name: string;
  /** Unix milliseconds of `now`. */
  readonly at: number;
  readonly before: HostReading | undefined;
  readonly now: HostReading;
  readonly dataDirectory: string;
  readonly replicas: readonly ReplicaOnNode[];
}

const thousandths = (value: number): number => Math.round(value * 1000) / 1000;
const shareOrNull = (value: number | undefined): number | null => (value === undefined ? null : thousandths(value));
const rateOrNull = (value: number | undefined): number | null => (value === undefined ? null : Math.round(value));

/** The container's limit where it is below what the machine has: more than that nobody here can use. */
function memoryOf({ memory, group }: HostReading): NodeView['memory'] {
  const limit = group?.memoryBytes;
  const total = memory?.totalBytes;
  if (limit !== undefined && (total === undefined || limit < total))
    return { totalBytes: limit, usedBytes: group?.memoryUsedBytes ?? null, reservedBytes: null };
  const available = memory?.availableBytes;
  return {
    totalBytes: total ?? null,
    usedBytes: total === undefined || available === undefined ? null : total - available,
    reservedBytes: null,
  };
}

export function toNodeView({ name, at, before, now, dataDirectory, replicas }: NodeSeen): NodeView {
  const rate = (totalOf: (reading: HostReading) => number | undefined): number | undefined =>
    perSecond(before, now, totalOf);
  const { filesystem } = now;
  return {
    name,
    role: null,
    state: 'ready',
    availability: 'active',
    address: null,
    labels: {},
    at,
    cpu: {
      cores: Math.min(now.cores, now.group?.cores ?? now.cores),
      busyShare: shareOrNull(busyShare(before, now)),
      load1: now.load?.[0] ?? null,
      waitingShare: shareOrNull(rate(({ waitingSeconds }) => waitingSeconds?.cpu)),
      reservedCores: null,
    },
    memory: memoryOf(now),
    generic: {},
    disk: {
      path: dataDirectory,
      totalBytes: filesystem?.totalBytes ?? null,
      usedBytes: filesystem === undefined ? null : filesystem.totalBytes - filesystem.availableBytes,
      readBytesPerSecond: rateOrNull(rate(({ disks }) => sumOf(disks, (disk) => disk.readBytes))),
      writtenBytesPerSecond: rateOrNull(rate(({ disks }) => sumOf(disks, (disk) => disk.writtenBytes))),
    },
    network: {
      receivedBytesPerSecond: rateOrNull(rate(({ network }) => sumOf(network, (device) => device.receivedBytes))),
      sentBytesPerSecond: rateOrNull(rate(({ network }) => sumOf(network, (device) => device.sentBytes))),
    },
    replicas: replicas.map((replica) => toReplicaView(replica, 'there is no other node')),
  };
}

export function toReplicaView(
  { id, deployment, cpu, residentBytes }: ReplicaOnNode,
  reason: string,
): NodeView['replicas'][number] {
  return {
    id,
    deployment,
    cpuShare: cpu.kind === 'absent' ? null : thousandths(cpu.value),
    memoryBytes: residentBytes ?? null,
    reason,
  };
}
