/** Starts the process that optimises a model for this node, at the lowest priority: whoever serves goes first. */
import { execFile } from 'node:child_process';
import { setPriority } from 'node:os';
import { modulePath } from '../../module-path.ts';
import type { OnnxSettings } from './onnx-messages.ts';

export interface PrepareOrder {
  readonly from: string;
  readonly to: string;
  readonly level: OnnxSettings['graphOptimisation'];
}

const lowestPriority = 19;
/** A model that takes longer than this is not worth a core for so long. */
const timeoutMs = 600_000;

/** Rejects in the runtime's words. An abort ends the process. */
export async function prepareOnnx({ from, to, level }: PrepareOrder, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const child = execFile(
    process.execPath,
    [modulePath(import.meta.url, './onnx-prepare-process'), from, to, level],
    { signal, timeout: timeoutMs, killSignal: 'SIGKILL' },
    (error, _output, words) => {
      if (error === null) resolve();
      else reject(words.trim() === '' ? error : new Error(words.trim(), { cause: error }));
    },
  );
  try {
    if (child.pid !== undefined) setPriority(child.pid, lowestPriority);
  } catch {
    // It has ended already, or the system lets nobody be that polite.
  }
  await promise;
}
