/**
 * Which file of the checkout and of this machine goes where in the image, by layer: what changes least lies lowest.
 * Nothing is written here.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Compiled } from './compile.ts';
import { fileOf, folderOf } from './entries.ts';
import { packagesOf, type Lock } from './packages.ts';
import { systemEntries } from './system.ts';
import type { Entry } from './tar.ts';

/** By the folders that deploy/image/Dockerfile copies. */
export type Layers = Readonly<Record<'system' | 'runtime' | 'application' | 'state', readonly Entry[]>>;

const home = 'opt/flyball';

/** `withSystem`: not on a base image, which has the libraries and takes care of them. */
export async function layersOf(root: string, compiled: Compiled, withSystem: boolean): Promise<Layers> {
  const runtime = runtimeEntries(root);
  const binaries = runtime.flatMap(({ path, content }) =>
    isBinary(path) && content !== undefined && 'source' in content ? [content.source] : [],
  );
  return {
    system: withSystem ? await systemEntries(binaries, root) : [],
    runtime,
    application: applicationEntries(root, compiled),
    state: [],
  };
}

const isBinary = (path: string): boolean => path === 'usr/local/bin/node' || /\.node$|\.so(\.\d+)*$/.test(path);

function runtimeEntries(root: string): Entry[] {
  const { arch } = process;
  const lock = (JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Lock }).packages;
  const licences = join(root, 'deploy/image/licences');
  const packages = packagesOf(lock, arch).flatMap((folder) => {
    checkInstalled(root, folder, lock[folder]?.version);
    return folderOf(`${home}/${folder}`, join(root, folder), (below) => runsFrom(below, arch));
  });
  return [
    fileOf('usr/local/bin/node', join(root, 'node_modules/node/bin/node'), 0o755),
    ...packages,
    // Their packages come without.
    ...folderOf(`${home}/licences`, licences),
  ];
}

function checkInstalled(root: string, folder: string, version: string | undefined): void {
  const path = join(root, folder, 'package.json');
  const found = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { version?: string }).version : 'nothing';
  if (found !== version)
    throw new Error(`${folder}: expected ${version}, as in package-lock.json, found ${found}; run npm ci`);
}

/** Types, maps, sources of what is compiled and libraries for other systems are not loaded by anything here. */
function runsFrom(below: string, arch: string): boolean {
  if (/(^|\/)node_modules\//.test(below) || /\.([cm]?ts|map|cc|cpp|c|h|hpp)$/.test(below)) return false;
  const [, system] = /^(?:bin\/napi-v\d+|prebuilds)\/((?:[^/]+\/)+)/.exec(below) ?? [];
  return system === undefined || system === `linux/${arch}/` || system.endsWith(`-linux-${arch}/`);
}

function applicationEntries(root: string, compiled: Compiled): Entry[] {
  const plain = ['package.json', 'LICENSE', 'README.md', 'CHANGELOG.md'];
  return [
    ...plain.map((name) => fileOf(`${home}/${name}`, join(root, name))),
    fileOf(`${home}/bin/flyball.js`, join(root, 'bin/flyball.js')),
    ...folderOf(`${home}/dist`, compiled.dist, (below) => below.endsWith('.js')),
    ...folderOf(`${home}/console/dist`, compiled.console),
    ...folderOf(`${home}/schema`, join(root, 'schema')),
    ...folderOf(`${home}/examples`, join(root, 'examples'), (below) => !below.includes('training/')),
    { path: 'etc/flyball', kind: 'directory', mode: 0o755 },
  ];
}
