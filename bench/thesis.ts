/**
 * `npm run bench -- thesis [--requests N] [--rounds N] [--lag SECONDS] [--models resnet18,densenet161]`: the experiment of
 * the thesis from which this project grew, on a real Swarm of CPU-limited workers: 3,000 pictures, 100 at once, on 2, 4 and
 * 6 workers and on a number that is governed from 2 to 6, by its own rule and by the SLO policy.
 * A worker is a node of the testbed with room for one replica. Generator, gateway and control share the two cores with
 * the workers, outside of their quotas: what they take is printed. Models are one after another, arms of a round too.
 */
import { generateModel } from '../src/onnx/generate.ts';
import type { Platform } from '../test/support/platform.ts';
import { openFleet, untilServing, type Fleet } from './fleet/fleet.ts';
import { sendRequests, type Answered } from './fleet/requests.ts';
import { processTree } from './peers/process-tree.ts';
import { imagePipeline, photograph } from './photograph.ts';
import { cpuSeconds } from './process-cpu.ts';
import { calibrate, median, report, type BenchmarkOptions, type Report, type Row } from './report.ts';
import {
  alertPeriodSeconds,
  arms,
  fewest,
  most,
  nameOf,
  requestsWithin,
  scalingOf,
  thesis,
  type Arm,
} from './thesis/arms.ts';
import { runMachines, switchOff, switchOn } from './thesis/run-machines.ts';
import { cutWords, rowsOf, tableOf, type ArmRun } from './thesis/judge.ts';
import { workerSeconds, type Sample } from './thesis/worker-seconds.ts';

/** Cores of a worker: six of them leave half a core of the machine's two for everything else. */
const workerCpus = 0.25;
/** What a node says it has, and what a replica reserves of it: a second one does not fit. */
const [workerMemoryMiB, replicaMemory] = [2048, '1200MiB'];
const runSecondsMax = 600;
const sampleMs = 500;
/** Four times what one picture takes a worker that is alone with it, on the machine on which this was set up. */
const objectiveMs = { resnet18: 1000, densenet161: 3000 } as const;
type Model = keyof typeof objectiveMs;
const models = Object.keys(objectiveMs) as Model[];

interface Setting {
  readonly fleet: Fleet;
  readonly model: Model;
  readonly onnx: Uint8Array;
  readonly picture: Uint8Array;
  readonly lagSeconds: number;
}

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const now = (): number => performance.now() / 1000;

function start({ fleet, model, onnx }: Setting, arm: Arm, periodSeconds: number): Promise<Platform> {
  return fleet.start({
    models: { [`${model}/1/model.onnx`]: onnx, [`${model}/model.yaml`]: JSON.stringify(imagePipeline) },
    specification: {
      models: { [model]: { path: `./models/${model}` } },
      deployments: {
        [model]: {
          model,
          ...scalingOf(arm, periodSeconds),
          resources: { cpu: workerCpus, memory: replicaMemory },
          slo: { p99Ms: objectiveMs[model] },
          // A hundred callers wait for two slow workers longer than anybody would otherwise.
          deadline: { defaultMs: 600_000 },
        },
      },
    },
  });
}

function send({ model, picture }: Setting, platform: Platform, requests: number): Promise<Answered> {
  return sendRequests({
    url: `${platform.http}/predictions/${model}`,
    body: picture,
    headers: { 'content-type': 'image/jpeg' },
    callers: thesis.callers,
    requests,
  });
}

/** Counts at the engine how many workers have a replica, until it is disposed of. */
function countWorkers(fleet: Fleet): { readonly samples: readonly Sample[] } & AsyncDisposable {
  const samples: Sample[] = [];
  const ending = new AbortController();
  const counting = (async () => {
    while (!ending.signal.aborted) {
      const at = now();
      samples.push({ at, workers: (await fleet.occupied()).length });
      await new Promise((resolve) => {
        setTimeout(resolve, sampleMs);
      });
    }
  })();
  // It is told where it is waited for.
  counting.catch(() => {});
  return {
    samples,
    async [Symbol.asyncDispose]() {
      ending.abort();
      await counting;
    },
  };
}

