/**
 * What a node has prepared for its replicas, so that the next one starts sooner: each model as the runtime has optimised
 * it for this processor (ORT format, opened memory-mapped, so that replicas share its pages), and the cost of a batch as
 * a replica has measured it.
 *
 *   <key>.ort    <key>.json  size and time of the .ort, written after it     <key>-<settings>.costs
 *
 * The key is the model's digest, the runtime's version, the processor and the level of optimisation. Nothing here is
 * needed: what is missing, damaged or somebody else's is removed, told of, and made anew. Invariant: an .ort is never
 * changed in place, since replicas have it mapped.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../clock.ts';
import { readCosts } from '../../runner/kept-costs.ts';
import type { RunnerLaunch } from '../../runner/launch.ts';
import { publish } from '../../telemetry/events.ts';
import type { PreparedModels } from '../orchestrators/prepared-models.ts';
import { onnxRuntimeVersion, processorOf } from './onnx-node.ts';
import type { PrepareOrder } from './onnx-prepare.ts';

export interface PreparedFilesOptions {
  readonly folder: string;
  /** Of all .ort files together; the least recently used go first. */
  readonly bytesMax: number;
  readonly clock: Clock;
  /** Makes `to` from `from`; rejects in the runtime's words. */
  readonly prepare: (order: PrepareOrder, signal: AbortSignal) => Promise<void>;
  readonly processor?: string;
  readonly runtimeVersion?: string;
}

type Launch = Pick<RunnerLaunch, 'model' | 'version' | 'digest' | 'runtime' | 'warmUp'>;

/** A replica that has just become ready has callers waiting; its node's cores are theirs. */
const settleMs = 2000;
/** Files of one model that turned out bad, after which this process makes no more of them. */
const attemptsMax = 2;
const costFilesMax = 1024;
/** A file that was begun this long ago is nobody's any more. */
const abandonedMs = 3_600_000;

const hashed = (...parts: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 24);

