/**
 * The beginning of a load: the thread that owns the session is started, and what it says at first is heard. Apart from the
 * rest of the driver because it is the longest part of a cold start: nothing else is read before it is under way.
 */
import { Worker } from 'node:worker_threads';
import { FlyballError } from '../../errors.ts';
import { modulePath } from '../../module-path.ts';
import type { ModelSignature } from '../../protocol/tensor.ts';
import { isResult, type LoadMessage, type OnnxSettings, type ThreadMessage } from './onnx-messages.ts';

/** A thread that loads; listened to from its first moment on, because what it says is said once. */
export interface OnnxLoading {
  readonly worker: Worker;
  readonly signature: Promise<ModelSignature>;
}

/** Without settings it loads the native library and waits for a model. */
export function startThread(settings: OnnxSettings | undefined): Worker {
  // Read by the native library from the environment of the process, so it must be set before the thread loads it.
  process.env['ORT_DISABLE_TELEMETRY'] = '1';
  return new Worker(modulePath(import.meta.url, './onnx-thread'), { workerData: settings, name: 'onnx' });
}

/** Begins to load in a new thread, or in one that waits for its model; {@link loadOnnx} takes it from there. */
export function beginOnnx(settings: OnnxSettings, signal: AbortSignal, prestarted?: Worker): OnnxLoading {
  signal.throwIfAborted();
  const worker = prestarted ?? startThread(settings);
  prestarted?.postMessage({ kind: 'load', settings } satisfies LoadMessage, []);
  const signature = untilLoaded(worker, settings.path, signal);
  // Whoever takes it hears of its failure; until then it is no unhandled one.
  signature.catch(() => {});
  return { worker, signature };
}

function untilLoaded(worker: Worker, path: string, signal: AbortSignal): Promise<ModelSignature> {
  const { promise, resolve, reject } = Promise.withResolvers<ModelSignature>();
  const fail = (message: string, cause?: unknown): void =>
    reject(new FlyballError('MODEL_LOAD_FAILED', `could not load ${path}: ${message}`, { cause }));
  const onMessage = (message: ThreadMessage): void => {
    if (isResult(message)) return;
    if (message.kind === 'loaded') resolve(message.signature);
    else if (message.kind === 'unloadable') fail(message.message);
  };
  const onError = (error: Error): void => fail(error.message, error);
  const onExit = (code: number): void => fail(`the thread of the runtime ended with code ${code}`);
  const onAbort = (): void => reject(signal.reason as Error);
  worker.on('message', onMessage).on('error', onError).on('exit', onExit);
  signal.addEventListener('abort', onAbort, { once: true });
  return promise.finally(() => {
    worker.off('message', onMessage).off('error', onError).off('exit', onExit);
    signal.removeEventListener('abort', onAbort);
  });
}
