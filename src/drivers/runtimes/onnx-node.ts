/**
 * What a file that ONNX Runtime has optimised depends on besides the model: the runtime's version and the processor, whose
 * features decide about layouts. Read without loading the native library.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, cpus } from 'node:os';

export function onnxRuntimeVersion(): string {
  const path = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

/** Model and feature flags; where the system tells no flags, the model alone. */
export function processorOf(): string {
  const model = `${arch()} ${cpus()[0]?.model.trim() ?? 'unknown'}`;
  try {
    return `${model} ${/^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? ''}`;
  } catch {
    return model;
  }
}
