/** Labels of an output stage: given in place, or the name of a text file with one a line. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { OutputStage } from '../config/model-file.ts';
import { FlyballError } from '../errors.ts';
import type { RunnerLaunch } from './launch.ts';
import type { ReadableStage } from './pipeline/output.ts';

/** A relative name is looked for beside the model's file, where a runner that is started by hand has it. */
export async function readLabels(stage: OutputStage, runtime: RunnerLaunch['runtime']): Promise<ReadableStage> {
  const { labels } = stage;
  if (typeof labels !== 'string') return { ...stage, labels } as ReadableStage;
  const folder = runtime.kind === 'onnx' ? dirname(runtime.path) : '.';
  try {
    const text = await readFile(resolve(folder, labels), 'utf8');
    // The line break at the end makes no label of its own; a label may be a single space.
    return { ...stage, labels: text.replace(/\r?\n$/, '').split(/\r?\n/) };
  } catch (cause) {
    throw new FlyballError('MODEL_LOAD_FAILED', `could not read the labels ${labels}: ${(cause as Error).message}`, {
      cause,
    });
  }
}
