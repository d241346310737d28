/**
 * A model on the local disk, as what could be uploaded: a Triton model folder, a single file, or only settings.
 *
 *   digits/            model.yaml beside the versions holds for each of them,
 *     model.yaml       one inside a version for that one alone; names in it are relative to its own folder
 *     config.pbtxt     Triton's; what it says is taken over where no model.yaml says otherwise
 *     1/model.onnx     the file is model.onnx, or the only .onnx file there
 *     2/model.onnx
 *
 * An archive of TorchServe (.mar) is one version; its file is a stream out of the archive.
 * Nothing is copied or uploaded here. Invariant: every path that comes back exists and lies where its settings may point.
 */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { stringify } from 'yaml';
import { checkModelFile, loadModelFile, type LoadedModelFile } from '../config/load.ts';
import type { ModelFile } from '../config/model-file.ts';
import { FlyballError } from '../errors.ts';
import { digestOfStream, readMar } from '../imports/torchserve/read-mar.ts';
import { chooseVersions, type ChosenVersions } from '../imports/triton/choose-versions.ts';
import { checkAgainst, configName, findConfig, type LoadedConfig } from '../imports/triton/load-config.ts';
import { assetNames, assetPath } from './assets.ts';
import { digestOfFile, versionDigest } from './digest.ts';
import type { ModelFileInput } from './registry.ts';

export interface LocalVersion {
  /** Absent for a model without version folders: the next free number, unless the content is there already. */
  readonly version?: number;
  /**
   * Path of the model's file, and its digest; absent for a simulated one and a server. In an archive, `open` gives its
   * content.
   */
  readonly file?: {
    readonly path: string;
    readonly digest: string;
    readonly bytes: number;
    readonly open?: () => Readable;
  };
  /** As written; `{}` without a model.yaml. */
  readonly settings: ModelFileInput;
  readonly modelFilePath?: string;
  /** model.yaml as it is to be uploaded, where no file says the same: made of an import. */
  readonly modelFileText?: string;
  /** For people: what of an imported configuration is not as it was where it comes from. */
  readonly notes: readonly string[];
  /** By the name that model.yaml uses. */
  readonly assets: Readonly<Record<string, { readonly path: string; readonly digest: string }>>;
  /** The version's digest, as the registry will work it out. */
  readonly digest: string;
}

interface Settings extends LoadedModelFile {
  readonly path?: string;
  /** Where it is made of an import, alone or with a file. */
  readonly text?: string;
  /** Where the files that it names lie, by name; else beside `path`. */
  readonly folders?: Readonly<Record<string, string>>;
}

const settingsName = 'model.yaml';
const versionPattern = /^[1-9]\d{0,8}$/;
const versionsMax = 1000;

/**
 * `path`: a model folder, an .onnx file, or a model.yaml of a platform without a file. `modelFile` replaces the
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
  if (path.endsWith('.mar')) return [await readArchive(path, given)];
  if (/\.ya?ml$/.test(path)) return [await toVersion({ settings: given ?? (await readSettings(path)) }, signal)];
  const folder = dirname(path);
  const above = versionPattern.test(basename(folder)) ? dirname(folder) : folder;
  const beside = given ?? (await findSettings(folder)) ?? (await findSettings(above));
  const config = await findConfig(above);
  return [await toVersion({ file: path, ...withSettings(beside, config), ...withConfig(config) }, signal)];
}

/** Files that settings name lie beside those that were given. */
async function readArchive(path: string, given: Settings | undefined): Promise<LocalVersion> {
  const mar = await readMar(path, given?.settings);
  const digest = await digestOfStream(mar.file.open());
  const text = `# Made of ${basename(path)}.\n${stringify(mar.settings)}`;
  const checked = checkModelFile(mar.settings, basename(path));
  return toVersion({
    ...(mar.version !== undefined && { version: mar.version }),
    content: { ...mar.file, digest },
    settings: { ...checked, text, ...(given?.path !== undefined && { path: given.path }) },
    notes: mar.notes,
  });
}

async function readFolder(folder: string, given: Settings | undefined, signal?: AbortSignal): Promise<LocalVersion[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const settings = given ?? (await findSettings(folder));
  const config = await findConfig(folder);
  const all: number[] = [];
  for (const { name } of entries) {
    if (versionPattern.test(name) && (await stat(join(folder, name))).isDirectory()) all.push(Number(name));
  }
  const { versions: numbers, notes } = chosen(
    all.sort((left, right) => left - right),
    config,
  );
  if (numbers.length > versionsMax) {
    throw new FlyballError(
      'INVALID_MODEL',
      `${folder}: expected at most ${versionsMax} versions, got ${numbers.length}`,
    );
  }
  if (numbers.length === 0) return [await readOne(folder, undefined, settings, config, signal)];
  const versions: LocalVersion[] = [];
  for (const number of numbers) {
    const inside = join(folder, String(number));
    const own = given ?? (await findSettings(inside)) ?? settings;
    const version = await readOne(inside, number, own, config, signal);
    versions.push({ ...version, notes: [...notes, ...version.notes] });
  }
  return versions;
}

/** Those that the version policy of a config.pbtxt makes available; all without one. */
function chosen(all: readonly number[], config: LoadedConfig | undefined): Pick<ChosenVersions, 'versions' | 'notes'> {
  if (config === undefined) return { versions: all, notes: [] };
  const found = chooseVersions(all, config.versions, configName);
  if (found.missing.length === 0) return found;
  const there = all.length === 0 ? 'none' : all.join(', ');
  throw new FlyballError(
    'INVALID_MODEL',
    `${config.path}: version_policy names the versions ${found.missing.join(', ')}, but the folder has ${there}`,
  );
}

