/**
 * `npm run bench -- overload`: three times what ResNet-18 can be served at, by an open loop (Poisson, from a seed),
 * against capacity by a closed loop in the same round with the same generator. Images as JPEG and as binary tensors.
 * Everything shares the machine: generator, gateway and two replicas. A round in which the generator was late by more
 * than 5 ms for one request in a hundred is said and does not count.
 */
import os from 'node:os';
import { generateModel } from '../src/onnx/generate.ts';
import type { HttpRequest } from '../src/load/payload.ts';
import { okPerSecond, overload, percentile, saturate, type Ending } from '../test/support/overload.ts';
import { startPlatform, type Platform } from '../test/support/platform.ts';
import { v2BinaryBody } from './bodies.ts';
import { imagePipeline, photograph } from './photograph.ts';
import { calibrate, median, report, row, type BenchmarkOptions, type Report, type Row } from './report.ts';

const deadlineMs = 1000;
const callers = 16;
/** Open connections of the open loop: enough for all that can wait, and those that are being refused. */
const slots = 512;
const timesCapacity = 3;
const warmUpMs = 1000;

interface Round {
  readonly capacity: number;
  readonly goodput: number;
  readonly refusedP99Ms: number;
  readonly withRetryAfter: number;
  readonly latestMs: number;
  readonly wasted: number;
  readonly lateStarts: number;
  readonly lagP99Ms: number;
  readonly kept: boolean;
}

const refusals = new Set(['QUEUE_FULL', 'OVERLOADED']);

async function executed(platform: Platform): Promise<number> {
  const response = await fetch(`${platform.http}/v2/models/resnet18/stats`);
  const { model_stats: all } = (await response.json()) as { model_stats: { inference_count: number }[] };
  return all[0]?.inference_count ?? 0;
}

async function round(platform: Platform, request: HttpRequest, seconds: number, seed: number): Promise<Round> {
  const url = new URL(platform.http);
  const measureCapacity = async (): Promise<number> => {
    const { endings } = await saturate({ url, request, slots: callers, seconds });
    return okPerSecond(endings, warmUpMs / 2, seconds * 1000);
  };
  const first = await measureCapacity();
  const before = await executed(platform);
  const patient = { ...request, headers: { ...request.headers, 'flyball-deadline-ms': String(deadlineMs) } };
  const rate = first * timesCapacity;
  const open = await overload({ url, request: patient, slots, rate, seed, seconds: seconds + warmUpMs / 1000 });
  const computed = (await executed(platform)) - before;
  const { endings } = open;
  const refused = endings.filter(({ code }) => refusals.has(code));
  const admitted = endings.filter(({ code }) => !refusals.has(code));
  const ok = admitted.filter(({ status }) => status === 200);
  const odd = admitted.filter(({ status, code }) => status !== 200 && code !== 'DEADLINE_EXCEEDED');
  if (odd.length > 0) throw new Error(`expected answers, refusals and 504, got ${describe(odd)}`);
  // Before and after: a machine that is slowing down or coming round must not pass for the server's doing.
  const capacity = (first + (await measureCapacity())) / 2;
  return {
    capacity,
    goodput: okPerSecond(endings, warmUpMs, (seconds + 1) * 1000) / capacity,
    refusedP99Ms: percentile(
      refused.map(({ tookMs }) => tookMs),
      0.99,
    ),
    withRetryAfter: refused.filter(({ retryAfter }) => Number(retryAfter) >= 1).length / Math.max(refused.length, 1),
    latestMs: Math.max(...admitted.map(({ tookMs }) => tookMs)) - deadlineMs,
    wasted: (computed - ok.length) / Math.max(computed, 1),
    lateStarts: admitted.filter(({ message }) => message.includes('being computed')).length,
    lagP99Ms: open.report.schedule.lagP99Ms ?? Number.NaN,
    kept: open.report.schedule.kept && open.report.schedule.waitedForConnection === 0 && open.report.unsent === 0,
  };
}

