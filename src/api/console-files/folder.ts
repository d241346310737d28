/**
 * The built console as a list of its files in memory: read whole, once for each build, within bounds.
 * Invariant: what is not in the list cannot be asked for, whatever the path.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { FlyballError } from '../../errors.ts';

export type Encoding = 'br' | 'gzip' | 'identity';

export interface ConsoleFile {
  readonly type: string;
  /** A name with a hash of the content in it, which never stands for anything else. */
  readonly immutable: boolean;
  readonly etag: string;
  /** Compressed at the first question, and held. */
  bytes(encoding: Encoding): Promise<Buffer>;
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
};
/** What is compressed already gains nothing. */
const compressible = /^text\/|json|svg/;
const filesMax = 500;
const bytesMax = 16_777_216;

const brotli = promisify(brotliCompress);
const zip = promisify(gzip);

/** Name below the folder, with slashes → file. Undefined when nothing has been built. */
export async function readFolder(folder: string): Promise<ReadonlyMap<string, ConsoleFile> | undefined> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return undefined;
  const files = new Map<string, ConsoleFile>();
  let total = 0;
  for (const entry of entries) {
    const type = types[extname(entry.name)];
    // Links could lead out of the folder.
    if (!entry.isFile() || type === undefined) continue;
    const path = join(entry.parentPath, entry.name);
    total += (await stat(path)).size;
    if (files.size >= filesMax || total > bytesMax) {
      const message = `expected a built console of at most ${filesMax} files and ${bytesMax} bytes in ${folder}, got more`;
      throw new FlyballError('INTERNAL', message);
    }
    files.set(path.slice(folder.length).split(sep).filter(Boolean).join('/'), fileOf(await readFile(path), type, path));
  }
  return files.has('index.html') ? files : undefined;
}

function fileOf(content: Buffer, type: string, path: string): ConsoleFile {
  const made = new Map<Encoding, Promise<Buffer>>([['identity', Promise.resolve(content)]]);
  const make = (encoding: Encoding): Promise<Buffer> => {
    if (!compressible.test(type)) return Promise.resolve(content);
    if (encoding === 'gzip') return zip(content, { level: 9 });
    const quality = constants.BROTLI_MAX_QUALITY;
    const params = { [constants.BROTLI_PARAM_QUALITY]: quality, [constants.BROTLI_PARAM_SIZE_HINT]: content.length };
    return brotli(content, { params });
  };
  return {
    type,
    immutable: /[/\\]assets[/\\].+-[\w-]{8,}\.\w+$/.test(path),
    etag: `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`,
    bytes(encoding) {
      let bytes = made.get(encoding);
      if (bytes === undefined) {
        bytes = make(encoding);
        made.set(encoding, bytes);
        // Tried again at the next question.
        bytes.catch(() => made.delete(encoding));
      }
      return bytes;
    },
  };
}

/** By `Accept-Encoding`, the smallest that the caller reads. */
export function encodingFor(accept: string | undefined, type: string): Encoding {
  if (accept === undefined || !compressible.test(type)) return 'identity';
  const taken = new Set(
    accept
      .split(',')
      .map((each) => each.trim().toLowerCase())
      .filter((each) => !/;\s*q=0(?:\.0*)?$/.test(each))
      .map((each) => each.split(';', 1)[0]),
  );
  if (taken.has('br')) return 'br';
  return taken.has('gzip') ? 'gzip' : 'identity';
}
