/**
 * Linux's texts below /proc as values (proc(5), Documentation/admin-guide/iostats.rst, Documentation/accounting/psi.rst
 * of the kernel). Pure: a text in, what it says out, undefined where it does not say it.
 */
import type { DiskDevice, HostReading, NetworkDevice } from './reading.ts';

/** USER_HZ is 100 on every architecture that Node runs on. */
const ticksPerSecond = 100;
const sectorBytes = 512;
/** Guest time is within user and nice already. */
const cpuModes = ['user', 'nice', 'system', 'idle', 'iowait', 'irq', 'softirq', 'steal'] as const;
/** Containers bring a device each; a node with more is summed up by its own exporter. */
const devicesMax = 64;
const hiddenNetwork = /^(?:lo|veth.*|ifb\d+|dummy\d+)$/;
/** Memory disks, and partitions beside their disk: as node_exporter leaves them out. */
const hiddenDisk = /^(?:z?ram|loop|fd|(?:h|s|v|xv)d[a-z]|nvme\d+n\d+p|mmcblk\d+p)\d+$/;

const linesOf = (text: string): readonly string[] => text.split('\n').filter((line) => line.trim() !== '');
const fieldsOf = (line: string): readonly string[] => line.trim().split(/\s+/);

export function cpuSeconds(stat: string): HostReading['cpuSeconds'] {
  const all = linesOf(stat).find((line) => line.startsWith('cpu '));
  if (all === undefined) return undefined;
  const [, ...ticks] = fieldsOf(all);
  return Object.fromEntries(
    cpuModes.flatMap((mode, index) =>
      ticks[index] === undefined ? [] : [[mode, Number(ticks[index]) / ticksPerSecond]],
    ),
  );
}

export function memoryAndSwap(meminfo: string): Pick<HostReading, 'memory' | 'swap'> {
  const bytesOf = (name: string): number | undefined => {
    const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(meminfo)?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  };
  const totalBytes = bytesOf('MemTotal');
  const availableBytes = bytesOf('MemAvailable');
  const swapTotal = bytesOf('SwapTotal');
  const swapFree = bytesOf('SwapFree');
  return {
    ...(totalBytes !== undefined && {
      memory: { totalBytes, ...(availableBytes !== undefined && { availableBytes }) },
    }),
    ...(swapTotal !== undefined && swapFree !== undefined && { swap: { totalBytes: swapTotal, freeBytes: swapFree } }),
  };
}

export function loadAverage(loadavg: string): HostReading['load'] {
  const [one, five, fifteen] = fieldsOf(loadavg).map(Number);
  if (one === undefined || five === undefined || fifteen === undefined || Number.isNaN(one + five + fifteen))
    return undefined;
  return [one, five, fifteen];
}

/** Two lines of head, then `device: bytes packets errs drop fifo frame compressed multicast bytes packets errs drop …`. */
export function networkDevices(dev: string): readonly NetworkDevice[] {
  return linesOf(dev)
    .slice(2)
    .flatMap((line) => {
      const [device = '', rest = ''] = line.trim().split(':');
      if (hiddenNetwork.test(device)) return [];
      const of = fieldsOf(rest).map(Number);
      const at = (index: number): number => of[index] ?? 0;
      return {
        device,
        receivedBytes: at(0),
        receiveErrors: at(2),
        receiveDrops: at(3),
        sentBytes: at(8),
        sendErrors: at(10),
        sendDrops: at(11),
      };
    })
    .slice(0, devicesMax);
}

/** `major minor device reads merged sectors ms writes merged sectors ms in-flight busy-ms …`; disks that were ever used. */
export function diskDevices(diskstats: string): readonly DiskDevice[] {
  return linesOf(diskstats)
    .flatMap((line) => {
      const fields = fieldsOf(line);
      const device = fields[2] ?? '';
      const at = (index: number): number => Number(fields[index] ?? 0);
      if (hiddenDisk.test(device) || at(3) + at(7) === 0) return [];
      return {
        device,
        readBytes: at(5) * sectorBytes,
        writtenBytes: at(9) * sectorBytes,
        busySeconds: at(12) / 1000,
      };
    })
    .slice(0, devicesMax);
}

/** `some avg10=… avg60=… avg300=… total=MICROSECONDS`. */
export function waitingSeconds(pressure: string): number | undefined {
  const total = /^some .*\btotal=(\d+)$/m.exec(pressure)?.[1];
  return total === undefined ? undefined : Number(total) / 1e6;
}

export function outOfMemoryKills(vmstat: string): number | undefined {
  const kills = /^oom_kill (\d+)$/m.exec(vmstat)?.[1];
  return kills === undefined ? undefined : Number(kills);
}
