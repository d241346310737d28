/**
 * ONNX Runtime by onnxruntime-node. Its `create()` and `run()` block the thread that calls them for the whole inference,
 * so the session lives in a thread of its own and this side stays free for sockets, cancellation and decoding.
 * Tensors cross by transfer in both directions; what this side gives away it does not touch again.
 * Calls that warm-up has shown to be tiny take the short way of onnx-inline.ts instead.
 */
import type { Worker } from 'node:worker_threads';
import { FlyballError } from '../../errors.ts';
import { Slots } from '../../protocol/slots.ts';
import type { ModelSignature, Tensor } from '../../protocol/tensor.ts';
import type { LoadedModel, RunResult } from '../../runner/runtime.ts';
import { createInlineLane, type InlineLane } from './onnx-inline.ts';
import { beginOnnx, startThread, type OnnxLoading } from './onnx-loading.ts';
import { isResult, type OnnxSettings, type PackedTensor, type ThreadMessage } from './onnx-messages.ts';

/** A thread with the native library loaded and its environment initialised, that waits for its model. */
export async function prestartOnnx(): Promise<Worker> {
  const worker = startThread(undefined);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  worker.once('message', () => resolve());
  worker.once('error', reject);
  // A small model is computed in this thread too (see onnx-inline.ts).
  const { openNothing } = await import('./onnx-session.ts');
  await Promise.all([promise, openNothing()]);
  worker.off('error', reject);
  return worker;
}

/** `begun`: a load of the same settings that is on its way. */
export async function loadOnnx(
  settings: OnnxSettings,
  signal: AbortSignal,
  begun: OnnxLoading = beginOnnx(settings, signal),
): Promise<LoadedModel> {
  const { worker } = begun;
  openEnvironmentHere();
  try {
    const signature = await begun.signature;
    return openModel(worker, signature, createInlineLane(settings, signature));
  } catch (error) {
    await worker.terminate();
    throw error;
  }
}

/** The thread is still starting: what the process needs once is done meanwhile. What fails here fails there, and is told. */
function openEnvironmentHere(): void {
  void import('./onnx-session.ts').then(({ openEnvironment }) => openEnvironment()).catch(() => {});
}

function openModel(worker: Worker, signature: ModelSignature, lane: InlineLane): LoadedModel {
  const waiting = new Slots<PromiseWithResolvers<RunResult>>();
  const listeners: ((error: FlyballError) => void)[] = [];
  let ended: FlyballError | undefined;
  let inThread = 0;
  let lastInline: Promise<unknown> = Promise.resolve();

  function end(message: string, cause?: unknown): void {
    if (ended !== undefined) return;
    ended = new FlyballError('REPLICA_FAILED', message, { cause });
    for (const call of waiting.takeAll()) call.reject(ended);
    for (const listener of listeners) listener(ended);
  }

  worker.on('message', (message: ThreadMessage) => {
    if (isResult(message)) {
      const [call, computeMs, ...packed] = message;
      waiting.take(call)?.resolve({ outputs: packed.map(unpack), computeMs });
    } else if (message.kind === 'error') {
      waiting.take(message.call)?.reject(new FlyballError(message.code, message.message));
    }
  });
  worker.on('error', (error) => end(`the thread of the runtime failed: ${error.message}`, error));
  worker.on('exit', (code) => end(`the thread of the runtime ended with code ${code}`));

  function post(inputs: readonly Tensor[], outputs: readonly string[] | undefined): Promise<RunResult> {
    if (ended !== undefined) return Promise.reject(ended);
    const call = Promise.withResolvers<RunResult>();
    const number = waiting.add(call);
    const buffers: ArrayBuffer[] = [];
    const packed = inputs.map(({ name, datatype, shape, bytes }): PackedTensor => {
      const buffer = bytes.buffer as ArrayBuffer;
      if (!buffers.includes(buffer)) buffers.push(buffer);
      return [name, datatype, shape, bytes];
    });
    worker.postMessage([number, outputs, ...packed], buffers);
    return call.promise;
  }

  async function runInThread(
    inputs: readonly Tensor[],
    inputBytes: number,
    outputs: readonly string[] | undefined,
  ): Promise<RunResult> {
    inThread += 1;
    try {
      // One call at a time, whichever way: the thread must not overtake what this side still computes.
      await lastInline.catch(() => {});
      const result = await post(inputs, outputs);
      lane.watch(inputBytes, result.computeMs);
      return result;
    } finally {
      inThread -= 1;
    }
  }

  return {
    platform: 'onnxruntime_onnx',
    signature,
    run(inputs, outputs) {
      if (ended !== undefined) return Promise.reject(ended);
      let inputBytes = 0;
      for (const { bytes } of inputs) inputBytes += bytes.byteLength;
      if (inThread === 0 && lane.fits(inputBytes)) {
        const run = lane.run(inputs, outputs);
        lastInline = run;
        return run;
      }
      return runInThread(inputs, inputBytes, outputs);
    },
    warmed: () => lane.open(),
    onFailure(listener) {
      listeners.push(listener);
    },
    async [Symbol.asyncDispose]() {
      // Closing is no failure: nobody is told, but a call after this is refused.
      listeners.length = 0;
      end('the runtime is closed');
      await lane.close();
      await worker.terminate();
    },
  };
}

function unpack([name, datatype, shape, bytes]: PackedTensor): Tensor {
  return { name, datatype, shape, bytes };
}
