/**
 * POSIX tar (ustar), written so that the same files give the same bytes: sorted, without times and names of users. It is
 * no general archiver: paths that ustar cannot hold are refused, links are not written.
 */
import { createReadStream } from 'node:fs';

export interface Entry {
  /** Below the root of the archive, without a slash at either end. */
  readonly path: string;
  readonly kind: 'file' | 'directory';
  /** Permission bits. */
  readonly mode: number;
  /** User and group, by number; 0 by default. */
  readonly owner?: number;
  /** Of a file: its bytes, or where they lie and how many there are. */
  readonly content?: Uint8Array | { readonly source: string; readonly bytes: number };
}

const block = 512;
const nameBytesMax = 100;
const prefixBytesMax = 155;

export const bytesOf = ({ content }: Entry): number =>
  content === undefined ? 0 : content instanceof Uint8Array ? content.byteLength : content.bytes;

export async function* tarOf(entries: readonly Entry[]): AsyncGenerator<Uint8Array> {
  const sorted = entries.toSorted((left, right) => (left.path < right.path ? -1 : 1));
  for (const entry of sorted) {
    const bytes = bytesOf(entry);
    yield header(entry, bytes);
    if (entry.content instanceof Uint8Array) yield entry.content;
    else if (entry.content !== undefined) yield* fileOf(entry.content);
    const rest = bytes % block;
    if (rest > 0) yield Buffer.alloc(block - rest);
  }
  yield Buffer.alloc(2 * block);
}

/** A file that is written to meanwhile would shift everything after it. */
async function* fileOf(content: { readonly source: string; readonly bytes: number }): AsyncGenerator<Uint8Array> {
  let read = 0;
  for await (const chunk of createReadStream(content.source, { highWaterMark: 1 << 20 })) {
    read += (chunk as Buffer).byteLength;
    yield chunk as Buffer;
  }
  if (read !== content.bytes) throw new Error(`${content.source}: expected ${content.bytes} bytes, came ${read}`);
}

/** Name at 0, mode 100, uid 108, gid 116, size 124, mtime 136, checksum 148, type 156, magic 257, prefix 345 (POSIX.1-1988). */
function header(entry: Entry, bytes: number): Buffer {
  const head = Buffer.alloc(block);
  const [prefix, name] = split(entry.kind === 'directory' ? `${entry.path}/` : entry.path);
  const octal = (value: number, at: number, digits: number): void =>
    void head.write(`${value.toString(8).padStart(digits, '0')}\0`, at, 'latin1');
  head.write(name, 0, 'utf8');
  octal(entry.mode, 100, 7);
  octal(entry.owner ?? 0, 108, 7);
  octal(entry.owner ?? 0, 116, 7);
  octal(bytes, 124, 11);
  octal(0, 136, 11);
  head.fill(' ', 148, 156);
  head.write(entry.kind === 'directory' ? '5' : '0', 156, 'latin1');
  head.write('ustar\x0000', 257, 'latin1');
  head.write(prefix, 345, 'utf8');
  const sum = head.reduce((total, byte) => total + byte, 0);
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return head;
}

function split(path: string): readonly [prefix: string, name: string] {
  if (Buffer.byteLength(path) <= nameBytesMax) return ['', path];
  for (let at = path.indexOf('/'); at !== -1 && at < path.length - 1; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (Buffer.byteLength(name) <= nameBytesMax && Buffer.byteLength(prefix) <= prefixBytesMax) return [prefix, name];
  }
  throw new Error(`expected a path of at most ${nameBytesMax} bytes after one of ${prefixBytesMax}, came ${path}`);
}
