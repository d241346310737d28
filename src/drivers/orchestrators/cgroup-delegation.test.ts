/** On ordinary folders that look like a hierarchy of version 2: what would be written, and where. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openUnifiedParent } from './cgroup-delegation.ts';

/** A root that nobody may write to, and a service's group that is ours, with these processes in it. */
async function machine(own: string, processes: string) {
  const root = await mkdtemp(join(tmpdir(), 'fb-cgroup-'));
  // A folder in the file's place: writing to it fails, also for root.
  await mkdir(join(root, 'cgroup.subtree_control'));
  await mkdir(join(root, 'service', 'platform'), { recursive: true });
  await writeFile(join(root, 'service', 'cgroup.procs'), processes);
  const self = join(root, 'self');
  await writeFile(self, `1:name=systemd:/elsewhere\n0::${own}\n`);
  return {
    root,
    self,
    read: (path: string) => readFile(join(root, path), 'utf8'),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true }),
  };
}

test('where the root is ours, groups are made below it', async () => {
  await using place = await machine('/service', '');
  await rm(join(place.root, 'cgroup.subtree_control'), { recursive: true });
  const { root, self } = place;
  assert.equal(await openUnifiedParent({ root, self, parent: 'flyball' }), join(root, 'flyball'));
  assert.equal(await place.read('cgroup.subtree_control'), '+cpu +memory');
  assert.equal(await place.read('flyball/cgroup.subtree_control'), '+cpu +memory');
});

test('in a service that was given its own group, the platform moves aside and makes groups beside itself', async () => {
  await using place = await machine('/service', `${process.pid}\n`);
  const { root, self } = place;
  assert.equal(await openUnifiedParent({ root, self, parent: 'flyball' }), join(root, 'service/flyball'));
  assert.equal(await place.read('service/platform/cgroup.procs'), String(process.pid));
  assert.equal(await place.read('service/cgroup.subtree_control'), '+cpu +memory');
  assert.equal(await place.read('service/flyball/cgroup.subtree_control'), '+cpu +memory');
});

test('the next control, which begins aside, finds the same place', async () => {
  await using place = await machine('/service/platform', '');
  const { root, self } = place;
  assert.equal(await openUnifiedParent({ root, self, parent: 'flyball' }), join(root, 'service/flyball'));
});

test("a group that holds somebody else's process is left alone", async () => {
  await using place = await machine('/service', `${process.pid}\n1\n`);
  const { root, self } = place;
  const isOurs = async (pid: number): Promise<boolean> => pid === process.pid;
  await assert.rejects(
    openUnifiedParent({ root, self, parent: 'flyball', isOurs }),
    /process 1, .* is in .*service too/,
  );
  assert.equal(existsSync(join(root, 'service/platform/cgroup.procs')), false);
  assert.equal(existsSync(join(root, 'service/flyball')), false);
});

test('without a group of our own the words are those of the root', async () => {
  await using place = await machine('/service', '');
  await writeFile(place.self, '1:cpu:/\n');
  await assert.rejects(openUnifiedParent({ root: place.root, self: place.self, parent: 'flyball' }), {
    code: 'EISDIR',
  });
});
