/**
 * File systems that tests can fill or make read-only. Mounting needs root and a kernel that lets it: where it cannot be
 * done, the reason is what a skipped test says.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const mount = (...args: readonly string[]): void => {
  execFileSync('mount', args, { stdio: ['ignore', 'ignore', 'pipe'] });
};
const unmount = (path: string): void => {
  // Lazily: a process that is just ending must not keep a test from tidying up.
  execFileSync('umount', ['--lazy', path], { stdio: 'ignore' });
};

/** Why no file system can be mounted here; undefined when one can. */
export function mountHindrance(): string | undefined {
  if (process.platform !== 'linux') return 'mounts are made on Linux only';
  if (process.getuid?.() !== 0) return 'mounting a file system needs root';
  try {
    const disk = mountDisk(1);
    disk[Symbol.dispose]();
    return undefined;
  } catch (error) {
    return `no file system can be mounted: ${(error as Error).message.split('\n')[0]}`;
  }
}

/** An empty disk in memory. */
export function mountDisk(mebibytes: number): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'flyball-disk-'));
  mount('-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=700`, 'tmpfs', path);
  return {
    path,
    [Symbol.dispose]() {
      unmount(path);
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** A folder can only be read until it is disposed, also for root. */
export function mountReadOnly(path: string): Disposable {
  mkdirSync(path, { recursive: true });
  mount('--bind', path, path);
  try {
    mount('-o', 'remount,bind,ro', path);
  } catch (error) {
    unmount(path);
    throw error;
  }
  return { [Symbol.dispose]: () => unmount(path) };
}
