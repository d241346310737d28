/**
 * `kill -9` of everything at once (supervisor, gateway, control, every runner) at a random moment of the command line's
 * `models add`, `models alias` and `deploy`, and `flyball up` again on what is left: the registry is whole, each
 * operation is there or not there, whatever is deployed answers, and nothing of before is left. The verbs run in this
 * process, so that a kill meets their work and not the start of Node. What is cheap to kill is killed more often by
 * kill-nine.test.ts. FLYBALL_SEED repeats a run; what a kill meets depends on the machine too.
 */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ModelView, OperationView } from '../../src/api/schemas.ts';
import { nextInt, seededRng } from '../../src/rng.ts';
import { exitCodes } from '../../src/cli/exit-codes.ts';
import { main } from '../../src/cli/main.ts';
import { stringTerminal } from '../../src/testing/string-terminal.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';
import { runnersOf, startedIn, treeOf } from '../support/processes.ts';
import { fileOf, labelsOf, model, openLedger, settings, type Ledger, type Operation } from './registry-operations.ts';

/** FLYBALL_PLATFORM_KILLS asks for fewer or more. */
const kills = Number(process.env['FLYBALL_PLATFORM_KILLS'] ?? 20);
const seed = Number(process.env['FLYBALL_SEED'] ?? Math.floor(Math.random() * 1e9));
/** One in so many is killed while it starts, before it is asked for anything. */
const startsEvery = 5;
/** The longest that verbs run before a kill; most kills come much sooner. */
const workMsMax = 2000;
const startMsMax = 600;
const input = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 1, 1, 1] }] });

/** One verb of the command line and what it does, in order. */
interface Verb {
  readonly args: readonly string[];
  readonly chain: readonly Operation[];
}

interface Work {
  /** That were killed. */
  readonly processes: number;
  readonly done: readonly Operation[];
  readonly pending: readonly (readonly Operation[])[];
}

const pidOf = (platform: Platform): number => platform.process.pid ?? 0;

/** A file with its settings beside it, as `models add` and `deploy` take it. */
function writeModel(folder: string, factor: number): string {
  const own = join(folder, String(factor));
  mkdirSync(own);
  writeFileSync(join(own, 'model.onnx'), fileOf(factor));
  writeFileSync(join(own, 'model.yaml'), settings);
  writeFileSync(join(own, 'labels.txt'), labelsOf(factor));
  return join(own, 'model.onnx');
}