async function runArm(setting: Setting, arm: Arm, requests: number, periodSeconds: number): Promise<ArmRun> {
  const { fleet, model, lagSeconds } = setting;
  const late = arm.kind === 'dynamic' && lagSeconds > 0;
  if (late) await switchOff(fleet, fewest, most);
  else await switchOn(fleet, most);
  await using platform = await start(setting, arm, periodSeconds);
  const initial = arm.kind === 'fixed' ? arm.workers : fewest;
  await untilServing(platform, model, initial);
  const pids = (await platform.status()).gateways.map(({ pid }) => pid);
  const rest = processTree(platform.process.pid as number).filter((pid) => !pids.includes(pid));
  // The first call of everything pays for code that is compiled once.
  await send(setting, platform, initial);
  await using machines = late
    ? runMachines({ fleet, platform, deployment: model, fewest, most, lagSeconds })
    : undefined;
  await using counting = countWorkers(fleet);
  const [gatewaysBefore, restBefore, from] = [cpuSeconds(pids), cpuSeconds(rest), now()];
  const answered = await send(setting, platform, requests);
  const to = now();
  const used = { gateways: cpuSeconds(pids) - gatewaysBefore, rest: cpuSeconds(rest) - restBefore };
  machines?.check();
  if (arm.kind === 'dynamic') {
    await new Promise((resolve) => {
      setTimeout(resolve, (to - from) * 1000 + sampleMs);
    });
  }
  const { samples } = counting;
  const decision = (await platform.status()).deployments[0]?.governor?.decision;
  if (decision !== undefined) say(`    last decided: ${decision.from} to ${decision.to}: ${decision.reason}`);
  return {
    requests,
    seconds: answered.seconds,
    p99Ms: answered.p99Ms,
    workerSeconds: workerSeconds(samples, from, to),
    workerSecondsAfter: workerSeconds(samples, from, to + (to - from)),
    workersMost: Math.max(...samples.map(({ workers }) => workers)),
    cpuSeconds: { generator: answered.cpuSeconds, ...used },
  };
}

/** How many requests the baseline answers without taking too long, by what it does with a few. */
async function requestsFor(setting: Setting, asked: number): Promise<number> {
  const [baseline] = arms as [Arm];
  await switchOn(setting.fleet, most);
  await using platform = await start(setting, baseline, 1);
  await untilServing(platform, setting.model, fewest);
  await send(setting, platform, fewest);
  const tried = Math.min(asked, 40);
  const { seconds } = await send(setting, platform, tried);
  return requestsWithin(asked, tried / seconds, runSecondsMax);
}

function chosen(names: string | undefined): readonly Model[] {
  if (names === undefined) return models;
  return names.split(',').map((name) => {
    const found = models.find((model) => model === name);
    if (found === undefined) throw new Error(`--models: expected some of ${models.join(', ')}, came ${name}`);
    return found;
  });
}

export async function run({ rounds, requests: asked, lagSeconds, models: names }: BenchmarkOptions): Promise<Report> {
  const picture = await photograph();
  await using fleet = await openFleet({ nodes: most, cpus: workerCpus, memoryMiB: workerMemoryMiB });
  const calibrations: number[] = [];
  const rows: Row[] = [];
  const tables: string[] = [];
  for (const model of chosen(names)) {
    const setting: Setting = { fleet, model, onnx: generateModel(model, 1), picture, lagSeconds };
    const requests = await requestsFor(setting, asked ?? thesis.requests);
    const cut = cutWords(model, requests, asked ?? thesis.requests, runSecondsMax);
    if (cut !== '') say(cut);
    const runs = new Map<Arm, ArmRun[]>(arms.map((arm) => [arm, []]));
    for (let round = 1; round <= rounds; round += 1) {
      calibrations.push(calibrate());
      let periodSeconds = 1;
      for (const arm of arms) {
        const one = await runArm(setting, arm, requests, periodSeconds);
        say(`${model}, round ${round} of ${rounds}, ${nameOf(arm)}: ${one.seconds.toFixed(1)} s`);
        if (arm === arms[0]) {
          periodSeconds = alertPeriodSeconds(one.seconds);
          say(`    thresholds add a worker after ${periodSeconds} s above 80 %: the thesis's share of this run`);
        }
        runs.get(arm)?.push(one);
      }
    }
    rows.push(...rowsOf(model, runs));
    tables.push(`${tableOf(model, runs)}${cut === '' ? '' : `\n${cut}`}`);
  }
  console.log(
    `\nworkers of ${workerCpus} cores; ${thesis.callers} requests at once; a further worker ${lagSeconds === 0 ? 'is there at once' : `comes ${lagSeconds} s after it was asked for`}; the thesis's took 150 s`,
  );
  for (const table of tables) console.log(`\n${table}`);
  return report('thesis', median(calibrations), rows);
}