export function openPreparedFiles(options: PreparedFilesOptions): PreparedModels {
  const { folder, bytesMax, clock, prepare } = options;
  const processor = options.processor ?? processorOf();
  const version = options.runtimeVersion ?? onnxRuntimeVersion();
  const aborted = new AbortController();
  const attempts = new Map<string, number>();
  /** Gone for want of room, perhaps under a replica that was just starting: no fault of the file. */
  const evicted = new Set<string>();
  /** Waiting or being made. One at a time: `tail` is the last of them. */
  const underWay = new Set<string>();
  let tail: Promise<void> = Promise.resolve();

  const path = (key: string, kind: 'ort' | 'json' | 'costs'): string => join(folder, `${key}.${kind}`);
  const tell = (action: string, { model, version: of }: Launch, reason: string): void =>
    publish('flyball:control', { action, subject: `${model}:${of}`, by: 'prepared files', reason });

  function keyOf({ digest, runtime }: Launch): string | undefined {
    return runtime.kind === 'onnx' ? hashed(digest, version, processor, runtime.graphOptimisation) : undefined;
  }

  function costsKeyOf(key: string, { runtime, warmUp }: Launch): string {
    const { batchSizes, budgetMs, samples } = warmUp;
    return `${key}-${hashed(runtime.kind === 'onnx' ? [runtime.threads, runtime.memoryArena] : [], batchSizes, budgetMs, samples)}`;
  }

  function drop(key: string, launch: Launch, reason: string): void {
    rmSync(path(key, 'ort'), { force: true });
    rmSync(path(key, 'json'), { force: true });
    tell('remove a prepared file', launch, `${reason}; the model itself is loaded`);
  }

  /** Its use now decides how long it stays. */
  function touch(key: string): void {
    const now = new Date(clock.wall());
    utimesSync(path(key, 'json'), now, now);
  }

  /** The file that was made here under this name, unchanged since. */
  function usable(key: string, launch: Launch): string | undefined {
    const found = statSync(path(key, 'ort'), { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    const stamp = readJson(path(key, 'json')) as { bytes?: unknown; mtimeMs?: unknown } | undefined;
    if (stamp?.bytes !== found.size || stamp.mtimeMs !== found.mtimeMs) {
      drop(key, launch, stamp === undefined ? 'it was never finished' : 'somebody has changed it since it was made');
      return undefined;
    }
    touch(key);
    return path(key, 'ort');
  }

  async function make(key: string, launch: Launch): Promise<void> {
    const { runtime } = launch;
    if (aborted.signal.aborted || runtime.kind !== 'onnx') return;
    // Of this process alone: one that an earlier control has started may still be writing.
    const temporary = `${path(key, 'ort')}.${process.pid}.new`;
    try {
      const needed = statSync(runtime.path).size;
      if (needed > bytesMax) throw new Error(`it takes ${needed} bytes, the cache holds ${bytesMax}`);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      await prepare({ from: runtime.path, to: temporary, level: runtime.graphOptimisation }, aborted.signal);
      rmSync(path(key, 'json'), { force: true });
      renameSync(temporary, path(key, 'ort'));
      const { size: bytes, mtimeMs } = statSync(path(key, 'ort'));
      writeFileSync(`${path(key, 'json')}.new`, JSON.stringify({ bytes, mtimeMs }));
      renameSync(`${path(key, 'json')}.new`, path(key, 'json'));
      touch(key);
      tell('prepare a file', launch, `the next replica on this node opens ${bytes} bytes memory-mapped`);
      bound();
    } catch (error) {
      rmSync(temporary, { force: true });
      if (aborted.signal.aborted) return;
      attempts.set(key, attemptsMax);
      const why = error instanceof Error ? error.message : String(error);
      tell('prepare no file', launch, `replicas load the model itself: ${why}`);
    }
  }

  /** Least recently used first; one that a replica has open stays alive with it. */
  function bound(): void {
    const byAge = (kind: string) =>
      readdirSync(folder)
        .filter((name) => name.endsWith(kind))
        .map((name) => ({ key: name.slice(0, -kind.length), at: statSync(join(folder, name)).mtimeMs }))
        .toSorted((left, right) => right.at - left.at);
    for (const { key } of byAge('.new')) {
      const left = join(folder, `${key}.new`);
      if (clock.wall() - statSync(left).mtimeMs > abandonedMs) rmSync(left, { force: true });
    }
    let bytes = 0;
    for (const { key } of byAge('.json')) {
      bytes += statSync(path(key, 'ort'), { throwIfNoEntry: false })?.size ?? 0;
      if (bytes <= bytesMax) continue;
      rmSync(path(key, 'json'), { force: true });
      rmSync(path(key, 'ort'), { force: true });
      evicted.add(key);
    }
    for (const { key } of byAge('.costs').slice(costFilesMax)) rmSync(path(key, 'costs'), { force: true });
  }

  return {
    equip(launch) {
      const key = keyOf(launch);
      if (key === undefined || launch.runtime.kind !== 'onnx') return launch;
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        const prepared = usable(key, launch);
        const leaveAt = path(costsKeyOf(key, launch), 'costs');
        const known = readCosts(leaveAt);
        return {
          ...launch,
          runtime: prepared === undefined ? launch.runtime : { ...launch.runtime, prepared },
          warmUp: { ...launch.warmUp, leaveAt, ...(known === undefined ? {} : { known }) },
        };
      } catch {
        // A folder that cannot be read is no reason not to start.
        return launch;
      }
    },

    ready(launch) {
      const key = keyOf(launch);
      if (key === undefined || launch.runtime.kind !== 'onnx' || underWay.has(key)) return;
      if (statSync(path(key, 'ort'), { throwIfNoEntry: false }) !== undefined) return;
      if (launch.runtime.prepared !== undefined && !evicted.delete(key)) {
        attempts.set(key, (attempts.get(key) ?? 0) + 1);
        drop(key, launch, 'the runtime could not open it');
      }
      if ((attempts.get(key) ?? 0) >= attemptsMax) return;
      underWay.add(key);
      clock.after(settleMs, () => {
        tail = tail.then(() => make(key, launch)).finally(() => underWay.delete(key));
      });
    },

    suspect(launch, reason) {
      const key = keyOf(launch);
      if (key === undefined || launch.runtime.kind !== 'onnx' || launch.runtime.prepared === undefined) return;
      attempts.set(key, (attempts.get(key) ?? 0) + 1);
      drop(key, launch, `a replica that had opened it died before it was ready (${reason})`);
    },

    async [Symbol.asyncDispose]() {
      aborted.abort();
      await tail;
    },
  };
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}