/** What `up` would find, so that looking at it changes nothing: opening a registry tidies it up. */
async function settleOnCopy(
  ledger: Ledger,
  dataDirectory: string,
  { done, pending }: Work,
): ReturnType<Ledger['settle']> {
  const copy = mkdtempSync(join(tmpdir(), 'flyball-killed-'));
  try {
    for (const name of ['flyball.db', 'flyball.db-wal', 'flyball.db-shm', 'artefacts']) {
      const from = join(dataDirectory, name);
      if (existsSync(from)) cpSync(from, join(copy, name), { recursive: true });
    }
    return await ledger.settle(copy, done, pending);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

async function get<T>(platform: Platform, path: string): Promise<T> {
  const response = await fetch(`${platform.control}/api/v1/${path}`);
  assert.equal(response.status, 200, path);
  return (await response.json()) as T;
}

/** The platform says of itself what the ledger says, and every deployment answers as the version that it serves. */
async function assertServing(platform: Platform, ledger: Ledger): Promise<void> {
  const { deployments } = await until('it to serve, with every operation at its end', async () => {
    const seen = await platform.serving();
    const operations = await get<OperationView[]>(platform, 'operations');
    return operations.some(({ state }) => state === 'running') ? undefined : seen;
  });
  const times = (await get<ModelView[]>(platform, 'models')).find(({ name }) => name === model);
  assert.deepEqual(
    times?.versions.map(({ version }) => version).toSorted((a, b) => a - b),
    ledger.versions().toSorted((a, b) => a - b),
  );
  assert.deepEqual(new Map(Object.entries(times?.aliases ?? {})), ledger.aliases());
  for (const { name, serving } of deployments) {
    const response = await fetch(`${platform.http}/v2/models/${name}/infer`, { method: 'POST', body: input });
    const factor = ledger.factorOf(name, Number(serving));
    assert.equal(response.status, 200, `${name} answers`);
    const { outputs } = (await response.json()) as { outputs: { data: number[] }[] };
    assert.deepEqual(outputs[0]?.data, [factor, factor, factor, factor], `${name}:${serving}`);
  }
  const wanted = deployments.reduce((sum, { desired }) => sum + desired, 0);
  await until(`as many runners as are wanted, ${wanted}`, () => runnersOf(platform).length === wanted || undefined);
  await until('nothing of before to be left', () => {
    const started = startedIn(platform.dataDirectory);
    const own = new Set(treeOf(pidOf(platform)));
    return started.every((pid) => own.has(pid)) || undefined;
  });
}

/** All of one listing: what is started between the listing and its kill has lost whom it belongs to. */
async function killEverything(platform: Platform): Promise<number> {
  const all = new Set([...treeOf(pidOf(platform)), ...startedIn(platform.dataDirectory)]);
  for (const pid of all) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      // It has ended in between, with its parent.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
  await platform.end('SIGKILL');
  return all.size;
}

/** Adds, aliases and deploys side by side for a while, and then kills everything. */
async function workAndKill(platform: Platform, draws: readonly (() => Verb)[], afterMs: number): Promise<Work> {
  const done: Operation[] = [];
  const pending: (readonly Operation[])[] = [];
  let killed = false;
  const lanes = draws.map(async (draw) => {
    while (!killed) {
      const { args, chain } = draw();
      const terminal = stringTerminal({ env: { FLYBALL_URL: platform.control, FLYBALL_USER: 'ada' } });
      const code = await main(args, terminal);
      if (code === exitCodes.done) done.push(...chain);
      else {
        assert.ok(killed, `${args.join(' ')} failed before the kill: ${terminal.err()}`);
        pending.push(chain);
      }
    }
  });
  const dying = async (): Promise<number> => {
    await sleep(afterMs);
    killed = true;
    return await killEverything(platform);
  };
  const [processes] = await Promise.all([dying(), ...lanes]);
  return { done, pending, processes };
}

test(
  `${kills} kills of a whole platform leave the registry whole, and it serves again`,
  { timeout: 600_000 },
  async (context: TestContext) => {
    const rng = seededRng(seed);
    const folder = mkdtempSync(join(tmpdir(), 'flyball-kill-everything-'));
    const dataDirectory = join(folder, 'data');
    const ledger = openLedger();
    let factor = 1;
    const nextFile = (): string => writeModel(folder, ++factor);
    const drawAdd = (): Verb => {
      const args = ['models', 'add', model, nextFile()];
      return { args, chain: [{ kind: 'add', model, factor }] };
    };
    const drawAlias = (): Verb => {
      const versions = ledger.versions();
      const version = versions[nextInt(rng, versions.length)] ?? 1;
      const alias = `a${nextInt(rng, 4)}`;
      return {
        args: ['models', 'alias', model, alias, String(version)],
        chain: [{ kind: 'alias', alias, version }],
      };
    };
    const drawDeploy = (): Verb => {
      const name = `d${nextInt(rng, 2)}`;
      const args = ['deploy', nextFile(), '--name', name];
      const p99Ms = 1000 + factor;
      return {
        args: [...args, '--slo', `p99=${p99Ms}ms`],
        chain: [
          { kind: 'add', model: name, factor },
          { kind: 'deploy', name, model: name, p99Ms },
        ],
      };
    };

    const figures = { processes: 0, starting: 0, confirmed: 0, there: 0, notThere: 0, upMs: [] as number[] };
    let platform = await startPlatform({ specification: {}, dataDirectory });
    try {
      await platform.serving();
      const first = drawAdd();
      assert.equal(await main(first.args, stringTerminal({ env: { FLYBALL_URL: platform.control } })), exitCodes.done);
      await ledger.settle(dataDirectory, first.chain, []);
      for (let round = 0; round < kills; round++) {
        const starting = round % startsEvery === startsEvery - 1;
        const afterMs = starting ? rng.next() * startMsMax : workMsMax * rng.next() ** 2;
        const work = await workAndKill(platform, starting ? [] : [drawAdd, drawAlias, drawDeploy], afterMs);
        figures.processes += work.processes;
        try {
          const became = await settleOnCopy(ledger, dataDirectory, work);
          figures.there += became.there;
          figures.notThere += became.notThere;
          figures.confirmed += work.done.length;
          figures.starting += starting ? 1 : 0;
          await platform[Symbol.asyncDispose]();
          const begun = performance.now();
          platform = await startPlatform({ dataDirectory });
          // One that is to be killed while it starts is not waited for.
          if (round % startsEvery !== startsEvery - 2) {
            await assertServing(platform, ledger);
            figures.upMs.push(performance.now() - begun);
          }
        } catch (error) {
          const where = `seed ${seed}, kill ${round} after ${Math.round(afterMs)} ms: ${JSON.stringify(work)}`;
          throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
        }
      }
    } finally {
      await platform[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    }
    const median = figures.upMs.toSorted((a, b) => a - b)[Math.floor(figures.upMs.length / 2)] ?? 0;
    context.diagnostic(
      `seed ${seed}: ${kills} kills of ${figures.processes} processes, ${figures.starting} of them while it started; ` +
        `${figures.confirmed} confirmed operations all there; of the unconfirmed ${figures.there} there, ` +
        `${figures.notThere} not there; serving again after ${Math.round(median)} ms (median)`,
    );
    if (kills >= 20) assert.ok(figures.notThere > 0, 'some kill came before the end of an operation');
  },
);
