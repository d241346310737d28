/**
 * CPU and memory limits of a process by cgroup, version 1 or 2, where the machine lets us make one. Best effort by
 * nature: whoever asks gets the truth back, `enforced` or why not. Not a sandbox.
 *   v1  <root>/cpu/flyball/<name>/cpu.cfs_{period,quota}_us and <root>/memory/flyball/<name>/memory.limit_in_bytes
 *   v2  <root>/flyball/<name>/{cpu.max,memory.max}, or below a group that was given to us: cgroup-delegation.ts
 */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { FoundReplica, ReplicaResources } from '../../control/orchestrator.ts';
import { processTree } from '../process-tree.ts';
import { openUnifiedParent, ownGroup } from './cgroup-delegation.ts';

export interface Cgroups {
  /** Puts the process, and what it has started, under the limits; called again with others, it changes them. */
  apply(name: string, pid: number, resources: ReplicaResources): Promise<FoundReplica['limits']>;
  /** After the process is gone. */
  remove(name: string): Promise<void>;
  /** Whether the kernel has killed something in the group for its memory; ask before `remove`. */
  ranOutOfMemory(name: string): boolean;
  /**
   * Removes what a platform that was killed has left behind: empty groups, whose names begin with `prefix` at once (nobody
   * else makes those), others when nothing has run in them for a while.
   */
  sweep(prefix: string): Promise<void>;
}

const periodUs = 100_000;
/** The kernel takes no smaller quota. */
const quotaUsMin = 1000;
const parent = 'flyball';
const removeAttempts = 5;
const removeRetryMs = 50;
/** A younger empty one may be about to get its process. */
const sweepAgeMs = 60_000;

export function openCgroups(
  root = '/sys/fs/cgroup',
  treeOf: (pid: number) => readonly number[] = processTree,
): Cgroups {
  const unified = existsSync(join(root, 'cgroup.controllers'));
  /** Of version 2; where exactly it may be is known when the first group has been made. */
  let unifiedParent = join(root, parent);
  let opening: Promise<string> | undefined;

  /** A machine that lets us make none today may do so tomorrow: only what worked is kept. */
  async function openParent(): Promise<string> {
    opening ??= openUnifiedParent({ root, parent });
    try {
      unifiedParent = await opening;
      return unifiedParent;
    } catch (error) {
      opening = undefined;
      throw error;
    }
  }

  /** One directory for each controller in v1, one for all in v2. */
  const directories = (name: string): readonly string[] =>
    unified
      ? [join(unifiedParent, name)]
      : [join(root, 'cpu', parent, name), join(root, 'memory', parent, name)].filter((path) =>
          existsSync(join(path, '../..')),
        );

  async function make(resources: ReplicaResources, name: string, pid: number): Promise<void> {
    const { cpu, memoryBytes } = resources;
    const quotaUs = cpu === undefined ? undefined : Math.max(quotaUsMin, Math.round(cpu * periodUs));
    if (unified) {
      const group = join(await openParent(), name);
      await mkdir(group, { recursive: true });
      await writeFile(join(group, 'cpu.max'), `${quotaUs ?? 'max'} ${periodUs}`);
      await writeFile(join(group, 'memory.max'), String(memoryBytes ?? 'max'));
      await move(group, treeOf(pid));
      return;
    }
    const cpuGroup = join(root, 'cpu', parent, name);
    if (quotaUs !== undefined || existsSync(cpuGroup)) {
      await makeIn(root, 'cpu', name);
      await writeFile(join(cpuGroup, 'cpu.cfs_period_us'), String(periodUs));
      await writeFile(join(cpuGroup, 'cpu.cfs_quota_us'), String(quotaUs ?? -1));
      await move(cpuGroup, treeOf(pid));
    }
    const memoryGroup = join(root, 'memory', parent, name);
    if (memoryBytes !== undefined || existsSync(memoryGroup)) {
      await makeIn(root, 'memory', name);
      await writeFile(join(memoryGroup, 'memory.limit_in_bytes'), String(memoryBytes ?? -1));
      await move(memoryGroup, treeOf(pid));
    }
  }

  return {
    async apply(name, pid, resources) {
      const wanted = resources.cpu !== undefined || resources.memoryBytes !== undefined;
      if (!wanted && !directories(name).some((path) => existsSync(path))) return { kind: 'none' };
      try {
        await make(resources, name, pid);
        return wanted ? { kind: 'enforced' } : { kind: 'none' };
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        return { kind: 'unenforced', reason: `no cgroup could be made: ${reason}` };
      }
    },
    async remove(name) {
      for (const path of directories(name)) {
        for (let attempt = 1; attempt <= removeAttempts; attempt++) {
          try {
            await rmdir(path);
            break;
          } catch (error) {
            // The kernel lets go of a dead process a moment after its parent has heard of it.
            if ((error as NodeJS.ErrnoException).code !== 'EBUSY') break;
            await delay(removeRetryMs);
          }
        }
      }
    },
    ranOutOfMemory(name) {
      const path = unified
        ? join(unifiedParent, name, 'memory.events')
        : join(root, 'memory', parent, name, 'memory.oom_control');
      try {
        return /^oom_kill [1-9]/m.test(readFileSync(path, 'utf8'));
      } catch {
        return false; // it had no limit
      }
    },
    async sweep(prefix) {
      const now = Date.now();
      const own = unified ? await ownGroup({ root }) : undefined;
      const places = unified
        ? [join(root, parent), ...(own === undefined ? [] : [join(own, parent)])]
        : [join(root, 'cpu', parent), join(root, 'memory', parent)];
      for (const above of places) {
        const entries = await readdir(above, { withFileTypes: true }).catch(() => []);
        for (const entry of entries) {
          if (!entry.isDirectory()) continue;
          const path = join(above, entry.name);
          try {
            if (!entry.name.startsWith(prefix) && now - (await stat(path)).mtimeMs < sweepAgeMs) continue;
            if ((await readFile(join(path, 'cgroup.procs'), 'utf8')) === '') await rmdir(path);
          } catch {
            // Somebody else was faster, or it is in use after all.
          }
        }
      }
    },
  };
}

/** The process first; what is started later is born in the group. */
async function move(group: string, [pid, ...children]: readonly number[]): Promise<void> {
  const place = join(group, 'cgroup.procs');
  await writeFile(place, String(pid));
  for (const child of children) {
    await writeFile(place, String(child)).catch((error: NodeJS.ErrnoException) => {
      // It has ended in between.
      if (error.code !== 'ESRCH') throw error;
    });
  }
}

async function makeIn(root: string, controller: string, name: string): Promise<void> {
  const base = join(root, controller);
  // mkdir would happily make an ordinary folder where no hierarchy is mounted, and its files would limit nothing.
  if (!existsSync(join(base, 'cgroup.procs'))) throw new Error(`${base} is not a cgroup hierarchy`);
  await mkdir(join(base, parent, name), { recursive: true });
}
