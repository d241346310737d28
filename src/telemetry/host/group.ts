/**
 * The limits under which the platform itself runs, from control groups of version 1 or 2: in a container the machine's
 * figures say little. What is found nearest to the root may bind more than what is nearest to us, so the least counts.
 * In a container our path may not be there: its own group is then the root that it sees.
 *   v2  <root>[/unified]<path>/{cpu.max,memory.max,memory.current,cpu.stat}
 *   v1  <root>/{cpu,memory}<path>/{cpu.cfs_quota_us,cpu.cfs_period_us,memory.limit_in_bytes,memory.usage_in_bytes,cpu.stat}
 */
import { posix } from 'node:path';
import type { GroupLimits } from './reading.ts';

/** Undefined where there is no such file. */
export type ReadText = (path: string) => string | undefined;

/** Version 1 writes "no limit" as the largest number of pages. */
const unlimitedBytes = 2 ** 62;

/** The path and all above it, the nearest first. */
function upwards(path: string): readonly string[] {
  const found = [path];
  for (let at = path; at !== '/' && at !== '.';) {
    at = posix.dirname(at);
    found.push(at);
  }
  return found;
}

function least(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function bytesOf(text: string | undefined): number | undefined {
  const value = Number(text?.trim() || Number.NaN);
  return Number.isFinite(value) && value < unlimitedBytes ? value : undefined;
}

function quotaOf(quota: string | undefined, period: string | undefined): number | undefined {
  const cores = Number(quota ?? Number.NaN) / Number(period ?? Number.NaN);
  return Number.isFinite(cores) && cores > 0 ? cores : undefined;
}

function throttled(stat: string | undefined, name: string, unitsPerSecond: number): number | undefined {
  const value = new RegExp(`^${name} (\\d+)$`, 'm').exec(stat ?? '')?.[1];
  return value === undefined ? undefined : Number(value) / unitsPerSecond;
}

interface Places {
  readonly cpu: readonly string[];
  readonly memory: readonly string[];
  readonly unified: readonly string[];
}

/** `membership`: what /proc/self/cgroup says, `hierarchy:controllers:path` a line. */
function placesOf(membership: string, root: string, read: ReadText): Places {
  const lines = membership.split('\n').map((line) => line.split(':'));
  const of = (controller: string): string | undefined =>
    lines
      .find(([, controllers = '']) => controllers.split(',').includes(controller))
      ?.slice(2)
      .join(':');
  const at = (base: string, path: string | undefined): readonly string[] =>
    path === undefined ? [] : upwards(path).map((each) => posix.join(base, each));
  const unified = lines
    .find(([hierarchy, controllers]) => hierarchy === '0' && controllers === '')
    ?.slice(2)
    .join(':');
  const isPure = read(posix.join(root, 'cgroup.controllers')) !== undefined;
  return {
    cpu: at(posix.join(root, 'cpu'), of('cpu')),
    memory: at(posix.join(root, 'memory'), of('memory')),
    unified: at(isPure ? root : posix.join(root, 'unified'), unified),
  };
}

export function readGroup(membership: string, read: ReadText, root = '/sys/fs/cgroup'): GroupLimits {
  const { cpu, memory, unified } = placesOf(membership, root, read);
  const first = (paths: readonly string[], file: string): string | undefined => {
    for (const path of paths) {
      const text = read(posix.join(path, file));
      if (text !== undefined) return text;
    }
    return undefined;
  };
  const cores = least([
    ...unified.map((path) => quotaOf(...splitPair(read(posix.join(path, 'cpu.max'))))),
    ...cpu.map((path) =>
      quotaOf(read(posix.join(path, 'cpu.cfs_quota_us')), read(posix.join(path, 'cpu.cfs_period_us'))),
    ),
  ]);
  const memoryBytes = least([
    ...unified.map((path) => bytesOf(read(posix.join(path, 'memory.max')))),
    ...memory.map((path) => bytesOf(read(posix.join(path, 'memory.limit_in_bytes')))),
  ]);
  const used = bytesOf(first(unified, 'memory.current') ?? first(memory, 'memory.usage_in_bytes'));
  const throttledSeconds =
    throttled(first(cpu, 'cpu.stat'), 'throttled_time', 1e9) ??
    throttled(first(unified, 'cpu.stat'), 'throttled_usec', 1e6);
  return {
    ...(cores !== undefined && { cores }),
    // Of a group without a limit nobody asks how full it is.
    ...(memoryBytes !== undefined && { memoryBytes, ...(used !== undefined && { memoryUsedBytes: used }) }),
    ...(cores !== undefined && throttledSeconds !== undefined && { throttledSeconds }),
  };
}

/** `max 100000` or `50000 100000`. */
function splitPair(text: string | undefined): [string | undefined, string | undefined] {
  const [quota, period] = (text ?? '').trim().split(' ');
  return [quota, period];
}
