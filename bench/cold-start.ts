/**
 * `npm run bench -- cold-start`: from a request that finds no replica at all to its answer, through the real gateway,
 * with a runner that waits started ahead and without; and what a second replica of a large model takes in memory.
 * Each model has run on the node before, so that its prepared file and its known costs are there. The first request of a
 * round is sent only when the replica is gone, the next runner waits, and nothing is being prepared.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { processesWith } from '../src/drivers/orchestrators/process-identity.ts';
import { generateModel, type ArchitectureName } from '../src/onnx/generate.ts';
import type { ColdStartStages } from '../src/telemetry/events.ts';
import { runCli } from '../test/support/cli.ts';
import { startPlatform, until, type Platform } from '../test/support/platform.ts';
import { listProcesses } from '../test/support/processes.ts';
import { v2BinaryBody } from './bodies.ts';
import { calibrate, median, report, row, slowness, type BenchmarkOptions, type Report, type Row } from './report.ts';

interface Model {
  readonly name: string;
  readonly architecture: ArchitectureName;
  readonly shape: readonly number[];
  /** Milliseconds that one call of the bare runtime takes on the machine on which the bars were set. */
  readonly referenceCallMs?: number;
}

const tiny: Model = { name: 'tiny', architecture: 'mlp', shape: [1, 16] };
const resnet18: Model = { name: 'resnet18', architecture: 'resnet18', shape: [1, 3, 224, 224], referenceCallMs: 18.8 };
const densenet161: Model = {
  name: 'densenet161',
  architecture: 'densenet161',
  shape: [1, 3, 224, 224],
  referenceCallMs: 85,
};

interface Bars {
  readonly model: Model;
  readonly value: number;
  readonly aim?: number;
}
const ahead: readonly Bars[] = [
  { model: tiny, value: 25, aim: 10 },
  { model: resnet18, value: 80, aim: 50 },
  { model: densenet161, value: 220, aim: 160 },
];
const without: readonly Bars[] = [
  { model: tiny, value: 150 },
  { model: resnet18, value: 280 },
];
/** Between what a round waits for and its request, so that the last of that is over. */
const breathMs = 100;

function start(deployments: Readonly<Record<string, Model>>, prestarted: number, idleMs: number): Promise<Platform> {
  const models = new Set(Object.values(deployments));
  return startPlatform({
    models: Object.fromEntries(
      [...models].map(({ name, architecture }) => [`${name}/1/model.onnx`, generateModel(architecture, 1)]),
    ),
    specification: {
      runners: { prestarted },
      models: Object.fromEntries([...models].map(({ name }) => [name, { path: `./models/${name}` }])),
      deployments: Object.fromEntries(
        Object.entries(deployments).map(([name, model]) => [
          name,
          { model: model.name, replicas: { min: 0, max: 1, idleMs }, deadline: { defaultMs: 60_000 } },
        ]),
      ),
    },
  });
}

const agent = new http.Agent({ keepAlive: true });

/** Milliseconds from the request to the last byte of its answer, over a connection that is open already. */
async function answerMs(platform: Platform, deployment: string, { shape }: Model): Promise<number> {
  const { body, headerLength } = v2BinaryBody('input', shape);
  const send = async (path: string, content?: Uint8Array): Promise<number> => {
    const request = http.request(`${platform.http}${path}`, {
      agent,
      method: content === undefined ? 'GET' : 'POST',
      headers:
        content === undefined
          ? {}
          : {
              'content-type': 'application/octet-stream',
              'inference-header-content-length': String(headerLength),
              'content-length': String(content.length),
            },
    });
    request.end(content);
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    const text = (await response.toArray()).join('');
    if (response.statusCode !== 200) throw new Error(`expected 200 from ${path}, got ${response.statusCode}: ${text}`);
    return performance.now();
  };
  await send('/v2/health/live');
  const began = performance.now();
  return (await send(`/v2/models/${deployment}/infer`, body)) - began;
}

/** Milliseconds of the last wake, as status shows them. */
interface Stages extends ColdStartStages {
  readonly at: number;
}

interface Seen {
  readonly name: string;
  readonly state: string;
  readonly replicas: readonly { readonly where: string }[];
  readonly coldStart?: Stages;
}

