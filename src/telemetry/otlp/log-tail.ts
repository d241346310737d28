/**
 * What has been written to the platform's log file since the last look. The file is put aside when it has grown, and
 * another begins: what was left of the old one is read first, where it is still there.
 * Invariant: at most `bytesMax` are read at a look; of more the oldest are skipped and counted.
 */
import { open, stat, type FileHandle } from 'node:fs/promises';

export interface LogTail extends AsyncDisposable {
  /** Whole lines, oldest first; so many were skipped. */
  read(): Promise<{ readonly lines: readonly string[]; readonly skipped: number }>;
}

const bytesMaxDefault = 1_048_576;
/** Of one line; more is not one that the platform writes. */
const lineBytesMax = 65_536;

export function openLogTail(path: string, bytesMax = bytesMaxDefault): LogTail {
  let file: FileHandle | undefined;
  let inode = 0;
  let offset = 0;
  /** The beginning of a line whose end is not there yet. */
  let rest = Buffer.alloc(0);

  async function readOn(): Promise<{ chunk: Buffer; skipped: number }> {
    if (file === undefined) return { chunk: Buffer.alloc(0), skipped: 0 };
    const { size } = await file.stat();
    const excess = Math.max(0, size - offset - bytesMax);
    let skipped = excess > 0 ? await countLines(file, offset, offset + excess) : 0;
    if (excess > 0) rest = Buffer.alloc(0);
    const length = Math.min(Math.max(0, size - offset), bytesMax);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, offset + excess);
    offset += excess + bytesRead;
    const chunk = buffer.subarray(0, bytesRead);
    if (excess === 0) return { chunk, skipped };
    // The first is the end of a line whose beginning was skipped.
    skipped += 1;
    return { chunk: chunk.subarray(chunk.indexOf(10) + 1), skipped };
  }

  function linesIn(chunk: Buffer): string[] {
    const all = Buffer.concat([rest, chunk]);
    const end = all.lastIndexOf(10);
    rest = all.subarray(end + 1).subarray(0, lineBytesMax);
    if (end < 0) return [];
    return all
      .subarray(0, end)
      .toString('utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.slice(0, lineBytesMax));
  }

  /** What is there already has been read by others: a tail begins at the end. */
  async function reopen(atEnd: boolean): Promise<void> {
    await file?.close();
    file = undefined;
    rest = Buffer.alloc(0);
    offset = 0;
    file = await open(path, 'r');
    const { ino, size } = await file.stat();
    inode = ino;
    if (atEnd) offset = size;
  }

  return {
    async read() {
      const isFirst = file === undefined;
      try {
        if (isFirst) await reopen(true);
        const { chunk, skipped } = await readOn();
        const lines = linesIn(chunk);
        if (isFirst || (await stat(path)).ino === inode) return { lines, skipped };
        await reopen(false);
        const next = await readOn();
        return { lines: [...lines, ...linesIn(next.chunk)], skipped: skipped + next.skipped };
      } catch (error) {
        // There is none yet, or one is just being put aside: the next look finds it.
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { lines: [], skipped: 0 };
        throw error;
      }
    },
    async [Symbol.asyncDispose]() {
      await file?.close();
      file = undefined;
    },
  };
}

/** Ends of lines between two places. */
async function countLines(file: FileHandle, from: number, to: number): Promise<number> {
  const piece = Buffer.alloc(lineBytesMax);
  let count = 0;
  for (let at = from; at < to;) {
    const { bytesRead } = await file.read(piece, 0, Math.min(piece.length, to - at), at);
    if (bytesRead === 0) break;
    for (const byte of piece.subarray(0, bytesRead)) if (byte === 10) count += 1;
    at += bytesRead;
  }
  return count;
}