/** An import's settings, with those of a model.yaml over them. */
function withSettings(own: Settings | undefined, config: LoadedConfig | undefined): { readonly settings?: Settings } {
  if (config === undefined || Object.keys(config.settings).length === 0)
    return own === undefined ? {} : { settings: own };
  const labels = { ...config.settings.labels, ...own?.settings.labels };
  const settings = {
    ...config.settings,
    ...own?.settings,
    ...(Object.keys(labels).length > 0 && { labels }),
  };
  const sources = own?.path === undefined ? configName : `${configName} and ${basename(own.path)}`;
  const folders: Record<string, string> = {};
  const checked = checkModelFile(settings, sources);
  for (const name of assetNames(checked.modelFile)) {
    const isOwn = own !== undefined && assetNames(own.modelFile).includes(name);
    folders[name] = dirname(isOwn ? (own.path ?? '') : config.path);
  }
  return { settings: { ...checked, text: `# Made of ${sources}.\n${stringify(settings)}`, folders } };
}

const withConfig = (config: LoadedConfig | undefined): { readonly config?: LoadedConfig } =>
  config === undefined ? {} : { config };

/** What is a model by its settings alone. */
const withoutFile = ({ platform }: ModelFile): boolean => platform === 'simulated' || platform === 'server';

/** Settings that were written elsewhere than in a model.yaml; the files that they name are in the folder. */
export function settingsVersion(settings: ModelFileInput, folder: string, signal?: AbortSignal): Promise<LocalVersion> {
  const checked = checkModelFile(settings, 'the model');
  const folders = Object.fromEntries(assetNames(checked.modelFile).map((name) => [name, folder]));
  return toVersion({ settings: { ...checked, text: stringify(settings), folders } }, signal);
}

/** One folder with one .onnx file, or none for a model that needs none. */
async function readOne(
  folder: string,
  version: number | undefined,
  own: Settings | undefined,
  config: LoadedConfig | undefined,
  signal?: AbortSignal,
): Promise<LocalVersion> {
  const parts = {
    ...(version === undefined ? {} : { version }),
    ...withSettings(own, config),
    ...withConfig(config),
  };
  if (own !== undefined && withoutFile(own.modelFile)) return toVersion(parts, signal);
  const names = (await readdir(folder)).filter((name) => name.endsWith('.onnx')).sort();
  const { fileName } = config ?? {};
  if (fileName !== undefined && names.includes(fileName))
    return toVersion({ ...parts, file: join(folder, fileName) }, signal);
  const name = names.includes('model.onnx') ? 'model.onnx' : names[0];
  if (fileName !== undefined) {
    const came = names.length === 0 ? 'no .onnx file' : names.join(', ');
    throw new FlyballError('INVALID_MODEL', `${folder}: expected ${fileName}, the default_model_filename, got ${came}`);
  }
  if (name === undefined || (name !== 'model.onnx' && names.length > 1)) {
    const came = names.length === 0 ? 'no .onnx file' : names.join(', ');
    const wanted = version === undefined ? '1/model.onnx or one .onnx file' : 'model.onnx or one .onnx file';
    throw new FlyballError('INVALID_MODEL', `${folder}: expected ${wanted}, got ${came}`);
  }
  return toVersion({ ...parts, file: join(folder, name) }, signal);
}

async function toVersion(
  parts: {
    readonly version?: number;
    readonly file?: string;
    readonly settings?: Settings;
    readonly config?: LoadedConfig;
    /** In place of a file of the disk. */
    readonly content?: NonNullable<LocalVersion['file']>;
    readonly notes?: readonly string[];
  },
  signal?: AbortSignal,
): Promise<LocalVersion> {
  const {
    path: modelFilePath,
    text: modelFileText,
    settings,
    modelFile,
    folders = {},
  }: Settings = parts.settings ?? checkModelFile({}, settingsName);
  const { config } = parts;
  const notes =
    config === undefined || parts.file === undefined
      ? (parts.notes ?? [])
      : [...config.notes, ...(await checkAgainst(config, parts.file))];
  if (parts.file === undefined && parts.content === undefined && !withoutFile(modelFile)) {
    const where = modelFilePath ?? settingsName;
    throw new FlyballError(
      'INVALID_MODEL',
      `${where}: expected an .onnx file; only the platforms simulated and server need none`,
    );
  }
  const file =
    parts.file === undefined
      ? parts.content
      : { path: parts.file, digest: await digestOfFile(parts.file, signal), bytes: (await stat(parts.file)).size };
  const assets: Record<string, { path: string; digest: string }> = {};
  for (const name of assetNames(modelFile)) {
    const path = await assetPath(folders[name] ?? dirname(modelFilePath ?? ''), name);
    assets[name] = { path, digest: await digestOfFile(path, signal) };
  }
  const digests = Object.fromEntries(Object.entries(assets).map(([name, { digest }]) => [name, digest]));
  return {
    ...(parts.version === undefined ? {} : { version: parts.version }),
    ...(file === undefined ? {} : { file }),
    settings,
    ...(modelFilePath === undefined ? {} : { modelFilePath }),
    ...(modelFileText === undefined ? {} : { modelFileText }),
    notes,
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
  const own = basename(path).replace(/\.(onnx|ya?ml|mar)$/, '');
  if (own !== 'model') return own;
  const parent = basename(dirname(path));
  return versionPattern.test(parent) ? basename(dirname(dirname(path))) : parent;
}
