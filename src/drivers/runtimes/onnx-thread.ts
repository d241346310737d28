/**
 * The thread that owns one ONNX Runtime session: loads at its start, or when it is told to if it was started ahead of
 * its model; then answers calls in their order.
 * It keeps no queue but its message port. Every fault of a call is answered; only a fault of the thread ends it.
 */
import { flushCompileCache } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';
import type { LoadMessage, OnnxSettings, PackedTensor, RunMessage, ThreadMessage } from './onnx-messages.ts';
import { codeOf, loadWords, openNothing, openSession, wordsOf, type OnnxSession } from './onnx-session.ts';

const port = parentPort;
if (port === null) throw new Error('the ONNX thread is started by its driver, not by hand');
const post = (message: ThreadMessage, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer);

async function answer(session: OnnxSession, [call, wanted, ...inputs]: RunMessage): Promise<void> {
  try {
    const tensors = inputs.map(([name, datatype, shape, bytes]) => ({ name, datatype, shape, bytes }));
    const { outputs, computeMs } = await session.run(tensors, wanted);
    const packed: PackedTensor[] = [];
    const buffers: ArrayBuffer[] = [];
    for (const { name, datatype, shape, bytes } of outputs) {
      packed.push([name, datatype, shape, bytes]);
      // Two outputs may be one tensor inside the runtime.
      const buffer = bytes.buffer as ArrayBuffer;
      if (!buffers.includes(buffer)) buffers.push(buffer);
    }
    post([call, computeMs, ...packed], buffers);
  } catch (thrown) {
    post({ kind: 'error', call, code: codeOf(thrown), message: wordsOf(thrown) });
  }
}

// The binding's native side takes FP16 as Uint16Array only, but its JavaScript side prefers Float16Array where there is
// one, and then the native side sees no data at all (onnxruntime-node 1.30). This thread belongs to the binding.
Reflect.deleteProperty(globalThis, 'Float16Array');

/** At its end, which is sudden, a thread does not. Costs nothing when there is nothing new. */
function keepCompiled(): void {
  setImmediate(flushCompileCache);
}

async function load(settings: OnnxSettings): Promise<void> {
  try {
    const session = await openSession(settings);
    port?.on('message', (message: RunMessage) => void answer(session, message));
    post({ kind: 'loaded', signature: session.signature });
    keepCompiled();
  } catch (thrown) {
    post({ kind: 'unloadable', message: loadWords(thrown) });
  }
}

const settings = workerData as OnnxSettings | undefined;
if (settings === undefined) {
  port.once('message', (message: LoadMessage) => void load(message.settings));
  await openNothing();
  post({ kind: 'prestarted' });
  keepCompiled();
} else {
  await load(settings);
}
