/** What is not served here, so that a model with it is refused rather than answered for wrongly. */
import type { ModelConfig } from './read-config.ts';
import type { Remarks } from './remarks.ts';

export function refuse(config: ModelConfig, { problem }: Remarks): void {
  const { platform = '', backend = '' } = config;
  const way = 'export the model to ONNX, or keep Triton for it and put it behind a deployment as another server';
  if (platform !== '' && platform !== 'onnxruntime_onnx')
    problem('platform', `expected onnxruntime_onnx, got ${JSON.stringify(platform)}; ${way}`);
  if (backend !== '' && backend !== 'onnxruntime')
    problem('backend', `expected onnxruntime, got ${JSON.stringify(backend)}; ${way}`);
  if (config.ensemble_scheduling !== undefined)
    problem('ensemble_scheduling', 'ensembles are not served; deploy each model of it by itself');
  if (config.sequence_batching !== undefined)
    problem('sequence_batching', 'sequences are not kept apart here, so a stateful model would answer wrongly');
  if ((config.model_operations?.op_library_filename ?? []).length > 0)
    problem('model_operations', 'libraries of custom operators are not loaded');
  if (config.model_transaction_policy?.decoupled === true)
    problem('model_transaction_policy.decoupled', 'expected one answer a request: decoupled models are not served');
  if ((config.batch_input ?? []).length > 0) problem('batch_input', 'inputs are not made from batches here');
  if ((config.batch_output ?? []).length > 0) problem('batch_output', 'outputs are not scattered over batches here');
  const { default_model_filename: name } = config;
  if (name !== undefined && name !== '' && !/^[^/\\\0]+\.onnx$/.test(name))
    problem(
      'default_model_filename',
      `expected the name of an .onnx file in the version's folder, got ${JSON.stringify(name)}`,
    );
}
