import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseOpenMetrics } from '../openmetrics/parse.ts';
import { printOpenMetrics } from '../openmetrics/print.ts';
import { openRegistry } from '../registry.ts';
import { readGroup } from './group.ts';
import { registerNodeFamilies } from './node-families.ts';
import { cpuSeconds, diskDevices, memoryAndSwap, networkDevices, waitingSeconds } from './proc.ts';
import { readHost, readLinux } from './read-host.ts';
import { busyShare, perSecond, type HostReading } from './reading.ts';

const reader =
  (files: Readonly<Record<string, string>>) =>
  (path: string): string | undefined =>
    files[path];

test('the kernel’s texts are read as proc(5) has them', () => {
  assert.deepEqual(cpuSeconds('cpu  100 0 50 800 50 0 0 0 7 7\ncpu0 100 0 50 800 50 0 0 0 7 7\n'), {
    user: 1,
    nice: 0,
    system: 0.5,
    idle: 8,
    iowait: 0.5,
    irq: 0,
    softirq: 0,
    steal: 0,
  });
  assert.deepEqual(
    memoryAndSwap('MemTotal:  2048 kB\nMemFree: 1 kB\nMemAvailable:  1024 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n'),
    {
      memory: { totalBytes: 2_097_152, availableBytes: 1_048_576 },
      swap: { totalBytes: 0, freeBytes: 0 },
    },
  );
  // Linux before 3.14 did not say what is available: nobody may take what is free for it.
  assert.deepEqual(memoryAndSwap('MemTotal:  2048 kB\nMemFree: 1 kB\n'), { memory: { totalBytes: 2_097_152 } });
  const head = 'Inter-| Receive\n face |bytes\n';
  const network = `${head}    lo: 9 9 9 9 0 0 0 0 9 9 9 9 0 0 0 0\n  eth0:1000 7 1 2 0 0 0 0 500 6 3 4 0 0 0 0\n`;
  assert.deepEqual(networkDevices(network), [
    {
      device: 'eth0',
      receivedBytes: 1000,
      receiveErrors: 1,
      receiveDrops: 2,
      sentBytes: 500,
      sendErrors: 3,
      sendDrops: 4,
    },
  ]);
  const disks =
    ' 254 0 vda 10 0 4 1 20 0 8 2 0 1500 3 0 0 0 0\n 254 1 vda1 10 0 4 1 20 0 8 2 0 1500 3 0 0 0 0\n 7 0 loop0 1 0 2 0 0 0 0 0 0 0 0\n 8 0 sdb 0 0 0 0 0 0 0 0 0 0 0\n';
  assert.deepEqual(diskDevices(disks), [{ device: 'vda', readBytes: 2048, writtenBytes: 4096, busySeconds: 1.5 }]);
  assert.equal(waitingSeconds('some avg10=1.00 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0 total=1\n'), 2.5);
});

test('limits of the platform’s own group, of both versions: the least of it and all above it', () => {
  const v2 = {
    '/sys/fs/cgroup/cgroup.controllers': 'cpu memory',
    '/sys/fs/cgroup/a.slice/cpu.max': '150000 100000\n',
    '/sys/fs/cgroup/a.slice/memory.max': '1000\n',
    '/sys/fs/cgroup/a.slice/b/cpu.max': 'max 100000\n',
    '/sys/fs/cgroup/a.slice/b/memory.max': '5000\n',
    '/sys/fs/cgroup/a.slice/b/memory.current': '400\n',
    '/sys/fs/cgroup/a.slice/b/cpu.stat': 'usage_usec 1\nthrottled_usec 2500000\n',
  };
  assert.deepEqual(readGroup('0::/a.slice/b\n', reader(v2)), {
    cores: 1.5,
    memoryBytes: 1000,
    memoryUsedBytes: 400,
    throttledSeconds: 2.5,
  });
  // In a container the path is the machine's, and the group is the root that is seen.
  const v1 = {
    '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '50000\n',
    '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    '/sys/fs/cgroup/cpu/cpu.stat': 'nr_periods 3\nthrottled_time 1500000000\n',
    '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
    '/sys/fs/cgroup/memory/memory.usage_in_bytes': '400\n',
  };
  assert.deepEqual(readGroup('5:cpu,cpuacct:/docker/x\n4:memory:/docker/x\n0::/\n', reader(v1)), {
    cores: 0.5,
    throttledSeconds: 1.5,
  });
  assert.deepEqual(readGroup('', reader({})), {});
});

test('what a system does not tell is absent and no zero, in the reading and in the metrics', () => {
  const reading = readLinux({ read: reader({}), cores: 2, dataDirectory: '/nowhere/at/all' }, 5);
  assert.deepEqual(reading, { at: 5, cores: 2 });
  const registry = openRegistry();
  registerNodeFamilies(registry, 'n', () => reading);
  const [only, ...others] = parseOpenMetrics(printOpenMetrics(registry.families()));
  assert.deepEqual([only?.name, only?.samples[0]?.value, others.length], ['flyball_node_cpu_cores', 2, 0]);
  const before = { at: 0, cores: 2 };
  assert.deepEqual([busyShare(before, reading), perSecond(before, reading, () => undefined)], [undefined, undefined]);
});

test('this machine can be looked at, and what is said of it holds together', () => {
  const first = readHost(import.meta.dirname, performance.now());
  const { cpuSeconds: spent, memory, filesystem } = readHost(import.meta.dirname, performance.now());
  assert.ok(first.cores >= 1 && filesystem !== undefined && filesystem.totalBytes >= filesystem.availableBytes);
  assert.ok(memory !== undefined && memory.totalBytes > (memory.availableBytes ?? 0));
  for (const [mode, seconds] of Object.entries(spent ?? {}))
    assert.ok(mode === 'iowait' || seconds >= (first.cpuSeconds?.[mode] ?? 0), mode);
});

test('a share is between 0 and 1 and a rate not below 0, whatever the counters do', () => {
  const seconds = fc.record({ user: fc.nat(1e6), idle: fc.nat(1e6), iowait: fc.nat(1e6), system: fc.nat(1e6) });
  fc.assert(
    fc.property(seconds, seconds, fc.nat(1e5), (a, b, ms) => {
      const [before, now]: [HostReading, HostReading] = [
        { at: 0, cores: 1, cpuSeconds: a },
        { at: ms, cores: 1, cpuSeconds: b },
      ];
      const share = busyShare(before, now);
      assert.ok(share === undefined || (share >= 0 && share <= 1));
      const rate = perSecond(before, now, ({ cpuSeconds: of }) => of?.['user']);
      assert.ok(rate === undefined || (rate >= 0 && Number.isFinite(rate)));
    }),
  );
});
