/** On ordinary folders that look like the two versions of the file system: what would be written, and where. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openCgroups as openReal } from './cgroups.ts';

/** With processes that have started nothing, whatever has their numbers on this machine. */
const openCgroups = (root: string, children: readonly number[] = []) => openReal(root, (pid) => [pid, ...children]);

async function fakeRoot(files: readonly string[]) {
  const root = await mkdtemp(join(tmpdir(), 'fb-cgroup-'));
  for (const file of files) {
    await mkdir(join(root, file, '..'), { recursive: true });
    await writeFile(join(root, file), '');
  }
  return {
    root,
    read: (path: string) => readFile(join(root, path), 'utf8'),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true }),
  };
}

test('version 1: a tenth of a core is 10 ms of each 100 ms, and memory has a hierarchy of its own', async () => {
  await using fake = await fakeRoot(['cpu/cgroup.procs', 'memory/cgroup.procs']);
  const limits = await openCgroups(fake.root).apply('s-a-1', 4711, { cpu: 0.1, memoryBytes: 1000 });
  assert.deepEqual(limits, { kind: 'enforced' });
  assert.equal(await fake.read('cpu/flyball/s-a-1/cpu.cfs_period_us'), '100000');
  assert.equal(await fake.read('cpu/flyball/s-a-1/cpu.cfs_quota_us'), '10000');
  assert.equal(await fake.read('cpu/flyball/s-a-1/cgroup.procs'), '4711');
  assert.equal(await fake.read('memory/flyball/s-a-1/memory.limit_in_bytes'), '1000');
});

test('what the process has started is moved after it', async () => {
  await using fake = await fakeRoot(['cpu/cgroup.procs']);
  await openCgroups(fake.root, [4712, 4713]).apply('s-a-1', 4711, { cpu: 0.1 });
  assert.equal(await fake.read('cpu/flyball/s-a-1/cgroup.procs'), '4713', 'the last that was written');
});

test('version 1: limits that are taken back are lifted from the group that is there', async () => {
  await using fake = await fakeRoot(['cpu/cgroup.procs']);
  const cgroups = openCgroups(fake.root);
  await cgroups.apply('s-a-1', 4711, { cpu: 0.1 });
  assert.deepEqual(await cgroups.apply('s-a-1', 4711, {}), { kind: 'none' });
  assert.equal(await fake.read('cpu/flyball/s-a-1/cpu.cfs_quota_us'), '-1');
});

test('version 2: the controllers are enabled on the way down, and one group holds both limits', async () => {
  await using fake = await fakeRoot(['cgroup.controllers']);
  const limits = await openCgroups(fake.root).apply('s-a-1', 4711, { cpu: 1.5 });
  assert.deepEqual(limits, { kind: 'enforced' });
  assert.equal(await fake.read('cgroup.subtree_control'), '+cpu +memory');
  assert.equal(await fake.read('flyball/cgroup.subtree_control'), '+cpu +memory');
  assert.equal(await fake.read('flyball/s-a-1/cpu.max'), '150000 100000');
  assert.equal(await fake.read('flyball/s-a-1/memory.max'), 'max');
});

test('without limits nothing is made', async () => {
  await using fake = await fakeRoot(['cgroup.controllers']);
  assert.deepEqual(await openCgroups(fake.root).apply('s-a-1', 4711, {}), { kind: 'none' });
  assert.equal(existsSync(join(fake.root, 'flyball')), false);
});

test('where no hierarchy is mounted the limits are not enforced, and the reason says so', async () => {
  await using fake = await fakeRoot([]);
  const limits = await openCgroups(fake.root).apply('s-a-1', 4711, { cpu: 1 });
  assert.equal(limits.kind, 'unenforced');
  assert.match(limits.kind === 'unenforced' ? limits.reason : '', /is not a cgroup hierarchy/);
});

test('what was killed for its memory is known by the group, in either version', async () => {
  await using first = await fakeRoot(['memory/flyball/s-a-1/cgroup.procs']);
  await writeFile(join(first.root, 'memory/flyball/s-a-1/memory.oom_control'), 'under_oom 0\noom_kill 1\n');
  assert.equal(openCgroups(first.root).ranOutOfMemory('s-a-1'), true);
  assert.equal(openCgroups(first.root).ranOutOfMemory('s-a-2'), false);
  await using second = await fakeRoot(['cgroup.controllers', 'flyball/s-a-1/cgroup.procs']);
  await writeFile(join(second.root, 'flyball/s-a-1/memory.events'), 'oom 0\noom_kill 0\n');
  assert.equal(openCgroups(second.root).ranOutOfMemory('s-a-1'), false);
});

test('sweeping spares what is in use and what is young', async () => {
  await using fake = await fakeRoot([
    'cpu/cgroup.procs',
    'cpu/flyball/used/cgroup.procs',
    'cpu/flyball/young/cgroup.procs',
  ]);
  const used = join(fake.root, 'cpu/flyball/used');
  await writeFile(join(used, 'cgroup.procs'), '1\n');
  await utimes(used, 0, 0);
  await openCgroups(fake.root).sweep('own-');
  assert.ok(existsSync(used));
  assert.ok(existsSync(join(fake.root, 'cpu/flyball/young')));
});
