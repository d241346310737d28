/** A config.pbtxt from the disk, as settings; and held against the file of a version. Problems are errors, all at once. */
import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { problemsInWords } from '../../config/problems.ts';
import { FlyballError } from '../../errors.ts';
import { readSignature } from '../../onnx/signature.ts';
import { textFormatBytesMax } from '../protobuf-text.ts';
import { checkSignature } from './check-signature.ts';
import { readConfig, type WrittenConfig } from './read-config.ts';
import { toSettings, type ImportedConfig } from './to-settings.ts';

export interface LoadedConfig extends ImportedConfig {
  readonly written: WrittenConfig;
  /** Of the config.pbtxt. */
  readonly path: string;
}

export const configName = 'config.pbtxt';

/** Undefined where a folder has none. INVALID_SPECIFICATION with every problem. */
export async function findConfig(folder: string): Promise<LoadedConfig | undefined> {
  const path = join(folder, configName);
  const there = await stat(path).catch(() => undefined);
  if (there?.isFile() !== true) return undefined;
  if (there.size > textFormatBytesMax) {
    throw new FlyballError(
      'INVALID_SPECIFICATION',
      `${path}: expected at most ${textFormatBytesMax} bytes, got ${there.size}`,
    );
  }
  const read = readConfig(await readFile(path, 'utf8'));
  if (read.kind === 'problems') throw invalid(path, read.problems);
  const { config, set } = read;
  const imported = toSettings({ config, set }, configName);
  if (imported.kind === 'problems') throw invalid(path, imported.problems);
  const name = config.name ?? '';
  const expected = basename(folder);
  // Triton refuses it; here the name is given where the model is added.
  const notes =
    name === '' || name === expected
      ? []
      : [`${configName}: name: ${name} is not the folder's name, ${expected}; neither decides here`];
  return { ...imported, notes: [...notes, ...imported.notes], written: { config, set }, path };
}

/** Notes on what the file of a version has otherwise; INVALID_SPECIFICATION where both cannot be true. */
export async function checkAgainst({ written, path }: LoadedConfig, file: string): Promise<readonly string[]> {
  const { input = [], output = [] } = written.config;
  // A configuration that names no tensors leaves them to the file.
  if (input.length === 0 && output.length === 0) return [];
  const { problems, notes } = checkSignature(written, readSignature(await readFile(file)).signature, configName);
  if (problems.length > 0) throw invalid(path, problems);
  return notes;
}

function invalid(path: string, problems: Parameters<typeof problemsInWords>[1]): FlyballError {
  return new FlyballError('INVALID_SPECIFICATION', problemsInWords(path, problems));
}
