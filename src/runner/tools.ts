/**
 * Flyball's runner in a form that runs in anybody's container: Node, the C and C++ libraries that it is linked to with
 * their loader, and this software, put into a folder that such a container mounts. Nothing of the container's own image
 * is used, so it may have another C library, or none.
 *   node dist/runner/tools.js FOLDER KEY [SHARED]   run once on each node, in Flyball's own image
 *
 *   KEY/loader  KEY/lib/  KEY/node  KEY/flyball/    whole, or not there under this name
 *
 * The folder keeps the key that was put there before as well, for runners that still are of that one.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync } from 'node:fs';
import { copyFile, mkdir, open, readdir, realpath, rename, rm, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toolPaths, type ToolPaths } from './tool-paths.ts';

export interface ToolSources {
  readonly node: string;
  /** Which loads it and its libraries: `/lib64/ld-linux-x86-64.so.2`. */
  readonly loader: string;
  readonly libraries: readonly string[];
  /** Folder of this package. */
  readonly home: string;
}

const keysKept = 2;
/** Files that are copied, and made sure of, side by side. */
const atOnce = 16;
const making = '.making-';
/** Whoever was making it was broken off. */
const brokenOffMs = 3_600_000;
/** Of this package, what a runner that stands before another server needs. */
const parts = ['package.json', 'LICENSE', 'bin', 'dist', 'node_modules'];
/** Only a runner that loads ONNX models itself has a use for it. */
const leftOut = new Set(['onnxruntime-node']);

/** What this very process runs with. */
export async function ownTools(home = fileURLToPath(new URL('../..', import.meta.url))): Promise<ToolSources> {
  // These bring libraries of their own and need others of the system's: after this they are among what is loaded.
  await Promise.all([import('sharp'), import('@julusian/jpeg-turbo')]);
  const { sharedObjects } = process.report.getReport() as { readonly sharedObjects: readonly string[] };
  const linked = sharedObjects.filter((path) => path.startsWith('/') && !path.includes('/node_modules/'));
  const loader = linked.find((path) => /^ld-(linux|musl)/.test(basename(path)));
  if (loader === undefined) throw new Error(`expected a loader among ${sharedObjects.join(', ')}`);
  const libraries = linked.filter((path) => path !== process.execPath);
  return { node: process.execPath, loader, libraries: [...libraries, ...(await nameServices(libraries))], home };
}

/** Loaded by name when it is wanted, so that it is not among them yet. */
async function nameServices(libraries: readonly string[]): Promise<readonly string[]> {
  const libc = libraries.find((path) => basename(path) === 'libc.so.6');
  if (libc === undefined) return [];
  const beside = await readdir(dirname(libc));
  return beside.filter((name) => /^libnss_(files|dns)\.so/.test(name)).map((name) => join(dirname(libc), name));
}

/** Puts them there unless they are; whoever is quicker has put the same. */
export async function putTools(sources: ToolSources, folder: string, key: string): Promise<'put' | 'there'> {
  const whole = join(folder, key);
  const now = new Date();
  const isThere = await utimes(whole, now, now).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    const partial = join(folder, `${making}${randomBytes(6).toString('hex')}`);
    try {
      await copyAll(sources, toolPaths(folder, basename(partial)));
      await rename(partial, whole);
    } catch (error) {
      await rm(partial, { recursive: true, force: true });
      if (!(await stat(whole).then(Boolean, () => false))) throw error;
    }
  }
  await forgetOthers(folder, key);
  return isThere ? 'there' : 'put';
}

async function copyAll({ node, loader, libraries, home }: ToolSources, to: ToolPaths): Promise<void> {
  const below = await Promise.all(parts.map((part) => filesBelow(join(home, part), join(to.home, part))));
  const copies: readonly Copy[] = [
    [node, to.node],
    [loader, to.loader],
    ...libraries.map((path): Copy => [path, join(to.libraries, basename(path))]),
    ...below.flat(),
  ];
  await sideBySide(copies, async ([source, target]) => {
    await mkdir(dirname(target), { recursive: true });
    await copyFile(await realpath(source), target);
  });
  // A node that loses its power right after must not have an empty file under a name that says that it is whole. What
  // one of them makes the file system write is written for the others too: after all of them it is quicker.
  await sideBySide(copies, ([, target]) => sync(target));
}

type Copy = readonly [from: string, to: string];

async function filesBelow(from: string, to: string): Promise<readonly Copy[]> {
  if (!(await stat(from)).isDirectory()) return [[from, to]];
  const names = (await readdir(from)).filter((name) => !leftOut.has(name));
  return (await Promise.all(names.map((name) => filesBelow(join(from, name), join(to, name))))).flat();
}

/** The more files are on their way to the disk at once, the fewer times it has to be waited for. */
async function sideBySide<T>(all: readonly T[], act: (each: T) => Promise<void>): Promise<void> {
  const left = all.values();
  const work = async (): Promise<void> => {
    for (const each of left) await act(each);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function forgetOthers(folder: string, key: string): Promise<void> {
  const found = await Promise.all(
    (await readdir(folder)).map(async (name) => ({ name, at: (await stat(join(folder, name))).mtimeMs })),
  );
  const whole = found.filter(({ name }) => !name.startsWith(making) && name !== key);
  const old = whole.toSorted((one, other) => other.at - one.at).slice(keysKept - 1);
  const left = found.filter(({ name, at }) => name.startsWith(making) && Date.now() - at > brokenOffMs);
  for (const { name } of [...old, ...left]) await rm(join(folder, name), { recursive: true, force: true });
}

if (import.meta.main) {
  const [folder, key, shared] = process.argv.slice(2);
  if (folder === undefined || key === undefined) {
    process.stderr.write('usage: node tools.js FOLDER KEY [SHARED]\n');
    process.exit(2);
  }
  const began = performance.now();
  const done = await putTools(await ownTools(), folder, key);
  // Each image has a user of its own, and all of them keep their models here.
  if (shared !== undefined) chmodSync(shared, 0o1777);
  process.stdout.write(`${key} ${done} in ${folder} after ${Math.round(performance.now() - began)} ms\n`);
}
