/** One look at this machine: its files on Linux, and what Node's `os` knows elsewhere. Reads, and changes nothing. */
import { readFileSync, statfsSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, platform, totalmem } from 'node:os';
import { readGroup, type ReadText } from './group.ts';
import {
  cpuSeconds,
  diskDevices,
  loadAverage,
  memoryAndSwap,
  networkDevices,
  outOfMemoryKills,
  waitingSeconds,
} from './proc.ts';
import type { HostReading } from './reading.ts';

export interface HostPlaces {
  readonly read: ReadText;
  readonly cores: number;
  /** Whose file system is looked at. */
  readonly dataDirectory: string;
}

const readText: ReadText = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // this kernel has no such file, or does not show it to us
  }
};

/** `at`: monotonic milliseconds. */
export function readHost(dataDirectory: string, at: number): HostReading {
  const places = { read: readText, cores: availableParallelism(), dataDirectory };
  return platform() === 'linux' ? readLinux(places, at) : readOthers(places, at);
}

/** Files are read in a fraction of a millisecond: the kernel makes them on the spot. */
export function readLinux({ read, cores, dataDirectory }: HostPlaces, at: number): HostReading {
  const from = <Value>(path: string, of: (text: string) => Value | undefined): Value | undefined => {
    const text = read(path);
    return text === undefined ? undefined : of(text);
  };
  const waiting = Object.fromEntries(
    (['cpu', 'memory', 'io'] as const).flatMap((resource) => {
      const seconds = from(`/proc/pressure/${resource}`, waitingSeconds);
      return seconds === undefined ? [] : [[resource, seconds]];
    }),
  );
  return withoutAbsent({
    at,
    cores,
    cpuSeconds: from('/proc/stat', cpuSeconds),
    load: from('/proc/loadavg', loadAverage),
    ...from('/proc/meminfo', memoryAndSwap),
    waitingSeconds: Object.keys(waiting).length === 0 ? undefined : waiting,
    outOfMemoryKills: from('/proc/vmstat', outOfMemoryKills),
    network: from('/proc/net/dev', networkDevices),
    disks: from('/proc/diskstats', diskDevices),
    filesystem: filesystemOf(dataDirectory),
    group: from('/proc/self/cgroup', (membership) => readGroup(membership, read)),
  });
}

/** How much memory could be had is not known here: what is not in use by anybody is less than that. */
function readOthers({ cores, dataDirectory }: HostPlaces, at: number): HostReading {
  const modes: Record<string, number> = {};
  for (const { times } of cpus()) {
    const { sys: system, ...others } = times;
    for (const [mode, ms] of Object.entries({ ...others, system })) modes[mode] = (modes[mode] ?? 0) + ms / 1000;
  }
  const [one = 0, five = 0, fifteen = 0] = loadavg();
  return withoutAbsent({
    at,
    cores,
    cpuSeconds: Object.keys(modes).length === 0 ? undefined : modes,
    load: platform() === 'win32' ? undefined : ([one, five, fifteen] as const),
    memory: { totalBytes: totalmem() },
    filesystem: filesystemOf(dataDirectory),
  });
}

function filesystemOf(path: string): HostReading['filesystem'] {
  try {
    const { bsize, blocks, bavail } = statfsSync(path);
    return blocks === 0 ? undefined : { path, totalBytes: blocks * bsize, availableBytes: bavail * bsize };
  } catch {
    return undefined; // it has been removed
  }
}

type Unsure<Value> = { [Key in keyof Value]: Value[Key] | undefined };

function withoutAbsent(reading: Unsure<HostReading>): HostReading {
  return Object.fromEntries(
    Object.entries(reading).filter(([, value]) => value !== undefined),
  ) as unknown as HostReading;
}
