/**
 * A machine as metrics, after the USE method (utilisation, saturation and errors of each resource), named after the
 * ones that node_exporter gives them, with `flyball_` before: a board for the one is a board for the other.
 */
import type { Definition, Registry } from '../registry.ts';
import type { Sample } from '../metrics.ts';
import type { HostReading } from './reading.ts';

type Labels = Readonly<Record<string, string>>;
type Told = readonly { readonly labels?: Labels; readonly value: number | undefined }[];

interface NodeFamily {
  /** After `flyball_node_`. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  readonly read: (reading: HostReading) => Told;
}

const one = (value: number | undefined): Told => [{ value }];

/** A sample for each device, of one of its figures. */
const each = <Device extends { readonly device: string }>(
  devices: readonly Device[] | undefined,
  valueOf: (device: Device) => number,
): Told => (devices ?? []).map((device) => ({ labels: { device: device.device }, value: valueOf(device) }));

const byKey = (label: string, values: Readonly<Record<string, number>> | undefined): Told =>
  Object.entries(values ?? {}).map(([key, value]) => ({ labels: { [label]: key }, value }));

const gauges: readonly NodeFamily[] = [
  { name: 'cpu_cores', help: 'Threads that can run at once.', read: ({ cores }) => one(cores) },
  {
    name: 'load',
    help: 'Mean of what runs and waits to run, over so many minutes.',
    labels: ['minutes'],
    read: ({ load }) => byKey('minutes', load === undefined ? undefined : { 1: load[0], 5: load[1], 15: load[2] }),
  },
  { name: 'memory_total_bytes', help: 'Memory of the machine.', read: ({ memory }) => one(memory?.totalBytes) },
  {
    name: 'memory_available_bytes',
    help: 'Memory that could be had without swapping.',
    read: ({ memory }) => one(memory?.availableBytes),
  },
  { name: 'swap_total_bytes', help: 'Swap space.', read: ({ swap }) => one(swap?.totalBytes) },
  { name: 'swap_free_bytes', help: 'Swap space that is free.', read: ({ swap }) => one(swap?.freeBytes) },
  {
    name: 'filesystem_size_bytes',
    help: 'Size of the file system that holds the data directory.',
    read: ({ filesystem }) => one(filesystem?.totalBytes),
  },
  {
    name: 'filesystem_avail_bytes',
    help: 'What this user may still write to the file system that holds the data directory.',
    read: ({ filesystem }) => one(filesystem?.availableBytes),
  },
  {
    name: 'limit_cpu_cores',
    help: "Cores that the platform's own control group may use; absent where it is not limited.",
    read: ({ group }) => one(group?.cores),
  },
  {
    name: 'limit_memory_bytes',
    help: "Memory that the platform's own control group may use; absent where it is not limited.",
    read: ({ group }) => one(group?.memoryBytes),
  },
  {
    name: 'limit_memory_used_bytes',
    help: "Memory that the platform's own control group uses of its limit.",
    read: ({ group }) => one(group?.memoryUsedBytes),
  },
];

const totals: readonly NodeFamily[] = [
  {
    name: 'cpu_seconds_total',
    help: 'Time of all processors, by what they did.',
    labels: ['mode'],
    read: ({ cpuSeconds }) => byKey('mode', cpuSeconds),
  },
  {
    name: 'waiting_seconds_total',
    help: 'Time in which something waited for the resource (pressure stall information).',
    labels: ['resource'],
    read: ({ waitingSeconds }) => byKey('resource', waitingSeconds),
  },
  {
    name: 'oom_kills_total',
    help: 'Processes that the kernel has killed for want of memory.',
    read: ({ outOfMemoryKills }) => one(outOfMemoryKills),
  },
  {
    name: 'limit_throttled_seconds_total',
    help: "Time in which the platform's own control group had used up its share of the processors.",
    read: ({ group }) => one(group?.throttledSeconds),
  },
  ...(
    [
      ['network_receive_bytes_total', 'Bytes received.', 'receivedBytes'],
      ['network_transmit_bytes_total', 'Bytes sent.', 'sentBytes'],
      ['network_receive_errs_total', 'Errors on receiving.', 'receiveErrors'],
      ['network_transmit_errs_total', 'Errors on sending.', 'sendErrors'],
      ['network_receive_drop_total', 'Packets dropped on receiving.', 'receiveDrops'],
      ['network_transmit_drop_total', 'Packets dropped on sending.', 'sendDrops'],
    ] as const
  ).map(([name, help, key]): NodeFamily => ({
    name,
    help,
    labels: ['device'],
    read: ({ network }) => each(network, (device) => device[key]),
  })),
  ...(
    [
      ['disk_read_bytes_total', 'Bytes read.', 'readBytes'],
      ['disk_written_bytes_total', 'Bytes written.', 'writtenBytes'],
      ['disk_io_time_seconds_total', 'Time in which something was under way.', 'busySeconds'],
    ] as const
  ).map(([name, help, key]): NodeFamily => ({
    name,
    help,
    labels: ['device'],
    read: ({ disks }) => each(disks, (device) => device[key]),
  })),
];

/** `look` gives this machine as it is now; it is asked once a family, so it should remember its answer for a moment. */
export function registerNodeFamilies(registry: Registry, node: string, look: () => HostReading): void {
  const samplesOf = ({ read }: NodeFamily): readonly Sample[] =>
    read(look()).flatMap(({ labels, value }) => (value === undefined ? [] : [{ labels: { node, ...labels }, value }]));
  const definitionOf = ({ name, help, labels = [] }: NodeFamily): Definition => ({
    name: `flyball_node_${name}`,
    help,
    labels: ['node', ...labels],
  });
  for (const family of gauges) registry.gauge(definitionOf(family), () => samplesOf(family));
  for (const family of totals) registry.total(definitionOf(family), () => samplesOf(family));
}
