/**
 * Series in files: a folder a segment, in it a line a block for each deployment, and the marks.
 *
 *   fine/2026-11-29T14/_marks.ndjson   fine/2026-11-29T14/digits.ndjson   coarse/2026-11-29/…
 *
 * Lines are only ever added at the end. They are not synced: a power cut may take the last of them, which is then a span
 * that nobody recorded. Not SQLite, whose file is read whole at each start and copied by each backup.
 */
import { appendFile, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { toBlock, toMark, type SeriesLog, type Track } from '../../series/series-log.ts';
import { makeDirectory } from '../../store/make-directory.ts';

/** No deployment's name begins so. */
const marksFile = '_marks.ndjson';
const suffix = '.ndjson';
/** As the ISO date of its start begins: an hour, a day. */
const nameLength = { fine: 13, coarse: 10 } as const;

export function openFileSeries(folder: string): SeriesLog {
  /** Files that are known to end with a whole line: what another process has left may not. */
  const whole = new Set<string>();

  const pathOf = (track: Track, segment: number): string =>
    join(folder, track, new Date(segment).toISOString().slice(0, nameLength[track]));

  async function add(path: string, lines: readonly unknown[]): Promise<void> {
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    const isWhole = whole.delete(path);
    await appendFile(path, isWhole ? text : `\n${text}`, { mode: 0o600 });
    whole.add(path);
  }

  async function linesOf<Line>(path: string, read: (value: unknown) => Line | undefined): Promise<Line[]> {
    const text = await readFile(path, 'utf8').catch(orNothing(''));
    return text.split('\n').flatMap((line) => {
      const found = line === '' ? undefined : read(parsed(line));
      return found === undefined ? [] : [found];
    });
  }

  return {
    async segments(track) {
      const names = await readdir(join(folder, track)).catch(orNothing<string[]>([]));
      return names
        .filter((name) => name.length === nameLength[track])
        .map((name) => Date.parse(track === 'fine' ? `${name}:00Z` : name))
        .filter((at) => !Number.isNaN(at))
        .toSorted((left, right) => left - right);
    },
    async bytes(track, segment) {
      const path = pathOf(track, segment);
      let bytes = 0;
      for (const name of await readdir(path).catch(orNothing<string[]>([])))
        bytes += (await stat(join(path, name)).catch(orNothing(undefined)))?.size ?? 0;
      return bytes;
    },
    async append(track, segment, marks, blocks) {
      const path = pathOf(track, segment);
      makeDirectory(path);
      for (const [name, own] of blocks) if (own.length > 0) await add(join(path, `${name}${suffix}`), own);
      if (marks.length > 0) await add(join(path, marksFile), marks);
    },
    async read(track, segment, deployment) {
      const path = pathOf(track, segment);
      const blocks = deployment === undefined ? [] : await linesOf(join(path, `${deployment}${suffix}`), toBlock);
      return { marks: await linesOf(join(path, marksFile), toMark), blocks };
    },
    async names(track, segment) {
      const names = await readdir(pathOf(track, segment)).catch(orNothing<string[]>([]));
      return names
        .filter((name) => name !== marksFile && name.endsWith(suffix))
        .map((name) => name.slice(0, -suffix.length))
        .toSorted();
    },
    async remove(track, segment) {
      const path = pathOf(track, segment);
      await rm(path, { recursive: true, force: true });
      for (const file of whole) if (file.startsWith(path)) whole.delete(file);
    },
    async [Symbol.asyncDispose]() {
      whole.clear();
    },
  };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** What is not there holds nothing; everything else is trouble. */
const orNothing =
  <Nothing>(nothing: Nothing) =>
  (error: NodeJS.ErrnoException): Nothing => {
    if (error.code === 'ENOENT') return nothing;
    throw error;
  };
