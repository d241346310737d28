/**
 * The software as it runs in the image: JavaScript and the built console. Kept by the content of what it is made from, so
 * that nothing is compiled twice, and never in `dist`, which may be anybody's.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { folderOf } from './entries.ts';

const run = promisify(execFile);

export interface Compiled {
  readonly dist: string;
  readonly console: string;
}

export async function compile(root: string, cache: string): Promise<Compiled> {
  const folder = join(cache, `compiled-${keyOf(root)}`);
  const compiled = { dist: join(folder, 'dist'), console: join(folder, 'console') };
  if (existsSync(folder)) return compiled;
  mkdirSync(cache, { recursive: true });
  const making = mkdtempSync(join(cache, 'making-'));
  const module = (path: string): string => join(root, 'node_modules', path);
  try {
    const options = { cwd: root, maxBuffer: 1 << 24 };
    await Promise.all([
      run(
        process.execPath,
        [module('typescript/bin/tsc'), '-p', 'tsconfig.build.json', '--outDir', join(making, 'dist')],
        options,
      ),
      run(
        process.execPath,
        [module('vite/bin/vite.js'), 'build', 'console', '--logLevel', 'error', '--outDir', join(making, 'console')],
        options,
      ),
    ]);
    rename(making, folder);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
  return compiled;
}

/** Whoever compiled the same at the same time was first: it is the same. */
function rename(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!existsSync(to)) throw error;
  }
}

function keyOf(root: string): string {
  const hash = createHash('sha256');
  const add = (path: string): void =>
    void hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0');
  for (const path of ['package.json', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json']) add(path);
  const sources = [
    ...folderOf('src', join(root, 'src'), (below) => !below.endsWith('.test.ts') && !below.startsWith('testing/')),
    ...folderOf('console', join(root, 'console'), (below) => !below.startsWith('dist/')),
  ];
  for (const { path } of sources.toSorted((left, right) => (left.path < right.path ? -1 : 1))) add(path);
  return hash.digest('hex').slice(0, 16);
}
