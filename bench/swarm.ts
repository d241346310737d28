/**
 * `npm run bench -- swarm [--rounds N] [--seconds S]`: what a real Swarm costs over processes of this machine, with the
 * same limit of a replica: throughput side by side in every round, who is first changes; how long a rise from one replica
 * to six takes, by stage, with the image present; and how long the testbed of three nodes takes to come up.
 */
import { generateModel } from '../src/onnx/generate.ts';
import { startPlatform, until, type Platform, type PlatformFiles } from '../test/support/platform.ts';
import { openTestbed } from '../testbed/testbed.ts';
import { v2BinaryBody } from './bodies.ts';
import { loadedMs, openFleet, untilServing, type Fleet } from './fleet/fleet.ts';
import { stages, stageSeconds, type RiseSeen } from './fleet/stages.ts';
import { generateLoad } from './h2load.ts';
import { calibrate, median, report, row, slowness, type BenchmarkOptions, type Report, type Row } from './report.ts';

const nodes = 3;
/** Of the replica that is measured on either side. */
const cpu = 0.5;
const callers = 8;
/** A rise: of a model that loads at once, so that what the fleet takes is seen. */
const [lowest, highest] = [1, 6];
/** A window of a limited replica begins anywhere in the kernel's 100 ms. */
const secondsMin = 4;
const lookMs = 25;

const files: PlatformFiles = {
  models: {
    'resnet18/1/model.onnx': generateModel('resnet18', 1),
    'tiny/1/model.onnx': generateModel('mlp', 1),
  },
  specification: {
    models: { resnet18: { path: './models/resnet18' }, tiny: { path: './models/tiny' } },
    deployments: {
      resnet18: { model: 'resnet18', replicas: { min: 1, max: 1 }, resources: { cpu } },
      tiny: { model: 'tiny', replicas: { min: lowest, max: highest } },
    },
  },
};

/** A limit that only one side keeps would be what is measured. */
async function refuseWithoutLimit(platform: Platform, side: string): Promise<void> {
  const found = (await platform.status()).deployments.find(({ name }) => name === 'resnet18');
  const limits = found?.replicas[0]?.limits;
  if (limits !== 'enforced') throw new Error(`${side}: expected resources.cpu to be enforced, came: ${limits}`);
}

async function perSecond(platform: Platform, seconds: number): Promise<number> {
  const { body, headerLength } = v2BinaryBody('input', [1, 3, 224, 224]);
  const headers = { 'content-type': 'application/octet-stream', 'inference-header-content-length': `${headerLength}` };
  const url = `${platform.http}/v2/models/resnet18/infer`;
  return (await generateLoad({ url, protocol: 'http1', body, headers, callers, seconds })).perSecond;
}

async function scale(platform: Platform, replicas: number): Promise<void> {
  const response = await fetch(`${platform.control}/api/v1/deployments/tiny/scale`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ replicas, by: 'benchmark' }),
  });
  if (!response.ok) throw new Error(`scale answered ${response.status}: ${await response.text()}`);
}

async function look(fleet: Fleet, platform: Platform, since: number): Promise<RiseSeen> {
  const [status, running] = await Promise.all([platform.status(), fleet.running('tiny')]);
  const at = (performance.now() - since) / 1000;
  const tiny = status.deployments.find(({ name }) => name === 'tiny');
  const states = tiny?.replicas.map(({ state }) => state) ?? [];
  const count = (...among: readonly string[]): number => states.filter((state) => among.includes(state)).length;
  return {
    at,
    ordered: count('starting', 'loading', 'warming', 'ready'),
    running,
    loaded: count('warming', 'ready'),
    warmed: count('ready'),
    ready: tiny?.counts.serving ?? 0,
  };
}

/** What was seen from the order until all are served to. */
async function rise(fleet: Fleet, platform: Platform): Promise<RiseSeen[]> {
  const seen: RiseSeen[] = [];
  const since = performance.now();
  await scale(platform, highest);
  for (;;) {
    const one = await look(fleet, platform, since);
    seen.push(one);
    if (one.ready >= highest) return seen;
    if (one.at * 1000 > loadedMs) throw new Error(`${one.ready} of ${highest} replicas serve after ${one.at} s`);
    await new Promise((resolve) => {
      setTimeout(resolve, lookMs);
    });
  }
}

/** Until nothing of the rise is left: the next one begins where this one did. */
async function fall(fleet: Fleet, platform: Platform): Promise<void> {
  await scale(platform, lowest);
  await untilServing(platform, 'tiny', lowest);
  await until('the engine to have one task', async () => ((await fleet.running('tiny')) === lowest ? true : undefined));
}

async function testbedUpSeconds(): Promise<number> {
  const since = performance.now();
  await using _ = await openTestbed({ nodes });
  return (performance.now() - since) / 1000;
}

export async function run({ rounds, seconds }: BenchmarkOptions): Promise<Report> {
  const ups: number[] = [];
  for (let round = 0; round < rounds; round += 1) ups.push(await testbedUpSeconds());
  await using fleet = await openFleet({ nodes });
  await using swarm = await fleet.start(files);
  await using processes = await startPlatform(files);
  for (const [side, platform] of [
    ['Swarm', swarm],
    ['processes', processes],
  ] as const) {
    await untilServing(platform, 'resnet18', 1);
    await untilServing(platform, 'tiny', lowest);
    await refuseWithoutLimit(platform, side);
    await perSecond(platform, 1);
  }
  const [swarms, others]: [number[], number[]] = [[], []];
  const rises: ReturnType<typeof stageSeconds>[] = [];
  const calibrations: number[] = [];
  const span = Math.max(seconds, secondsMin);
  for (let round = 0; round < rounds; round += 1) {
    process.stderr.write(`round ${round + 1} of ${rounds}\n`);
    calibrations.push(calibrate());
    const sides = [
      [swarm, swarms],
      [processes, others],
    ] as const;
    for (const [platform, rates] of round % 2 === 0 ? sides : sides.toReversed())
      rates.push(await perSecond(platform, span));
    rises.push(stageSeconds(await rise(fleet, swarm), highest));
    await fall(fleet, swarm);
  }
  const slow = slowness(median(calibrations));
  const rows: Row[] = [
    row(
      `ResNet-18, ${cpu} cores, ${callers} callers: requests/s of the Swarm ÷ of processes`,
      '×',
      swarms.map((rate, round) => rate / (others[round] as number)),
      { kind: 'at-least', value: 0.9 },
    ),
    row('of the Swarm', 'requests/s', swarms),
    row('of processes', 'requests/s', others),
    ...stages.map((stage) => {
      const each = rises.map((one) => one[stage] ?? Number.NaN);
      const words = { ordered: 'ordered', running: 'task running', loaded: 'loaded', warmed: 'warmed', ready: 'ready' };
      const id = `${lowest} to ${highest} replicas, image present, the last one: ${words[stage]}`;
      return row(id, 's', each, stage === 'ready' ? { kind: 'at-most', value: 5 } : undefined, slow);
    }),
    row(`testbed of ${nodes} nodes up`, 's', ups, { kind: 'at-most', value: 20 }, slow),
  ];
  return report('swarm', median(calibrations), rows);
}
