/**
 * Which data directory is meant: --data-dir, FLYBALL_DATA_DIR, `./.flyball` where this folder is one that Flyball is run
 * from (it has a .flyball or a flyball.yaml, or is a checkout), else the user's XDG data folder.
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { stringOption, type Invocation } from './declaration.ts';

export function dataDirectoryPath({ values, terminal }: Pick<Invocation, 'values' | 'terminal'>): string {
  const { cwd, env } = terminal;
  const given = stringOption(values, 'data-dir') ?? env['FLYBALL_DATA_DIR'];
  if (given !== undefined && given !== '') return resolve(cwd, given);
  const local = join(cwd, '.flyball');
  if (existsSync(local) || existsSync(join(cwd, 'flyball.yaml')) || isCheckout(cwd)) return local;
  const xdg = env['XDG_DATA_HOME'];
  const base = xdg !== undefined && xdg.startsWith('/') ? xdg : join(env['HOME'] ?? homedir(), '.local', 'share');
  return join(base, 'flyball');
}

function isCheckout(folder: string): boolean {
  try {
    const { name } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: unknown };
    return name === 'flyball';
  } catch {
    return false;
  }
}
