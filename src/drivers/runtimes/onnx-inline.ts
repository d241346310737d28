/**
 * The short way for models so small that waking another thread costs more than their inference: a second session in the
 * runner's main thread, for calls that were cheap at warm-up. Measured on a network of 10 µs: a call by the thread takes
 * 86 µs (77 of them processor time), by the short way 10 to 25; opening it adds 14 ms to the start.
 *
 *   watching ──warm-up over, cheap, small──▶ open ──the mean call grows slow, or the model closes──▶ closed
 *
 * Invariants: it blocks the main thread for about `inlineMsMax` a call, so sockets and health wait no longer than that;
 * once closed it stays closed.
 */
import { readFile, stat } from 'node:fs/promises';
import { FlyballError, toFlyballError } from '../../errors.ts';
import type { ModelSignature, Tensor } from '../../protocol/tensor.ts';
import type { RunResult } from '../../runner/runtime.ts';
import type { OnnxSettings } from './onnx-messages.ts';
import type { OnnxSession } from './onnx-session.ts';

/** A call that blocks the main thread for this long delays nobody noticeably. */
const inlineMsMax = 1;
/** The second session holds the weights a second time. */
const modelBytesMax = 32 * 1_048_576;
/** Calls may be larger than the largest measured at warm-up by this factor, if their cost, grown alike, stays small. */
const beyondMeasuredMax = 8;
/** A mean over about `meanCalls` calls above this closes the lane. */
const slowMs = 2;
const meanCalls = 16;
/** A call counts for no more: the system interrupts one of ten microseconds for tens of milliseconds, and that is no cost. */
const countedMsMax = 4 * slowMs;
/** Nobody is interrupted for so long: what takes this depends on its data, as loops do, and must not block again. */
const interruptedMsMax = 250;

export interface InlineLane {
  /** What a call of the other thread cost; only what comes before `open` counts. */
  watch(inputBytes: number, computeMs: number): void;
  /** Warm-up is over. Opens the lane where it pays; a failure to open leaves it closed. */
  open(): Promise<void>;
  fits(inputBytes: number): boolean;
  /** Only for what fits. Rejects as {@link LoadedModel.run} does. */
  run(inputs: readonly Tensor[], outputs: readonly string[] | undefined): Promise<RunResult>;
  close(): Promise<void>;
}

export function createInlineLane(settings: OnnxSettings, signature: ModelSignature): InlineLane {
  /** Input bytes → the best time at warm-up; its first calls pay for memory and page faults. */
  const measured = new Map<number, number>();
  let session: OnnxSession | undefined;
  let failureOf = toFlyballError;
  let bytesMax = -1;
  let meanMs = 0;
  let opening = false;
  let closed = false;

  async function close(): Promise<void> {
    closed = true;
    bytesMax = -1;
    const open = session;
    session = undefined;
    await open?.close();
  }

  return {
    watch(inputBytes, computeMs) {
      if (closed || opening) return;
      measured.set(inputBytes, Math.min(measured.get(inputBytes) ?? Infinity, computeMs));
    },
    async open() {
      opening = true;
      let cheapBytes = -1;
      for (const [bytes, ms] of measured) {
        if (ms > inlineMsMax || bytes < cheapBytes) continue;
        cheapBytes = bytes;
        meanMs = ms;
      }
      measured.clear();
      if (closed || cheapBytes < 0 || !takes(signature)) return;
      if (!(await isSteady(settings.path))) return;
      const { codeOf, openSession, wordsOf } = await import('./onnx-session.ts');
      failureOf = (thrown) => new FlyballError(codeOf(thrown), wordsOf(thrown), { cause: thrown });
      // One thread: a pool of its own would compete with the other session's for the same cores.
      try {
        session = await openSession({ ...settings, threads: 1, spinning: false });
      } catch {
        // The model has just been loaded and measured; without room for a second session the first one serves alone.
        return;
      }
      if (closed) return close();
      bytesMax = cheapBytes * Math.max(1, Math.min(beyondMeasuredMax, inlineMsMax / meanMs));
    },
    fits: (inputBytes) => inputBytes <= bytesMax,
    async run(inputs, outputs) {
      let result: RunResult;
      try {
        if (session === undefined) throw new Error('the runtime is closed');
        result = await session.run(inputs, outputs);
      } catch (thrown) {
        throw failureOf(thrown);
      }
      const counted = result.computeMs > interruptedMsMax ? result.computeMs : Math.min(result.computeMs, countedMsMax);
      meanMs += (counted - meanMs) / meanCalls;
      if (meanMs > slowMs) await close();
      return result;
    },
    close,
  };
}

/**
 * Nodes that run as often as their data says, as they stand in a file: the field op_type of a node (tag 0x22), the length,
 * the name. Warm-up cannot tell what such a graph costs. A weight that looks so by chance costs it the short way, no more.
 */
const repeatingNodes = ['Loop', 'Scan'].map((name) =>
  Buffer.concat([Buffer.from([0x22, name.length]), Buffer.from(name)]),
);

/** A file of bounded size, that is there, whose cost does not depend on what it is given. */
async function isSteady(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).size > modelBytesMax) return false;
    const file = await readFile(path);
    return repeatingNodes.every((node) => !file.includes(node));
  } catch {
    return false;
  }
}

/** FP16 cannot be given in a thread that has Float16Array, which the main thread keeps (see onnx-thread.ts). */
function takes({ inputs, outputs }: ModelSignature): boolean {
  return [...inputs, ...outputs].every(({ datatype }) => datatype !== 'FP16');
}
