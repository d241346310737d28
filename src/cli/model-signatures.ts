/**
 * Signatures on the side of whoever makes models: read from the file `signatures.json` beside a model, and made with a
 * private key that stays where it is. A signature is only as good as what was read when it was made: the bytes here.
 */
import type { KeyObject } from 'node:crypto';
import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { checkModelFile } from '../config/load.ts';
import { FlyballError } from '../errors.ts';
import type { LocalVersion } from '../registry/model-folder.ts';
import { parseSignature, settingsDigest, signVersion, type VersionContent } from '../registry/signing.ts';

export const signaturesFile = 'signatures.json';

/** One signature in the file; those that are of other models or contents are left alone. */
interface Entry {
  readonly model: string;
  readonly digest: string;
  readonly signature: string;
}

export function contentOfLocal(model: string, version: LocalVersion): VersionContent {
  const { modelFile } = checkModelFile(version.settings, 'model.yaml');
  const assets = Object.fromEntries(Object.entries(version.assets).map(([name, { digest }]) => [name, digest]));
  return { model, digest: version.digest, file: version.file?.digest, settings: settingsDigest(modelFile), assets };
}

export function signLocal(model: string, version: LocalVersion, number: number | undefined, key: KeyObject): string {
  return signVersion(contentOfLocal(model, version), number, key);
}

/** Of this content under this name, wherever a signatures.json lies: beside the file, beside model.yaml, or one above. */
export async function signaturesBeside(
  model: string,
  { digest, file, modelFilePath }: LocalVersion,
): Promise<string[]> {
  const folders = new Set<string>();
  for (const path of [file?.path, modelFilePath]) {
    if (path === undefined) continue;
    folders.add(dirname(path));
    folders.add(dirname(dirname(path)));
  }
  const found = await Promise.all([...folders].map((folder) => readEntries(join(folder, signaturesFile))));
  const own = found.flat().filter((entry) => entry.model === model && entry.digest === digest);
  return [...new Set(own.map(({ signature }) => signature))];
}

/** Signs each version and keeps the signatures beside the model; what was there of others stays. Returns the file's path. */
export async function signBeside(
  path: string,
  model: string,
  versions: readonly LocalVersion[],
  key: KeyObject,
): Promise<{ readonly file: string; readonly signed: readonly string[] }> {
  const folder = (await stat(path)).isDirectory() ? path : dirname(path);
  const file = join(folder, signaturesFile);
  const added = versions.map((version): Entry => {
    return { model, digest: version.digest, signature: signLocal(model, version, undefined, key) };
  });
  const before = await readEntries(file);
  const same = (left: Entry, right: Entry): boolean =>
    left.model === right.model &&
    left.digest === right.digest &&
    parseSignature(left.signature).key === parseSignature(right.signature).key;
  const kept = before.filter((entry) => !added.some((other) => same(entry, other)));
  await writeFile(`${file}.new`, `${JSON.stringify({ signatures: [...kept, ...added] }, null, 2)}\n`);
  await rename(`${file}.new`, file);
  return { file, signed: added.map(({ digest }) => digest) };
}

const isText = (value: unknown): value is string => typeof value === 'string';

/** None when there is no such file; INVALID_REQUEST for one that is something else. */
async function readEntries(path: string): Promise<readonly Entry[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const wrong = (cause?: unknown): FlyballError =>
    new FlyballError(
      'INVALID_REQUEST',
      `${path}: expected {"signatures": [{"model", "digest", "signature"}]} as \`flyball models sign\` writes it`,
      { cause },
    );
  try {
    const { signatures } = JSON.parse(text) as { readonly signatures?: unknown };
    if (!Array.isArray(signatures)) throw wrong();
    return (signatures as readonly Partial<Record<keyof Entry, unknown>>[]).map((entry) => {
      const { model, digest, signature } = entry;
      if (!isText(model) || !isText(digest) || !isText(signature)) throw wrong();
      parseSignature(signature);
      return { model, digest, signature };
    });
  } catch (error) {
    throw error instanceof FlyballError && error.message.startsWith(path) ? error : wrong(error);
  }
}
