/**
 * A ZIP archive from strangers, read without writing anything: entries are streams, their names never become paths.
 * It reads the two methods that archives of models use (stored, deflate) and refuses everything else by name.
 * Invariant: no more bytes come out than an entry declares, and what it declares is within the limits, as is the whole;
 * no two entries share bytes; a name leads nowhere (APPNOTE 6.3: 4.3.7 local header, 4.3.12 directory, 4.3.16 end).
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline, Readable } from 'node:stream';
import { crc32, createInflateRaw } from 'node:zlib';
import { FlyballError } from '../errors.ts';

export interface ZipEntry {
  readonly name: string;
  /** As it comes out. */
  readonly bytes: number;
  readonly compressedBytes: number;
  readonly crc: number;
  readonly method: 'stored' | 'deflate';
  /** Of the local header, in the file. */
  readonly offset: number;
}

export interface ZipArchive {
  /** Files only, in the directory's order. */
  readonly entries: readonly ZipEntry[];
  find(name: string): ZipEntry | undefined;
  /** The content; fails when it is not what the directory says of it. Reads the file again each time. */
  open(entry: ZipEntry): Readable;
  /** Whole, for small files. TOO_LARGE beyond `bytesMax`. */
  read(entry: ZipEntry, bytesMax: number): Promise<Buffer>;
}

export interface ZipLimits {
  readonly entriesMax: number;
  readonly entryBytesMax: number;
  readonly totalBytesMax: number;
  /** How many times its compressed size an entry may have; not asked of small ones, where it means nothing. */
  readonly ratioMax: number;
}

/** An ONNX file ends at 2 GiB, and weights hardly compress at all. */
export const zipLimits: ZipLimits = {
  entriesMax: 1000,
  entryBytesMax: 2 ** 31,
  totalBytesMax: 2 ** 32,
  ratioMax: 200,
};

const ratioFreeBytes = 8 * 1_048_576;
const endBytes = 22;
const headerBytes = 46;
const localBytes = 30;
const commentBytesMax = 65_535;
const directoryBytesMax = 16 * 1_048_576;
const symbolicLink = 0o120_000;

/** INVALID_MODEL for what is no archive or not a harmless one, TOO_LARGE beyond a limit; each names the entry. */
export async function openZip(path: string, limits: ZipLimits = zipLimits): Promise<ZipArchive> {
  const { directory, directoryAt, count } = await readDirectory(path);
  const entries = readEntries(directory, count, directoryAt, limits);
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  const openEntry = (entry: ZipEntry): Readable =>
    Readable.from(content(path, entry, directoryAt), { objectMode: false });
  return {
    entries,
    find: (name) => byName.get(name),
    open: openEntry,
    async read(entry, bytesMax) {
      if (entry.bytes > bytesMax) {
        throw new FlyballError('TOO_LARGE', `${entry.name}: expected at most ${bytesMax} bytes, got ${entry.bytes}`);
      }
      const chunks: Buffer[] = [];
      for await (const chunk of openEntry(entry)) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks);
    },
  };
}

const invalid = (message: string, cause?: unknown): FlyballError =>
  new FlyballError('INVALID_MODEL', message, { cause });

async function readDirectory(path: string): Promise<{ directory: Buffer; directoryAt: number; count: number }> {
  await using file = await open(path, 'r');
  const { size } = await file.stat();
  const tail = Buffer.alloc(Math.min(size, endBytes + commentBytesMax));
  await file.read(tail, 0, tail.byteLength, size - tail.byteLength);
  const end = findEnd(tail);
  if (end === undefined) throw invalid(`expected a ZIP archive, got ${size} bytes without the end of one`);
  const disk = tail.readUInt32LE(end + 4);
  const count = tail.readUInt16LE(end + 10);
  const bytes = tail.readUInt32LE(end + 12);
  const directoryAt = tail.readUInt32LE(end + 16);
  if (count === 0xff_ff || bytes === 0xff_ff_ff_ff || directoryAt === 0xff_ff_ff_ff) {
    throw invalid('expected an archive of less than 4 GiB and 65,535 entries, got one in the ZIP64 format');
  }
  if (disk !== 0 || tail.readUInt16LE(end + 8) !== count) throw invalid('expected an archive in one piece, got a part');
  const endAt = size - tail.byteLength + end;
  if (directoryAt + bytes !== endAt || bytes > directoryBytesMax) {
    throw invalid(`expected the directory right before the end of the archive, got ${bytes} bytes at ${directoryAt}`);
  }
  const directory = Buffer.alloc(bytes);
  await file.read(directory, 0, bytes, directoryAt);
  return { directory, directoryAt, count };
}

/** The last record whose comment ends exactly with the file. */
function findEnd(tail: Buffer): number | undefined {
  for (let at = tail.byteLength - endBytes; at >= 0; at -= 1) {
    if (tail.readUInt32LE(at) === 0x06_05_4b_50 && at + endBytes + tail.readUInt16LE(at + 20) === tail.byteLength)
      return at;
  }
  return undefined;
}

