/**
 * `npm test`: all tests, in two runs. Most wait for processes most of the time, so more files run at once than there
 * are cores; those that break, flood and time a platform, and those with several Docker engines, have the machine to
 * themselves, one file after another.
 * Whatever is named as an argument is run instead, as `node --test` would.
 */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const alone = ['test/faults/**/*.test.ts', 'test/fleet/**/*.test.ts'];
const together = [
  ...['src', 'console/src', 'testbed'].map((folder) => `${folder}/**/*.test.ts`),
  'test/*.test.ts',
  'test/!(faults|fleet)/**/*.test.ts',
];

// A run starts thousands of processes of the same few files: what one has compiled, types stripped, the others need not.
const env = { NODE_COMPILE_CACHE: `${root}/node_modules/.cache/flyball`, ...process.env };

function run(concurrency: number, files: readonly string[]): number {
  const args = ['--test', '--test-reporter=spec', `--test-concurrency=${concurrency}`, ...files];
  return spawnSync(process.execPath, args, { cwd: root, env, stdio: 'inherit' }).status ?? 1;
}

const named = process.argv.slice(2);
const codes = named.length > 0 ? [run(1, named)] : [run(availableParallelism() + 1, together), run(1, alone)];
process.exitCode = Math.max(...codes);
