/**
 * The files that a model.yaml names beside the model. Names come from strangers (a downloaded folder, an upload), so
 * they are checked before they touch a path.
 */
import { realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import type { ModelFile } from '../config/model-file.ts';
import { FlyballError } from '../errors.ts';

const nameBytesMax = 255;

/** Relative, below the folder, with forward slashes: labels.txt, samples/seven.png. */
export function isAssetName(name: string): boolean {
  if (name === '' || Buffer.byteLength(name) > nameBytesMax || /[\\\0]/.test(name)) return false;
  return name.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

/** Names that the settings refer to, each once. INVALID_SPECIFICATION for one that leads out of the folder. */
export function assetNames(settings: Pick<ModelFile, 'output' | 'warmUp' | 'server'>): readonly string[] {
  const labels = settings.output?.labels;
  const names = new Set([
    ...(typeof labels === 'string' ? [labels] : []),
    ...(settings.warmUp?.samples ?? []),
    ...(settings.server?.files ?? []),
  ]);
  for (const name of names) {
    if (isAssetName(name)) continue;
    throw new FlyballError(
      'INVALID_SPECIFICATION',
      `model.yaml: expected the name of a file beside it, got ${JSON.stringify(name)}, which leads elsewhere`,
    );
  }
  return [...names];
}

/** The file's path; a link that leads out of the folder is refused, a file that is not there is named. */
export async function assetPath(folder: string, name: string): Promise<string> {
  if (!isAssetName(name)) throw new FlyballError('INVALID_NAME', `${JSON.stringify(name)} is no name of a file`);
  const path = join(folder, name);
  try {
    const [root, real] = await Promise.all([realpath(folder), realpath(path)]);
    if (real.startsWith(root + sep)) return path;
  } catch (cause) {
    throw new FlyballError('INVALID_SPECIFICATION', `model.yaml names ${name}, but there is no ${path}`, { cause });
  }
  throw new FlyballError('INVALID_SPECIFICATION', `model.yaml names ${name}, but ${path} links out of its folder`);
}

/** One label a line; the line break at the end makes no label of its own. */
export function toLabels(text: string): string[] {
  return text.replace(/\r?\n$/, '').split(/\r?\n/);
}
