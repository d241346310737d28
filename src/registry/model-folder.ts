/**
 * A model on the local disk, as what could be uploaded: a Triton model folder, a single file, or only settings.
 *
 *   digits/            model.yaml beside the versions holds for each of them,
 *     model.yaml       one inside a version for that one alone; names in it are relative to its own folder
 *     1/model.onnx     the file is model.onnx, or the only .onnx file there
 *     2/model.onnx
 *
 * Nothing is copied or uploaded here. Invariant: every path that comes back exists and lies where its settings may point.
 */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { checkModelFile, loadModelFile, type LoadedModelFile } from '../config/load.ts';
import { FlyballError } from '../errors.ts';
import { assetNames, assetPath } from './assets.ts';
import { digestOfFile, versionDigest } from './digest.ts';
import type { ModelFileInput } from './registry.ts';

export interface LocalVersion {
  /** Absent for a model without version folders: the next free number, unless the content is there already. */
  readonly version?: number;
  /** Path of the model's file, and its digest; absent for a simulated one. */
  readonly file?: { readonly path: string; readonly digest: string; readonly bytes: number };
  /** As written; `{}` without a model.yaml. */
  readonly settings: ModelFileInput;
  readonly modelFilePath?: string;
  /** By the name that model.yaml uses. */
  readonly assets: Readonly<Record<string, { readonly path: string; readonly digest: string }>>;
  /** The version's digest, as the registry will work it out. */
  readonly digest: string;
}

interface Settings extends LoadedModelFile {
  readonly path?: string;
}

const settingsName = 'model.yaml';
const versionPattern = /^[1-9]\d{0,8}$/;
const versionsMax = 1000;

/**
 * `path`: a model folder, an .onnx file, or a model.yaml of the platform `simulated`. `modelFile` replaces the
 * model.yaml beside. NOT_FOUND when there is nothing at the path, INVALID_MODEL when it is no model.
 */
export async function readLocalModel(
  path: string,
  modelFile?: string,
  signal?: AbortSignal,
): Promise<readonly LocalVersion[]> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new FlyballError('NOT_FOUND', `there is no model at ${path}`, { cause });
  });
  const given = modelFile === undefined ? undefined : await readSettings(modelFile);
  if (found.isDirectory()) return readFolder(path, given, signal);
  if (/\.ya?ml$/.test(path)) return [await toVersion({ settings: given ?? (await readSettings(path)) }, signal)];
  const folder = dirname(path);
  const above = versionPattern.test(basename(folder)) ? dirname(folder) : folder;
  const beside = given ?? (await findSettings(folder)) ?? (await findSettings(above));
  return [await toVersion({ file: path, ...(beside === undefined ? {} : { settings: beside }) }, signal)];
}

async function readFolder(folder: string, given: Settings | undefined, signal?: AbortSignal): Promise<LocalVersion[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const settings = given ?? (await findSettings(folder));
  const numbers: number[] = [];
  for (const { name } of entries) {
    if (versionPattern.test(name) && (await stat(join(folder, name))).isDirectory()) numbers.push(Number(name));
  }
  if (numbers.length > versionsMax) {
    throw new FlyballError(
      'INVALID_MODEL',
      `${folder}: expected at most ${versionsMax} versions, got ${numbers.length}`,
    );
  }
  if (numbers.length === 0) return [await readOne(folder, undefined, settings, signal)];
  const versions: LocalVersion[] = [];
  for (const number of numbers.sort((left, right) => left - right)) {
    const inside = join(folder, String(number));
    const own = given ?? (await findSettings(inside)) ?? settings;
    versions.push(await readOne(inside, number, own, signal));
  }
  return versions;
}

/** One folder with one .onnx file, or none for a simulated model. */
async function readOne(
  folder: string,
  version: number | undefined,
  settings: Settings | undefined,
  signal?: AbortSignal,
): Promise<LocalVersion> {
  const parts = {
    ...(version === undefined ? {} : { version }),
    ...(settings === undefined ? {} : { settings }),
  };
  if (settings?.modelFile.platform === 'simulated') return toVersion(parts, signal);
  const names = (await readdir(folder)).filter((name) => name.endsWith('.onnx')).sort();
  const name = names.includes('model.onnx') ? 'model.onnx' : names[0];
  if (name === undefined || (name !== 'model.onnx' && names.length > 1)) {
    const came = names.length === 0 ? 'no .onnx file' : names.join(', ');
    const wanted = version === undefined ? '1/model.onnx or one .onnx file' : 'model.onnx or one .onnx file';
    throw new FlyballError('INVALID_MODEL', `${folder}: expected ${wanted}, got ${came}`);
  }
  return toVersion({ ...parts, file: join(folder, name) }, signal);
}

async function toVersion(
  parts: { readonly version?: number; readonly file?: string; readonly settings?: Settings },
  signal?: AbortSignal,
): Promise<LocalVersion> {
  const { path: modelFilePath, settings, modelFile }: Settings = parts.settings ?? checkModelFile({}, settingsName);
  if (parts.file === undefined && modelFile.platform !== 'simulated') {
    const where = modelFilePath ?? settingsName;
    throw new FlyballError('INVALID_MODEL', `${where}: expected an .onnx file; only the platform simulated needs none`);
  }
  const file =
    parts.file === undefined
      ? undefined
      : { path: parts.file, digest: await digestOfFile(parts.file, signal), bytes: (await stat(parts.file)).size };
  const assets: Record<string, { path: string; digest: string }> = {};
  for (const name of assetNames(modelFile)) {
    const path = await assetPath(dirname(modelFilePath ?? ''), name);
    assets[name] = { path, digest: await digestOfFile(path, signal) };
  }
  const digests = Object.fromEntries(Object.entries(assets).map(([name, { digest }]) => [name, digest]));
  return {
    ...(parts.version === undefined ? {} : { version: parts.version }),
    ...(file === undefined ? {} : { file }),
    settings,
    ...(modelFilePath === undefined ? {} : { modelFilePath }),
    assets,
    digest: versionDigest({ file: file?.digest, modelFile: settings, assets: digests }),
  };
}

async function readSettings(path: string): Promise<Settings> {
  return { ...(await loadModelFile(path)), path };
}

async function findSettings(folder: string): Promise<Settings | undefined> {
  const path = join(folder, settingsName);
  const there = await stat(path).catch(() => undefined);
  return there?.isFile() === true ? readSettings(path) : undefined;
}

/** The name that a path suggests: `digits/` and `digits.onnx` are digits, `digits/1/model.onnx` is digits too. */
export function nameFromPath(path: string): string {
  const own = basename(path).replace(/\.(onnx|ya?ml)$/, '');
  if (own !== 'model') return own;
  const parent = basename(dirname(path));
  return versionPattern.test(parent) ? basename(dirname(dirname(path))) : parent;
}
