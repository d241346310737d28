/**
 * Real clients and servers in Python, from the environments that `test/clients/install.sh` makes. On a machine without
 * them a test that needs one is skipped and says how to get it; where CI says so it fails instead.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const clients = fileURLToPath(new URL('../clients', import.meta.url));
const root = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'flyball-test', 'python');

/** The interpreter of a set; undefined with why it is skipped where it is not installed. */
export function findPython(set: string): { readonly path: string; readonly skip: string | false } {
  const path = join(root, set, 'bin', 'python');
  const isThere = existsSync(join(root, set, 'installed'));
  if (!isThere && process.env['CI'] === 'true') throw new Error(`${path} is not there: test/clients/install.sh ${set}`);
  return { path, skip: isThere ? false : `not installed: test/clients/install.sh ${set}` };
}

/** What came of one example of a script in test/clients. */
export interface ExampleResult {
  readonly name: string;
  /** The traceback; absent when it passed. */
  readonly error?: string;
}

/** Starting costs some clients most of it: they load half a platform. */
const runMsMax = 300_000;

/** Runs all examples of a script, one after the other in one process of its own. */
export async function runExamples(
  python: string,
  script: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<readonly ExampleResult[]> {
  const child = spawn(python, [join(clients, script), ...args], {
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', PYTHONUNBUFFERED: '1', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: runMsMax,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const lines = stdout.split('\n').filter((line) => line.startsWith('{"name"'));
  const results = lines.map((line) => JSON.parse(line) as ExampleResult);
  // 1 says that an example failed; anything else, or no example, that the script did not get to its end.
  if ((code !== 0 && code !== 1) || results.length === 0) {
    throw new Error(
      `${script} ended with ${code ?? 'a signal'} after ${results.length} examples: ${stderr.slice(-3000)}`,
    );
  }
  return results;
}