/** Pure. `limit` is where the directory begins: no content may reach beyond. */
function readEntries(directory: Buffer, count: number, limit: number, limits: ZipLimits): ZipEntry[] {
  if (count > limits.entriesMax) {
    throw new FlyballError('TOO_LARGE', `expected at most ${limits.entriesMax} entries in the archive, got ${count}`);
  }
  const entries: ZipEntry[] = [];
  const names = new Set<string>();
  /** Where each begins, and the least at which it can end. */
  const ranges: { readonly name: string; readonly from: number; readonly to: number }[] = [];
  let total = 0;
  let at = 0;
  for (let index = 0; index < count; index += 1) {
    if (at + headerBytes > directory.byteLength || directory.readUInt32LE(at) !== 0x02_01_4b_50) {
      throw invalid(`expected ${count} entries in the archive's directory, got ${index}`);
    }
    const flags = directory.readUInt16LE(at + 8);
    const method = directory.readUInt16LE(at + 10);
    const compressedBytes = directory.readUInt32LE(at + 20);
    const bytes = directory.readUInt32LE(at + 24);
    const nameBytes = directory.readUInt16LE(at + 28);
    const next = at + headerBytes + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
    if (next > directory.byteLength) throw invalid("the archive's directory breaks off in an entry");
    const name = directory.toString('utf8', at + headerBytes, at + headerBytes + nameBytes);
    const mode = directory.readUInt32LE(at + 38) >>> 16;
    const offset = directory.readUInt32LE(at + 42);
    checkName(name);
    if (names.has(name)) throw invalid(`the archive has ${shown(name)} twice`);
    names.add(name);
    if ((mode & 0o170_000) === symbolicLink) throw invalid(`${shown(name)} is a symbolic link; expected plain files`);
    if ((flags & 0x2041) !== 0) throw invalid(`${shown(name)} is encrypted; expected an archive without a password`);
    if (method !== 0 && method !== 8)
      throw invalid(`${shown(name)}: expected it stored or deflated, got method ${method}`);
    if (method === 0 && bytes !== compressedBytes) throw invalid(`${shown(name)} is stored, but its two sizes differ`);
    total += bytes;
    const ratio = bytes / Math.max(compressedBytes, 1);
    if (bytes > limits.entryBytesMax || total > limits.totalBytesMax) {
      throw new FlyballError(
        'TOO_LARGE',
        `expected at most ${limits.totalBytesMax} bytes in the archive and ${limits.entryBytesMax} in a file, got more at ${shown(name)}`,
      );
    }
    if (bytes > ratioFreeBytes && ratio > limits.ratioMax) {
      throw new FlyballError(
        'TOO_LARGE',
        `${shown(name)}: expected at most ${limits.ratioMax} times its compressed size, got ${Math.round(ratio)} times`,
      );
    }
    ranges.push({ name, from: offset, to: offset + localBytes + nameBytes + compressedBytes });
    if (!name.endsWith('/')) {
      const crc = directory.readUInt32LE(at + 16);
      entries.push({ name, bytes, compressedBytes, crc, method: method === 0 ? 'stored' : 'deflate', offset });
    }
    at = next;
  }
  if (at !== directory.byteLength)
    throw invalid(`the archive's directory has ${directory.byteLength - at} bytes too many`);
  let free = 0;
  for (const { name, from, to } of ranges.toSorted((left, right) => left.from - right.from)) {
    if (from < free || to > limit) throw invalid(`${shown(name)} shares bytes with something else in the archive`);
    free = to;
  }
  return entries;
}

const shown = (name: string): string => JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);

/** Relative, without a way out, on every system. */
function checkName(name: string): void {
  const parts = (name.endsWith('/') ? name.slice(0, -1) : name).split('/');
  const harmless =
    name.length <= 1024 &&
    !/[\\\p{Cc}\uFFFD]|^[a-zA-Z]:/u.test(name) &&
    parts.every((part) => part !== '' && part !== '.' && part !== '..');
  if (!harmless) throw invalid(`expected names of files inside the archive, got ${shown(name)}, which leads elsewhere`);
}

async function* content(path: string, entry: ZipEntry, limit: number): AsyncGenerator<Buffer> {
  const start = await contentStart(path, entry, limit);
  const { name, bytes, compressedBytes, crc, method } = entry;
  let read = 0;
  let sum = 0;
  if (compressedBytes > 0) {
    const raw = createReadStream(path, { start, end: start + compressedBytes - 1 });
    const source = method === 'stored' ? raw : pipeline(raw, createInflateRaw(), () => {});
    try {
      for await (const chunk of source as AsyncIterable<Buffer>) {
        read += chunk.byteLength;
        // A lie about its size is found out before the bytes are passed on.
        if (read > bytes) throw invalid(`${shown(name)}: expected ${bytes} bytes as the archive says, got more`);
        sum = crc32(chunk, sum);
        yield chunk;
      }
    } catch (error) {
      if (error instanceof FlyballError) throw error;
      throw invalid(`${shown(name)} cannot be unpacked: ${(error as Error).message}`, error);
    } finally {
      raw.destroy();
      source.destroy();
    }
  }
  if (read !== bytes) throw invalid(`${shown(name)}: expected ${bytes} bytes as the archive says, got ${read}`);
  if (sum !== crc) throw invalid(`${shown(name)} is damaged: its checksum is not the one that the archive gives`);
}

/** The local header says where the content begins; what it says besides must be what the directory said. */
async function contentStart(
  path: string,
  { name, offset, compressedBytes, method }: ZipEntry,
  limit: number,
): Promise<number> {
  await using file = await open(path, 'r');
  const header = Buffer.alloc(localBytes + Buffer.byteLength(name));
  await file.read(header, 0, header.byteLength, offset);
  const nameBytes = header.readUInt16LE(26);
  const start = offset + localBytes + nameBytes + header.readUInt16LE(28);
  const same =
    header.readUInt32LE(0) === 0x04_03_4b_50 &&
    header.readUInt16LE(8) === (method === 'stored' ? 0 : 8) &&
    header.toString('utf8', localBytes, localBytes + nameBytes) === name;
  if (!same || start + compressedBytes > limit)
    throw invalid(`${shown(name)} is not where the archive's directory says`);
  return start;
}
