/**
 * The figures of one deployment version in this worker: counts since it was first served here, and the latencies of
 * the last observation interval. Plain numbers, since every request adds to them.
 * Invariant: arrivals = completed + failed + shed + what waits or runs.
 */
import type { ErrorCode } from '../errors.ts';
import type { ModelStatistics } from '../protocol/inference.ts';
import type { VersionObservation } from './routing-table.ts';

/** Codes that mean a request was refused or given up, not that its inference went wrong. */
const shedCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'QUEUE_FULL',
  'OVERLOADED',
  'DEADLINE_EXCEEDED',
  'CANCELLED',
  'MODEL_NOT_READY',
  'DRAINING',
]);

/** Latencies kept an interval; of more, the latest count. */
const latenciesMax = 4096;

export interface CallFigures {
  calls: number;
  inputMs: number;
  computeMs: number;
  outputMs: number;
}

export interface VersionFigures {
  arrivals: number;
  completed: number;
  failed: number;
  shed: Partial<Record<ErrorCode, number>>;
  /** Unix milliseconds. */
  lastInferenceAt: number;
  rows: number;
  calls: number;
  failMs: number;
  successMs: number;
  queueMs: number;
  inputMs: number;
  computeMs: number;
  outputMs: number;
  /** From a call's way out to its answer, each call once: what replicas were occupied for. */
  busyMs: number;
  /** Answered later than `objectiveMs`, which is infinite where there is none. */
  late: number;
  objectiveMs: number;
  /** How long the request waited that was answered last. */
  queueWaitMs: number | undefined;
  /** By rows of a call: its calls and their times. */
  readonly batches: Map<number, CallFigures>;
  readonly latencies: Float64Array;
  latencyCount: number;
}

export function createFigures(): VersionFigures {
  return {
    arrivals: 0,
    completed: 0,
    failed: 0,
    shed: {},
    lastInferenceAt: 0,
    rows: 0,
    calls: 0,
    failMs: 0,
    successMs: 0,
    queueMs: 0,
    inputMs: 0,
    computeMs: 0,
    outputMs: 0,
    busyMs: 0,
    late: 0,
    objectiveMs: Infinity,
    queueWaitMs: undefined,
    batches: new Map(),
    latencies: new Float64Array(latenciesMax),
    latencyCount: 0,
  };
}

/** A request that is a batch of its own may have any size: beyond this many different ones none is added. */
const batchSizesMax = 1024;

/** Counts a call of the runtime; what its outputs cost is added when it is known. */
export function countCall(figures: VersionFigures, rows: number, inputMs: number, computeMs: number): CallFigures {
  let size = figures.batches.get(rows);
  if (size === undefined) {
    size = { calls: 0, inputMs: 0, computeMs: 0, outputMs: 0 };
    if (figures.batches.size < batchSizesMax) figures.batches.set(rows, size);
  }
  size.calls += 1;
  size.inputMs += inputMs;
  size.computeMs += computeMs;
  figures.calls += 1;
  figures.rows += rows;
  return size;
}

export function countSuccess(figures: VersionFigures, queueMs: number, totalMs: number): void {
  figures.completed += 1;
  if (totalMs > figures.objectiveMs) figures.late += 1;
  figures.queueWaitMs = queueMs;
  figures.queueMs += queueMs;
  figures.successMs += totalMs;
  figures.latencies[figures.latencyCount % latenciesMax] = totalMs;
  figures.latencyCount += 1;
}

export function countEnd(figures: VersionFigures, code: ErrorCode, totalMs: number): void {
  if (shedCodes.has(code)) figures.shed[code] = (figures.shed[code] ?? 0) + 1;
  else figures.failed += 1;
  figures.failMs += totalMs;
}

/** Percentiles (nearest rank) since the last call; undefined when nothing completed. */
export function takeLatencies(figures: VersionFigures): VersionObservation['latencyMs'] {
  const n = figures.latencyCount;
  if (n === 0) return undefined;
  figures.latencyCount = 0;
  const sorted = figures.latencies.slice(0, Math.min(n, latenciesMax)).sort();
  const rank = (share: number): number => sorted[Math.max(Math.ceil(share * sorted.length) - 1, 0)] ?? 0;
  return { p50: rank(0.5), p95: rank(0.95), p99: rank(0.99), n };
}

const toNs = (ms: number): number => Math.round(ms * 1e6);

/** As Triton's statistics extension counts: every duration is added once a request, a shed request is a failed one. */
export function toStatistics(figures: VersionFigures, name: string, version: string): ModelStatistics {
  const shed = Object.values(figures.shed).reduce((sum, count) => sum + count, 0);
  const each = (ms: number) => ({ count: figures.completed, ns: toNs(ms) });
  return {
    name,
    version,
    lastInferenceAt: figures.lastInferenceAt,
    inferenceCount: figures.rows,
    executionCount: figures.calls,
    success: each(figures.successMs),
    fail: { count: figures.failed + shed, ns: toNs(figures.failMs) },
    queue: each(figures.queueMs),
    computeInput: each(figures.inputMs),
    computeInfer: each(figures.computeMs),
    computeOutput: each(figures.outputMs),
    batches: [...figures.batches]
      .toSorted(([left], [right]) => left - right)
      .map(([size, { calls: count, inputMs, computeMs, outputMs }]) => ({
        size,
        computeInput: { count, ns: toNs(inputMs) },
        computeInfer: { count, ns: toNs(computeMs) },
        computeOutput: { count, ns: toNs(outputMs) },
      })),
  };
}
