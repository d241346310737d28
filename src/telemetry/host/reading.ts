/**
 * What one look at a machine gives. What a system does not tell is absent, never zero: macOS has no /proc, a container
 * may hide devices, and nobody may take an unknown for an idle machine. Totals count since the machine started.
 */

export interface NetworkDevice {
  readonly device: string;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  readonly receiveErrors: number;
  readonly sendErrors: number;
  readonly receiveDrops: number;
  readonly sendDrops: number;
}

export interface DiskDevice {
  readonly device: string;
  readonly readBytes: number;
  readonly writtenBytes: number;
  /** In which something was under way. */
  readonly busySeconds: number;
}

/** Of the control group in which the platform runs; what is not limited is absent. */
export interface GroupLimits {
  readonly cores?: number;
  readonly memoryBytes?: number;
  readonly memoryUsedBytes?: number;
  readonly throttledSeconds?: number;
}

export interface HostReading {
  /** Monotonic milliseconds. */
  readonly at: number;
  /** Threads that can run at once. */
  readonly cores: number;
  /** Seconds over all processors, by mode: user, system, idle, … */
  readonly cpuSeconds?: Readonly<Record<string, number>>;
  /** Means of what runs and waits to run, over 1, 5 and 15 minutes. */
  readonly load?: readonly [number, number, number];
  readonly memory?: { readonly totalBytes: number; readonly availableBytes?: number };
  readonly swap?: { readonly totalBytes: number; readonly freeBytes: number };
  /** Seconds in which something waited for it (pressure stall information, "some"). */
  readonly waitingSeconds?: Readonly<Partial<Record<'cpu' | 'memory' | 'io', number>>>;
  readonly outOfMemoryKills?: number;
  readonly network?: readonly NetworkDevice[];
  readonly disks?: readonly DiskDevice[];
  /** Of the file system that holds the data directory. */
  readonly filesystem?: { readonly path: string; readonly totalBytes: number; readonly availableBytes: number };
  readonly group?: GroupLimits;
}

/** Modes in which a processor does nothing; waiting for a disk it could do something else. */
const idleModes = new Set(['idle', 'iowait']);

/** Share of the processors' time between two looks in which they worked, 0 to 1; undefined where it is not known. */
export function busyShare(before: HostReading | undefined, now: HostReading): number | undefined {
  if (before?.cpuSeconds === undefined || now.cpuSeconds === undefined) return undefined;
  let all = 0;
  let idle = 0;
  for (const [mode, seconds] of Object.entries(now.cpuSeconds)) {
    const spent = seconds - (before.cpuSeconds[mode] ?? 0);
    // The kernel's own count of waiting for disks may go back.
    if (spent <= 0) continue;
    all += spent;
    if (idleModes.has(mode)) idle += spent;
  }
  return all === 0 ? undefined : (all - idle) / all;
}

/** What a total has grown a second between two looks; undefined where it is not known of both, or was reset. */
export function perSecond(
  before: HostReading | undefined,
  now: HostReading,
  totalOf: (reading: HostReading) => number | undefined,
): number | undefined {
  const total = totalOf(now);
  const earlier = before === undefined ? undefined : totalOf(before);
  if (before === undefined || total === undefined || earlier === undefined) return undefined;
  const seconds = (now.at - before.at) / 1000;
  return seconds <= 0 || total < earlier ? undefined : (total - earlier) / seconds;
}

/** The sum over devices; undefined where there are none to be seen. */
export function sumOf<Device>(
  devices: readonly Device[] | undefined,
  valueOf: (device: Device) => number,
): number | undefined {
  return devices?.reduce((sum, device) => sum + valueOf(device), 0);
}
