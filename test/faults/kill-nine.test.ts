/**
 * `kill -9` at random moments of `models add`, `models alias` and `deploy`, as often as it is cheap: the registry is
 * whole, and each operation is there or not there. The process that is killed holds exactly what control holds, from its
 * store to its upkeep; kill-everything.test.ts kills a whole platform. FLYBALL_SEED repeats a run; what a kill meets
 * depends on the machine too.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { nextInt, seededRng } from '../../src/rng.ts';
import { openLedger, type Operation } from './registry-operations.ts';

/** An even number; FLYBALL_KILLS asks for fewer or more. */
const processKills = Number(process.env['FLYBALL_KILLS'] ?? 100);
/** Directories worked on at the same time. */
const lanes = 2;
const processModule = fileURLToPath(new URL('./registry-process.ts', import.meta.url));
const seed = Number(process.env['FLYBALL_SEED'] ?? Math.floor(Math.random() * 1e9));

interface Figures {
  kills: number;
  confirmed: number;
  readonly pending: { there: number; notThere: number };
  readonly met: Record<Operation['kind'], number>;
}
const newFigures = (): Figures => ({
  kills: 0,
  confirmed: 0,
  pending: { there: 0, notThere: 0 },
  met: { add: 0, alias: 0, deploy: 0 },
});
const inWords = ({ kills, confirmed, pending, met }: Figures): string =>
  `${kills} kills, in the middle of ${met.add} adds, ${met.alias} aliases, ${met.deploy} deploys; ` +
  `${confirmed} confirmed operations all there; of the unconfirmed ${pending.there} there, ${pending.notThere} not there`;

/** Lets a process work until `ops` operations were confirmed and `ms` more have passed, then kills it. */
async function killOne(
  dataDirectory: string,
  args: readonly string[],
  ops: number,
  ms: number,
): Promise<{ readonly done: Operation[]; readonly pending: Operation | undefined }> {
  const child = spawn(process.execPath, [processModule, dataDirectory, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { NODE_COMPILE_CACHE: join(tmpdir(), 'flyball-test-cache'), ...process.env },
  });
  const done: Operation[] = [];
  let pending: Operation | undefined;
  let rest = '';
  let words = '';
  const limit = setTimeout(() => child.kill('SIGKILL'), 30_000);
  const kill = (): void => void setTimeout(() => child.kill('SIGKILL'), ms);
  child.stderr.on('data', (chunk: Buffer) => (words += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const { word, operation } = JSON.parse(line) as { word: 'begin' | 'done'; operation: Operation };
      if (word === 'begin') pending = operation;
      else {
        done.push(operation);
        pending = undefined;
        if (done.length === ops) kill();
      }
    }
  });
  if (ops === 0) kill();
  const signal = await new Promise((resolve) => {
    child.on('close', (_code, by) => resolve(by));
  });
  clearTimeout(limit);
  assert.equal(signal, 'SIGKILL', words);
  return { done, pending };
}

test(
  `${processKills} kills of what holds the registry leave it whole`,
  { timeout: 600_000 },
  async (context: TestContext) => {
    const figures = newFigures();
    const lane = async (number: number): Promise<void> => {
      const dataDirectory = mkdtempSync(join(tmpdir(), 'flyball-kill-'));
      mkdirSync(join(dataDirectory, 'run'));
      const rng = seededRng(seed + number);
      const ledger = openLedger();
      let factor = 1;
      try {
        for (let kill = 0; kill < processKills / lanes; kill++) {
          const runSeed = nextInt(rng, 1e9);
          // One in ten is killed while it starts, before it has done anything.
          const ops = nextInt(rng, 10) === 0 ? 0 : 1 + nextInt(rng, 6);
          const ms = ops === 0 ? nextInt(rng, 400) : rng.next() * 15;
          const args = [String(runSeed), String(factor), JSON.stringify(ledger.versions())];
          const { done, pending } = await killOne(dataDirectory, args, ops, ms);
          factor += [...done, ...(pending === undefined ? [] : [pending])].filter(({ kind }) => kind === 'add').length;
          const chains = pending === undefined ? [] : [[pending]];
          const became = await ledger.settle(dataDirectory, done, chains).catch((error: unknown) => {
            const where = `seed ${seed}, lane ${number}, kill ${kill}: ${JSON.stringify({ done, pending })}`;
            throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
          });
          figures.kills += 1;
          figures.confirmed += done.length;
          figures.pending.there += became.there;
          figures.pending.notThere += became.notThere;
          if (pending !== undefined) figures.met[pending.kind] += 1;
        }
      } finally {
        rmSync(dataDirectory, { recursive: true, force: true });
      }
    };
    await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)));
    context.diagnostic(`seed ${seed}: ${inWords(figures)}`);
    assert.equal(figures.kills, processKills);
    if (processKills >= 100) assert.ok(figures.pending.notThere > 0, 'some kill came before the end of an operation');
  },
);
