/**
 * `node onnx-prepare-process.ts FROM TO LEVEL`: optimises a model for this processor and saves it in ORT format. A process
 * of its own, because it needs the memory of two models for a moment. Exit code 1 with the runtime's words on failure.
 */
import { open } from 'node:fs/promises';

process.env['ORT_DISABLE_TELEMETRY'] = '1';
const { InferenceSession } = await import('onnxruntime-node');
const [from, to, level] = process.argv.slice(2) as [string, string, 'disabled' | 'basic' | 'extended' | 'all'];
try {
  await InferenceSession.create(from, {
    graphOptimizationLevel: level,
    optimizedModelFilePath: to,
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    // Fatal only: the warning that the file fits this processor alone is what it is made for.
    logSeverityLevel: 4,
    extra: { session: { save_model_format: 'ORT' } },
  });
  // Its name is to mean that it is whole, also after a power cut.
  const file = await open(to, 'r');
  await file.sync();
  await file.close();
  process.exit(0);
} catch (thrown) {
  process.stderr.write(thrown instanceof Error ? thrown.message : String(thrown));
  process.exit(1);
}
