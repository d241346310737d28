/**
 * A TorchServe archive (.mar) whose serialized file is ONNX, as a version that could be added. Nothing is unpacked to the
 * disk: the model is a stream out of the archive, the handler and model-config.yaml become settings, labels go into them.
 */
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import { createHash } from 'node:crypto';
import { FlyballError } from '../../errors.ts';
import type { ModelFileInput } from '../../registry/registry.ts';
import { openZip, type ZipArchive } from '../zip.ts';
import { configSettings } from './model-config.ts';
import {
  handlerSettings,
  labelsFrom,
  manifestName,
  onnxFileOf,
  readManifest,
  versionLabel,
  versionNumber,
  type MarManifest,
} from './manifest.ts';

export interface MarContent {
  readonly manifest: MarManifest;
  /** The number that the archive's version gives; absent where it is none (`2.1`). */
  readonly version?: number;
  readonly file: {
    /** For people: archive and file in it. */
    readonly path: string;
    readonly bytes: number;
    readonly open: () => Readable;
  };
  readonly settings: ModelFileInput;
  readonly notes: readonly string[];
}

const textBytesMax = 4 * 1_048_576;
const labelsName = 'index_to_name.json';

/** `given` replaces what the handler means, `handler` the handler. INVALID_MODEL with the way out for what is not ONNX. */
export async function readMar(path: string, given?: ModelFileInput, handler?: string): Promise<MarContent> {
  const shown = basename(path);
  try {
    return await readArchive(path, shown, given, handler);
  } catch (error) {
    if (!(error instanceof FlyballError)) throw error;
    throw new FlyballError(error.code, `${shown}: ${error.message}`, { cause: error });
  }
}

async function readArchive(
  path: string,
  shown: string,
  given: ModelFileInput | undefined,
  handler: string | undefined,
): Promise<MarContent> {
  if ((await stat(path)).isDirectory()) throw new FlyballError('INVALID_MODEL', 'expected an archive, got a folder');
  const archive = await openZip(path);
  const manifestText = await textOf(archive, manifestName);
  if (manifestText === undefined) throw new FlyballError('INVALID_MODEL', `expected ${manifestName} in the archive`);
  const manifest = readManifest(manifestText);
  const name = onnxFileOf(manifest);
  const entry = archive.find(name);
  if (entry === undefined)
    throw new FlyballError('INVALID_MODEL', `expected ${name} in the archive, as its manifest says`);
  const labelsText = await textOf(archive, labelsName);
  const labels = labelsText === undefined ? undefined : labelsFrom(labelsText, labelsName);
  const meaning = given ?? handlerSettings(handler ?? manifest.handler, labels);
  const configText = manifest.configFile === undefined ? undefined : await textOf(archive, manifest.configFile);
  const config =
    configText === undefined ? { settings: {}, notes: [] } : configSettings(configText, manifest.configFile ?? '');
  const version = versionNumber(manifest.modelVersion);
  const requirements =
    manifest.requirementsFile === undefined
      ? []
      : [`${manifest.requirementsFile}: no Python packages are installed or needed`];
  return {
    manifest,
    ...(version !== undefined && { version }),
    file: { path: `${shown}/${name}`, bytes: entry.bytes, open: () => archive.open(entry) },
    settings: {
      ...config.settings,
      ...meaning,
      labels: { ...meaning.labels, [versionLabel]: manifest.modelVersion },
    },
    notes: [...requirements, ...config.notes],
  };
}

async function textOf(archive: ZipArchive, name: string): Promise<string | undefined> {
  const entry = archive.find(name);
  return entry === undefined ? undefined : (await archive.read(entry, textBytesMax)).toString('utf8');
}

/** Reads the content once, to know its digest before it travels. */
export async function digestOfStream(stream: Readable): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of stream) hash.update(chunk as Uint8Array);
  return `sha256:${hash.digest('hex')}`;
}