function describe(odd: readonly Ending[]): string {
  return [...new Set(odd.map(({ status, code, message }) => `${status} ${code} ${message}`))].slice(0, 3).join('; ');
}

function rowsOf(what: string, rounds: readonly Round[]): Row[] {
  const of = (pick: (round: Round) => number): number[] => rounds.map(pick);
  return [
    row(
      `${what}: goodput at 3 × ÷ capacity`,
      '×',
      of((one) => one.goodput),
      { kind: 'at-least', value: 0.95 },
    ),
    row(
      `${what}: refusal, p99`,
      'ms',
      of((one) => one.refusedP99Ms),
      { kind: 'at-most', value: 10 },
    ),
    row(
      `${what}: refusals with Retry-After`,
      '×',
      of((one) => one.withRetryAfter),
      { kind: 'at-least', value: 1 },
    ),
    row(
      `${what}: latest end of an admitted request after its deadline`,
      'ms',
      of((one) => one.latestMs),
      {
        kind: 'at-most',
        value: 20,
      },
    ),
    row(
      `${what}: computed for nobody ÷ computed`,
      '×',
      of((one) => one.wasted),
      { kind: 'at-most', value: 0.02 },
    ),
    row(
      `${what}: capacity, closed loop, ${callers} callers`,
      'items/s',
      of((one) => one.capacity),
    ),
    row(
      `${what}: started and not done in time`,
      'requests',
      of((one) => one.lateStarts),
    ),
    row(
      `${what}: generator's lag behind its schedule, p99`,
      'ms',
      of((one) => one.lagP99Ms),
    ),
  ];
}

/** The instrument must not be late because what it measures is busy; without the right to it, a late round is said. */
function goFirst(): void {
  try {
    os.setPriority(os.constants.priority.PRIORITY_HIGHEST);
  } catch {
    process.stderr.write('no right to a higher priority for the load generator\n');
  }
}

export async function run({ rounds, seconds }: BenchmarkOptions): Promise<Report> {
  const path = '/v2/models/resnet18/infer';
  const { body, headerLength } = v2BinaryBody('input', [1, 3, 224, 224]);
  const requests: Readonly<Record<string, HttpRequest>> = {
    JPEG: {
      method: 'POST',
      path: '/predictions/resnet18',
      headers: { 'content-type': 'image/jpeg' },
      body: await photograph(),
    },
    'binary tensors': {
      method: 'POST',
      path,
      headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(headerLength) },
      body,
    },
  };
  await using platform = await startPlatform({
    models: {
      'resnet18/1/model.onnx': generateModel('resnet18', 1),
      'resnet18/model.yaml': JSON.stringify(imagePipeline),
    },
    specification: {
      models: { resnet18: { path: './models/resnet18' } },
      deployments: { resnet18: { model: 'resnet18', replicas: { min: 2, max: 2 } } },
    },
  });
  await platform.serving();
  goFirst();
  const span = Math.max(seconds, 2);
  const calibrations: number[] = [];
  const measured = new Map<string, Round[]>(Object.keys(requests).map((what) => [what, []]));
  const url = new URL(platform.http);
  for (const request of Object.values(requests)) await saturate({ url, request, slots: callers, seconds: 1 });
  for (let number = 1; number <= rounds; number += 1) {
    process.stderr.write(`round ${number} of ${rounds}\n`);
    calibrations.push(calibrate());
    for (const [what, request] of Object.entries(requests)) {
      const one = await round(platform, request, span, number);
      if (one.kept) measured.get(what)?.push(one);
      else
        process.stderr.write(
          `  ${what}: the generator was ${one.lagP99Ms} ms late at p99; this round does not count\n`,
        );
    }
  }
  const rows = [...measured].flatMap(([what, all]) => {
    if (all.length === 0) throw new Error(`${what}: the generator kept its schedule in no round`);
    return rowsOf(what, all);
  });
  return report('overload', median(calibrations), rows);
}
