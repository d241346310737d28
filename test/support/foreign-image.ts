/**
 * Images of somebody else, without a registry and without a daemon: this machine's Python with its libraries, and a server
 * of a few lines. Nothing of Flyball or of Node is in them.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream, realpathSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { imageOf, type Layer } from '../../deploy/image/archive.ts';
import { fileOf, folderOf, textOf } from '../../deploy/image/entries.ts';
import { librariesIn } from '../../deploy/image/system.ts';
import { tarOf, type Entry } from '../../deploy/image/tar.ts';

export interface ForeignImage {
  readonly tag: string;
  /** Program and arguments; none: it starts nothing by itself. */
  readonly starts: readonly string[];
  readonly files: readonly Entry[];
}

const fixtures = fileURLToPath(new URL('../fixtures', import.meta.url));
/** As most published images have it. */
const user = '1000:1000';
/** Parts of the standard library that no server loads. */
const unneeded =
  /^(test|idlelib|tkinter|turtledemo|ensurepip|lib2to3|site-packages|dist-packages|config-[^/]*)\/|__pycache__\//;

const ask = (expression: string): string =>
  execFileSync('python3', ['-I', '-c', `import sys, sysconfig; print(${expression})`], { encoding: 'utf8' }).trim();

/** Of this machine, and of the images. */
export const pythonPath = (): string => realpathSync(ask('sys.executable'));

/** Python as it is on this machine, at its own path, and a small server: `/srv/serve.py`. */
export function pythonFiles(): readonly Entry[] {
  const path = pythonPath();
  const library = ask('sysconfig.get_path("stdlib")');
  const standard = folderOf(library.slice(1), library, (below) => !unneeded.test(below));
  return [
    fileOf(path.slice(1), path, 0o755),
    fileOf('srv/serve.py', join(fixtures, 'foreign-image/serve.py')),
    ...standard,
    ...linkedBy([path, ...binariesOf(standard)]),
  ];
}

const binariesOf = (entries: readonly Entry[]): readonly string[] =>
  entries.flatMap(({ path, content }) =>
    /\.so(\.[\d.]+)?$/.test(path) && content !== undefined && 'source' in content ? [content.source] : [],
  );

/** What the C library's loader finds for them outside their own folders. */
function linkedBy(binaries: readonly string[]): readonly Entry[] {
  const own = new Set(binaries.map((path) => dirname(path)));
  const output = execFileSync('ldd', [...binaries], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 64 << 20,
  });
  // Some are told by way of the folder of whoever needs them.
  const found = new Set(librariesIn(output.replaceAll(/^\S+:$/gm, '')).map((path) => resolve(path)));
  return [...found]
    .filter((path) => !own.has(dirname(path)))
    .map((path) => fileOf(path.slice(1), realpathSync(path), 0o755));
}

/** The archive of `foreign/plus:1`, which starts a server by itself, and `foreign/bare:1`, which starts nothing. */
export function foreignImages(folder: string): Promise<string> {
  const files = pythonFiles();
  return writeImages(folder, 'foreign', [
    { tag: 'foreign/plus:1', starts: [pythonPath(), 'serve.py', 'v2'], files },
    { tag: 'foreign/bare:1', starts: [], files },
  ]);
}

/** Writes one archive with all of them; what they share is in it once. */
export async function writeImages(folder: string, name: string, images: readonly ForeignImage[]): Promise<string> {
  const layers = new Map<readonly Entry[], Layer>();
  const entries = new Map<string, Entry>();
  const listed: object[] = [];
  for (const { tag, starts, files } of images) {
    const layer = layers.get(files) ?? (await layerOf(files, folder, layers.size, name));
    layers.set(files, layer);
    const config = {
      User: user,
      ExposedPorts: {},
      Env: ['PATH=/usr/local/bin:/usr/bin:/bin'],
      Entrypoint: [],
      Cmd: starts,
      Healthcheck: { Test: ['NONE'] },
      WorkingDir: '/srv',
      Labels: {},
      StopSignal: 'SIGTERM',
    };
    const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
    const image = imageOf({ config, layers: [layer], architecture, created: '2026-01-01T00:00:00Z' });
    for (const entry of image.archive(tag)) {
      if (entry.path === 'manifest.json')
        listed.push(...(JSON.parse(Buffer.from(entry.content as Uint8Array).toString()) as object[]));
      else if (entry.path.startsWith('blobs/')) entries.set(entry.path, entry);
    }
  }
  const path = join(folder, `${name}.tar`);
  const manifest = textOf('manifest.json', JSON.stringify(listed));
  await pipeline(Readable.from(tarOf([...entries.values(), manifest]), { objectMode: false }), createWriteStream(path));
  return path;
}

async function layerOf(files: readonly Entry[], folder: string, number: number, name: string): Promise<Layer> {
  const unique = new Map(files.map((entry) => [entry.path, entry]));
  unique.set('tmp', { path: 'tmp', kind: 'directory', mode: 0o1777 });
  const source = join(folder, `${name}-${number}.layer`);
  const hash = createHash('sha256');
  await pipeline(
    tarOf([...unique.values()]),
    async function* measure(chunks) {
      for await (const chunk of chunks as AsyncIterable<Uint8Array>) {
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(source),
  );
  return { digest: hash.digest('hex'), bytes: statSync(source).size, source, createdBy: 'COPY / /' };
}