async function viewOf(platform: Platform, name: string): Promise<Seen> {
  const response = await fetch(`${platform.control}/api/v1/status`);
  const { deployments } = (await response.json()) as { deployments: Seen[] };
  const found = deployments.find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no deployment ${name}`);
  return found;
}

const asleep = (platform: Platform, name: string): Promise<true> =>
  until(`${name} to sleep`, async () => {
    const { state, replicas } = await viewOf(platform, name);
    return (state === 'asleep' && replicas.length === 0) || undefined;
  });

const preparedCount = ({ dataDirectory }: Platform): number => {
  const folder = join(dataDirectory, 'prepared');
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')).length : 0;
};

const oneWaits = ({ dataDirectory }: Platform): Promise<true> =>
  until('a runner that waits', () => {
    const ours = new Set(
      [...processesWith({ FLYBALL_RUN_DIRECTORY: join(dataDirectory, 'run') })].map(({ pid }) => pid),
    );
    return (
      listProcesses().some(({ pid, command }) => ours.has(pid) && command === 'flyball runner, waiting') || undefined
    );
  });

async function prime(platform: Platform, deployments: Readonly<Record<string, Model>>): Promise<void> {
  for (const [name, model] of Object.entries(deployments)) {
    await until(`the gateway to know ${name}`, async () => {
      const { status } = await fetch(`${platform.http}/v2/models/${name}/ready`);
      return status === 200 || undefined;
    });
    await answerMs(platform, name, model);
  }
  const wanted = new Set(Object.values(deployments)).size;
  await until('the prepared files', () => preparedCount(platform) >= wanted || undefined);
}

interface Wakes {
  readonly totals: number[];
  readonly stages: Stages[];
}

async function measureWakes(
  bars: readonly Bars[],
  prestarted: number,
  rounds: number,
): Promise<ReadonlyMap<Model, Wakes>> {
  const deployments = Object.fromEntries(bars.map(({ model }) => [model.name, model]));
  await using platform = await start(deployments, prestarted, 300);
  await prime(platform, deployments);
  const measured = new Map<Model, Wakes>(bars.map(({ model }) => [model, { totals: [], stages: [] }]));
  for (let round = 0; round < rounds; round += 1) {
    for (const { model } of bars) {
      await asleep(platform, model.name);
      if (prestarted > 0) await oneWaits(platform);
      await delay(breathMs);
      const began = Date.now();
      measured.get(model)?.totals.push(await answerMs(platform, model.name, model));
      const stages = await until('its stages', async () => {
        const { coldStart } = await viewOf(platform, model.name);
        return coldStart !== undefined && coldStart.at >= began ? coldStart : undefined;
      });
      measured.get(model)?.stages.push(stages);
    }
  }
  return measured;
}

const pssBytes = (pid: number): number =>
  Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1]) * 1024;

/** What the first and the second replica of one model add to the node, both opened from the prepared file. */
async function measureMemory(): Promise<{ readonly first: number; readonly second: number }> {
  const deployments = { first: densenet161, second: densenet161 };
  await using platform = await start(deployments, 1, 600_000);
  await prime(platform, deployments);
  const pidOf = async (name: string): Promise<number> =>
    Number(/pid (\d+)/.exec((await viewOf(platform, name)).replicas[0]?.where ?? '')?.[1]);
  for (const name of Object.keys(deployments)) {
    const { code, stderr } = await runCli(['scale', name, '0'], { FLYBALL_URL: platform.control });
    if (code !== 0) throw new Error(`could not scale ${name} to zero: ${stderr}`);
    await asleep(platform, name);
  }
  const wake = async (name: string): Promise<number> => {
    await oneWaits(platform);
    for (let calls = 0; calls < 5; calls += 1) await answerMs(platform, name, densenet161);
    return pidOf(name);
  };
  const one = await wake('first');
  const first = pssBytes(one);
  const other = await wake('second');
  return { first, second: pssBytes(one) + pssBytes(other) - first };
}

/** One call of the bare runtime on this machine, which nothing can be quicker than. */
async function rawCallMs({ name, architecture, shape }: Model, folder: string): Promise<number> {
  const path = join(folder, `${name}.onnx`);
  writeFileSync(path, generateModel(architecture, 1));
  const child = fork(fileURLToPath(new URL('raw-runtime.ts', import.meta.url)), [path, '1', shape.join(',')]);
  await once(child, 'message');
  child.send('go');
  const [{ p50Ms }] = (await once(child, 'message')) as [{ p50Ms: number }];
  return p50Ms;
}

function stagesInWords(stages: readonly Stages[]): string {
  const of = (pick: (one: Stages) => number): string => median(stages.map(pick)).toFixed(1);
  return [
    `detect ${of((one) => one.detectMs)}`,
    `decide ${of((one) => one.decideMs)}`,
    `start ${of((one) => one.startMs)}`,
    `load ${of((one) => one.loadMs)}`,
    `warm ${of((one) => one.warmMs)}`,
    `answer ${of((one) => one.answerMs)}`,
  ].join(', ');
}

export async function run({ rounds }: BenchmarkOptions): Promise<Report> {
  const calibrations = [calibrate()];
  const rows: Row[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'flyball-bench-'));
  const callMs = new Map<Model, number>();
  for (const model of [resnet18, densenet161]) callMs.set(model, await rawCallMs(model, folder));
  rmSync(folder, { recursive: true });
  const scale = (): number => slowness(median(calibrations));
  for (const [how, bars, prestarted] of [
    ['a runner waits', ahead, 1],
    ['none waits', without, 0],
  ] as const) {
    process.stderr.write(`${how}: ${rounds} wakes each of ${bars.map(({ model }) => model.name).join(', ')}\n`);
    const measured = await measureWakes(bars, prestarted, rounds);
    calibrations.push(calibrate());
    for (const { model, value, aim } of bars) {
      const { totals = [], stages = [] } = measured.get(model) ?? {};
      const bar = { kind: 'at-most', value, ...(aim === undefined ? {} : { aim }) } as const;
      rows.push(row(`${model.name} from zero, ${how}: request to answer, p50`, 'ms', totals, bar, scale()));
      const call = callMs.get(model);
      if (call !== undefined && model.referenceCallMs !== undefined) {
        // How fast this machine computes a network is no doing of the platform, and differs by more than the calibration.
        const beyond = { kind: 'at-most', value: value - model.referenceCallMs } as const;
        const others = totals.map((total) => total - call);
        rows.push(row('… without the one call that the model itself takes', 'ms', others, beyond, scale()));
      }
      process.stderr.write(`  ${model.name}: ${stagesInWords(stages)}\n`);
    }
  }
  const { first, second } = await measureMemory();
  rows.push(
    row('a second DenseNet-161 replica ÷ the first, PSS', '×', [second / first], { kind: 'at-most', value: 0.7 }),
    row('the first DenseNet-161 replica, PSS', 'MB', [first / 1e6]),
    row('the second', 'MB', [second / 1e6]),
  );
  for (const [{ name }, ms] of callMs) rows.push(row(`one call of ${name} by the bare runtime, p50`, 'ms', [ms]));
  return report('cold-start', median(calibrations), rows);
}
