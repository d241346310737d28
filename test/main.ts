/**
 * `npm test`: all tests, in four runs. What decides and does nothing shares one process: starting one a file costs more
 * than the tests of it do. The rest waits for processes most of the time, so more files run at once than there are cores.
 * Beside them, one file after another, run those that wait longest and of which only what is left and what is said counts:
 * faults whose times nobody asserts, and fleets of several Docker engines. Those that flood and time a platform have the
 * machine to themselves afterwards.
 * Whatever is named as an argument is run instead, as `node --test` would.
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const shared = ['src/{core,config,rehearsal}/**/*.test.ts', 'console/src/**/*.test.ts', 'bench/**/*.test.ts'];
/** A busy machine makes these tests longer, and nothing else. */
const waiting = 'clock-jump|crashing-versions|data-directory|governor|kill-everything|kill-nine';
const together = [
  'src/*.test.ts',
  'src/!(core|config|rehearsal)/**/*.test.ts',
  'testbed/**/*.test.ts',
  'test/*.test.ts',
  'test/!(faults|fleet)/**/*.test.ts',
];
const patient = [`test/faults/@(${waiting}).test.ts`, 'test/fleet/*.test.ts'];
const alone = [`test/faults/!(${waiting}).test.ts`];

// A run starts thousands of processes of the same few files: what one has compiled, types stripped, the others need not.
const env = { NODE_COMPILE_CACHE: `${root}/node_modules/.cache/flyball`, ...process.env };

/** The exit code. `quietly`: what it says is said at its end, so that it stays whole beside another run. */
async function run(how: string, files: readonly string[], quietly = false): Promise<number> {
  const args = ['--test', '--test-reporter=spec', how, ...files];
  const child = spawn(process.execPath, args, {
    cwd: root,
    env,
    stdio: ['inherit', quietly ? 'pipe' : 'inherit', 'inherit'],
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
  if (child.stdout !== null) process.stdout.write(await text(child.stdout));
  return ended;
}

async function runAll(): Promise<number> {
  const many = `--test-concurrency=${availableParallelism() + 1}`;
  const codes = await Promise.all([
    run('--test-isolation=none', shared, true),
    run(many, together),
    run('--test-concurrency=1', patient, true),
  ]);
  return Math.max(...codes, await run('--test-concurrency=1', alone));
}

const named = process.argv.slice(2);
process.exitCode = await (named.length > 0 ? run('--test-concurrency=1', named) : runAll());
