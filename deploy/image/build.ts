/**
 * Builds the image of this checkout as deploy/image/Dockerfile describes it, with no daemon and no registry: the same
 * files give the same image, bit by bit. Layers are kept by the content of their files in node_modules/.cache.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { imageOf, type Image, type Layer } from './archive.ts';
import { compile } from './compile.ts';
import { parseDockerfile, type Copy } from './dockerfile.ts';
import { tarOf, type Entry } from './tar.ts';
import { layersOf, type Layers } from './tree.ts';

export const root = fileURLToPath(new URL('../../', import.meta.url)).replace(/\/$/, '');
const dockerfilePath = join(root, 'deploy/image/Dockerfile');
const defaultCache = join(root, 'node_modules/.cache/flyball/image');
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };
/** What no build has used for as long as this is removed: each change of the sources makes a new one. */
const keptMs = 3 * 3600 * 1000;

export interface BuiltImage extends Image {
  /** `flyball:VERSION`. */
  readonly tag: string;
  /** What `docker load` and its like take. */
  stream(tag?: string): Readable;
  writeTo(path: string, tag?: string): Promise<void>;
  /** The same as a file that is kept, for whoever loads it more than once. */
  file(): Promise<string>;
}

/** `cache`: where layers are kept; what is compiled is kept in one place for all. */
export async function buildImage(cache = defaultCache): Promise<BuiltImage> {
  const { version, revision, created } = stamps();
  const { config, copies } = parseDockerfile(readFileSync(dockerfilePath, 'utf8'), {
    VERSION: version,
    REVISION: revision,
  });
  const tree = await treeOf(true);
  const layers: Layer[] = [];
  for (const copy of copies) layers.push(await layerOf(copy, tree, cache));
  prune(cache);
  const image = imageOf({ config, layers, architecture: architecture(), created });
  const tag = `flyball:${version}`;
  const stream = (as = tag): Readable => Readable.from(tarOf(image.archive(as)), { objectMode: false });
  const writeTo = async (path: string, as?: string): Promise<void> => {
    mkdirSync(dirname(path), { recursive: true });
    await pipeline(stream(as), createWriteStream(path));
  };
  return {
    ...image,
    tag,
    stream,
    writeTo,
    async file() {
      const path = join(cache, `image-${image.id.slice(-16)}.tar`);
      if (!existsSync(path)) {
        const making = `${path}.${process.pid}`;
        await writeTo(making);
        renameSync(making, path);
      }
      return path;
    },
  };
}

export interface Context {
  /** What `docker build -` takes: the Dockerfile and the folders that it copies. */
  readonly context: Readable;
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly tag: string;
}

/** The same files for a daemon, which puts them on a base image; `scratch` is none. */
export async function buildContext(base: string): Promise<Context> {
  const { version, revision } = stamps();
  const layers = await treeOf(base === 'scratch');
  const folders = Object.keys(layers).map((path): Entry => ({ path, kind: 'directory', mode: 0o755 }));
  const files = Object.entries(layers).flatMap(([folder, below]) => below.map((entry) => movedBelow(folder, entry)));
  const text = readFileSync(dockerfilePath, 'utf8')
    .split('\n')
    // Docker's builder before BuildKit fails after a copy that changes nothing (github.com/moby/moby/issues/37965).
    .filter((line) => base === 'scratch' || !line.startsWith('COPY system/'))
    .join('\n');
  const dockerfile: Entry = { path: 'Dockerfile', kind: 'file', mode: 0o644, content: Buffer.from(text) };
  return {
    context: Readable.from(tarOf([dockerfile, ...folders, ...files]), { objectMode: false }),
    buildArgs: { BASE: base, VERSION: version, REVISION: revision },
    tag: `flyball:${version}`,
  };
}

async function treeOf(withSystem: boolean): Promise<Layers> {
  architecture();
  return layersOf(root, await compile(root, defaultCache), withSystem);
}

function architecture(): string {
  const found = process.platform === 'linux' ? architectures[process.arch] : undefined;
  if (found === undefined)
    throw new Error(
      `expected Linux on x64 or arm64, whose binaries are taken; this is ${process.platform} on ${process.arch}`,
    );
  return found;
}

async function layerOf({ from, to, owner, line }: Copy, tree: Layers, cache: string): Promise<Layer> {
  if (!(from in tree)) throw new Error(`Dockerfile: there is no folder ${from} to copy`);
  const target: Entry[] = to === '' ? [] : [{ path: to, kind: 'directory', mode: 0o755, owner }];
  const entries = [...target, ...tree[from as keyof Layers].map((entry) => movedBelow(to, entry, owner))];
  mkdirSync(cache, { recursive: true });
  const source = join(cache, `layer-${contentKey(entries)}.tar`);
  const facts = `${source}.json`;
  if (!existsSync(facts)) await makeLayer(entries, source, facts);
  const now = new Date();
  utimesSync(source, now, now);
  const { digest, bytes } = JSON.parse(readFileSync(facts, 'utf8')) as Pick<Layer, 'digest' | 'bytes'>;
  return { digest, bytes, source, createdBy: line };
}

function movedBelow(folder: string, entry: Entry, owner = 0): Entry {
  return { ...entry, path: folder === '' ? entry.path : `${folder}/${entry.path}`, owner };
}

async function makeLayer(entries: readonly Entry[], source: string, facts: string): Promise<void> {
  const making = `${source}.${process.pid}`;
  const hash = createHash('sha256');
  let bytes = 0;
  await pipeline(
    tarOf(entries),
    async function* measure(chunks) {
      for await (const chunk of chunks as AsyncIterable<Uint8Array>) {
        hash.update(chunk);
        bytes += chunk.byteLength;
        yield chunk;
      }
    },
    createWriteStream(making),
  );
  renameSync(making, source);
  writeFileSync(making, JSON.stringify({ digest: hash.digest('hex'), bytes }));
  renameSync(making, facts);
}

/** Of what is in the files, not of when they were written: an installation touches all of them. */
function contentKey(entries: readonly Entry[]): string {
  const hash = createHash('sha256');
  for (const { path, kind, mode, owner, content } of entries.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    hash.update(JSON.stringify([path, kind, mode, owner]));
    if (content === undefined) continue;
    const bytes = content instanceof Uint8Array ? content : readFileSync(content.source);
    hash.update(createHash('sha256').update(bytes).digest());
  }
  return hash.digest('hex').slice(0, 24);
}

function prune(cache: string): void {
  for (const name of readdirSync(cache)) {
    const path = join(cache, name);
    const unused = name.startsWith('layer-') ? path.replace(/\.json$/, '') : path;
    const usedMs = statSync(unused, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (Date.now() - usedMs > keptMs) rmSync(path, { recursive: true, force: true });
  }
}

interface Stamps {
  readonly version: string;
  readonly revision: string;
  readonly created: string;
}

/** Of the commit, so that they do not differ from build to build; without git, of nothing. */
function stamps(): Stamps {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  const git = (...args: readonly string[]): string => {
    try {
      return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    } catch {
      return '';
    }
  };
  const commit = git('rev-parse', 'HEAD');
  const isChanged = git('status', '--porcelain', '--untracked-files=no') !== '';
  const seconds = Number(process.env['SOURCE_DATE_EPOCH'] ?? git('log', '-1', '--format=%ct'));
  return {
    version,
    revision: commit === '' ? 'unknown' : `${commit}${isChanged ? '-changed' : ''}`,
    created: new Date(seconds * 1000).toISOString().replace('.000Z', 'Z'),
  };
}
