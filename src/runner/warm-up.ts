/**
 * What a replica does between loaded and ready: runs the model on inputs of its real shape until the first slow calls
 * are behind it, and measures what a batch costs by its rows. It stops when the time is spent or more rows stop paying.
 */
import type { Clock } from '../clock.ts';
import { FlyballError, toFlyballError } from '../errors.ts';
import type { CostPoint } from '../protocol/frames/messages.ts';
import type { Tensor } from '../protocol/tensor.ts';
import { tileRows } from './rows.ts';
import type { LoadedModel } from './runtime.ts';

export interface WarmUpSettings {
  readonly batchSizes: readonly number[];
  readonly budgetMs: number;
  /** What an earlier replica has measured on this node: it is taken over, and only the first slow calls are made. */
  readonly known?: readonly CostPoint[] | undefined;
  /** Somebody waits and nobody else can answer. */
  readonly awaited?: boolean | undefined;
}

/**
 * From here on a call costs more than its being the first one adds, and whoever waits would wait for two of them. A quicker
 * one is made all the same: it opens the short way for tiny models.
 */
const dearMs = 5;
/** Runs of one size, within which the time below decides. A tiny model needs many to be steady, a large one few. */
const runsMin = 3;
const runsMax = 40;
/** Somebody may be waiting for this replica to wake: the first call is what matters. */
const runsMaxKnown = 3;
const steadyMs = 20;
const compiledMs = 2;
/** The share of a size's cost a row that the next must save for sizes beyond it to be worth measuring. */
const worthwhileSaving = 0.05;

/**
 * Whether the first call of somebody who waits is all the warm-up there is: an earlier replica of the same version and
 * settings has been ready on this node, so that it works and what it costs are known.
 */
export function isWarmedByFirstCall({ known = [], awaited = false }: WarmUpSettings): boolean {
  return awaited && (known.find(({ rows }) => rows === 1)?.ms ?? 0) >= dearMs;
}

/** `inputs` are one call's worth, with any number of rows; batches are made by repeating their rows. */
export async function warmUp(
  model: LoadedModel,
  inputs: readonly Tensor[],
  settings: WarmUpSettings,
  clock: Clock,
  signal: AbortSignal,
  /** Processor time of this process, milliseconds; given where one thread of it computes a call. */
  processorMs?: () => number,
): Promise<readonly CostPoint[]> {
  const began = clock.now();
  const left = (): number => settings.budgetMs - (clock.now() - began);

  async function run(rows: number): Promise<number> {
    signal.throwIfAborted();
    const batch = model.signature.batchable
      ? inputs.map((tensor) => tileRows(tensor, rows))
      : // A call gives its bytes away, so each has its own.
        inputs.map((tensor) => ({ ...tensor, bytes: new Uint8Array(tensor.bytes) }));
    return (await model.run(batch)).computeMs;
  }

  async function measure(rows: number): Promise<CostPoint> {
    const times: number[] = [];
    let spent = 0;
    const before = processorMs?.();
    while (times.length < runsMax && (times.length < runsMin || spent < steadyMs)) {
      const ms = await run(rows);
      times.push(ms);
      spent += ms;
      if (left() < ms) break;
    }
    const used = before === undefined ? undefined : ((processorMs?.() ?? before) - before) / times.length;
    return { rows, ms: median(times), ...(used === undefined ? {} : { processorMs: used }) };
  }

  try {
    // The first call pays for memory and page faults; a tiny model needs some more until the way to the runtime has been compiled.
    const { known = [] } = settings;
    const firstRuns = known.length === 0 ? runsMax : runsMaxKnown;
    for (let runs = 0, spent = 0; runs < firstRuns && spent < compiledMs; runs += 1) spent += await run(1);
    if (known.length > 0) return known;
    let before = await measure(1);
    const curve = [before];
    if (!model.signature.batchable) return curve;
    const sizes = settings.batchSizes.filter((rows) => rows > 1).toSorted((a, b) => a - b);
    for (const rows of sizes) {
      const expectedMs = (before.ms / before.rows) * rows;
      // One run to get used to the size, and one that counts.
      if (left() < expectedMs * 2) break;
      // The first call of a size pays for memory and page faults; it is no measurement.
      await run(rows);
      const point = await measure(rows);
      curve.push(point);
      const saving = 1 - point.ms / point.rows / (before.ms / before.rows);
      if (saving < worthwhileSaving) break;
      before = point;
    }
    return curve;
  } catch (thrown) {
    signal.throwIfAborted();
    const error = toFlyballError(thrown);
    throw new FlyballError('MODEL_LOAD_FAILED', `the model loaded but could not be warmed up: ${error.message}`, {
      cause: thrown,
    });
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
