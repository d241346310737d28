/**
 * `npm run bench -- flash`: a crowd of ten times the load on the demonstration's ResNet-18 deployment, and how long until
 * the live loop has enough replicas for it. Each round has a fresh platform with what the node has prepared before, so that
 * the model has run on the node and nothing is remembered of the round before; runners wait started ahead.
 *
 * Late: a request whose answer is not there when its latency objective is over. The first late request is the first
 * moment at which that is so, whether the answer comes later or never.
 * Enough: the gateway routes to as many replicas as the crowd keeps busy all the time: its rate × the mean time of a call,
 * rounded up (Little's law). A call is measured at the beginning of the round: several of them, one right after another.
 * A crowd that has enough before anybody is late counts as 0.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { processesWith } from '../src/drivers/orchestrators/process-identity.ts';
import type { DeploymentRoute, RoutingTable } from '../src/gateway/routing-table.ts';
import { arrivals, seededRandom } from '../src/load/arrivals.ts';
import { listProcesses } from '../test/support/processes.ts';
import { until, type Platform } from '../test/support/platform.ts';
import { calibrate, median, report, row, slowness, type BenchmarkOptions, type Report } from './report.ts';
import {
  ask,
  goFirst,
  isPrepared,
  latencyOf,
  loadAt,
  max,
  name,
  routed,
  scaleTo,
  setMode,
  setPolicy,
  startTenthCore,
} from './tenth-core.ts';

/** Runners that wait: as many as the crowd needs beside what is there. */
const prestarted = 8;
/** Replicas that the crowd keeps busy; a tenth of it comes before and after. */
const busy = 8;
const beforeMs = 15_000;
const crowdMs = 8000;
const afterMs = 2000;
/** Calls that tell what one takes. */
const learned = 16;
const pollMs = 5;
/** In the data directory, what the node has made for itself: models as it runs them best, and compiled code. */
const nodesOwn = ['prepared', 'compiled'];

interface Round {
  readonly lateToEnoughMs: number;
  readonly crowdToLateMs: number;
  readonly crowdToEnoughMs: number;
  readonly detectMs: number;
  readonly decideMs: number;
  readonly startMs: number;
  readonly loadMs: number;
  readonly warmMs: number;
  readonly serveMs: number;
  readonly lateShare: number;
  readonly need: number;
  readonly callMs: number;
}

const waitingRunners = ({ dataDirectory }: Platform): number => {
  const ours = new Set([...processesWith({ FLYBALL_RUN_DIRECTORY: join(dataDirectory, 'run') })].map(({ pid }) => pid));
  return listProcesses().filter(({ pid, command }) => ours.has(pid) && command === 'flyball runner, waiting').length;
};

function objectiveMs({ dataDirectory }: Platform): number {
  const text = readFileSync(join(dataDirectory, 'run', 'routing-table.json'), 'utf8');
  const found = (JSON.parse(text) as RoutingTable).deployments.find((one: DeploymentRoute) => one.name === name);
  if (found?.objectiveMs === undefined) throw new Error('no objective is known');
  return found.objectiveMs;
}

/** When the gateway was first told of so many, on this process's clock; polled until the signal ends it. */
function watchRouted(
  platform: Platform,
  ended: AbortSignal,
): { readonly at: Map<number, number>; done: Promise<void> } {
  const at = new Map<number, number>();
  const done = (async () => {
    while (!ended.aborted) {
      const count = routed(platform);
      for (let each = 1; each <= count; each += 1) if (!at.has(each)) at.set(each, performance.now());
      await delay(pollMs);
    }
  })();
  return { at, done };
}

async function round(prepared: string, seed: number): Promise<Round> {
  const dataDirectory = mkdtempSync(join(tmpdir(), 'flyball-flash-'));
  using removing = new DisposableStack();
  removing.defer(() => rmSync(dataDirectory, { recursive: true, force: true }));
  cpSync(prepared, dataDirectory, {
    recursive: true,
    filter: (path) => path === prepared || nodesOwn.some((folder) => path.startsWith(join(prepared, folder))),
  });
  // One policy stands still until what is measured begins, and then another begins that has seen nothing.
  await using platform = await startTenthCore({ prestarted, dataDirectory, policy: 'fixed' });
  await platform.serving();
  await setMode(platform, 'advise');
  await scaleTo(platform, 1);
  await until(`${prestarted} runners that wait`, () => waitingRunners(platform) >= prestarted || undefined);
  // What one takes says what a crowd of so many busy replicas is. The first few belong to the start.
  await loadAt(platform, [0, 0, 0, 0], 0);
  const learning = await loadAt(
    platform,
    Array.from({ length: learned }, () => 0),
    0,
  );
  const callMs = Math.max(...learning.sent.map(({ endedAt }) => endedAt)) / learned;
  const peak = (busy * 1000) / callMs;
  const need = Math.min(max, Math.ceil((peak * callMs) / 1000 - 1e-9));
  const durationMs = beforeMs + crowdMs + afterMs;
  const points = [
    { atMs: 0, rate: peak / 10 },
    { atMs: beforeMs, rate: peak },
    { atMs: beforeMs + crowdMs, rate: peak / 10 },
  ];
  const times = [...arrivals({ kind: 'trace', points }, durationMs, 'poisson', seededRandom(seed))];
  const objective = objectiveMs(platform);
  await setMode(platform, 'auto');
  await setPolicy(platform, 'slo');
  const ended = new AbortController();
  const watched = watchRouted(platform, ended.signal);
  const { startedAt, sent } = await loadAt(platform, times, durationMs);
  ended.abort();
  await watched.done;
  const crowd = sent.filter(({ dueAt }) => dueAt >= beforeMs && dueAt < beforeMs + crowdMs);
  const crowdAt = startedAt + Math.min(...crowd.map(({ dueAt }) => dueAt));
  const late = crowd.filter(({ dueAt, endedAt, status }) => status !== 200 || endedAt - dueAt > objective);
  const firstLateAt =
    startedAt +
    Math.min(
      ...late.map(({ dueAt, endedAt, status }) =>
        status === 200 ? dueAt + objective : Math.min(endedAt, dueAt + objective),
      ),
    );
  // Never within the run: it took longer than that.
  const enoughAt = watched.at.get(need) ?? startedAt + durationMs;
  if (!watched.at.has(need)) process.stderr.write(`  there were never ${need} replicas\n`);
  const raised = (
    await ask<{ at: number; action: string; details?: { done?: { kind: string } } }[]>(
      platform,
      `/journal?kind=decision&subject=${name}&order=newest&limit=200`,
    )
  ).findLast(({ at, details }) => details?.done?.kind === 'moved' && at - performance.timeOrigin >= crowdAt);
  const { starts } = await latencyOf(platform);
  const recent = starts.slice(-(need - 1));
  const of = (stage: 'decideMs' | 'startMs' | 'loadMs' | 'warmMs' | 'serveMs'): number =>
    recent.length === 0 ? Number.NaN : median(recent.map((start) => start[stage]));
  await setMode(platform, 'advise');
  return {
    lateToEnoughMs: late.length === 0 ? 0 : Math.max(0, enoughAt - firstLateAt),
    crowdToLateMs: late.length === 0 ? Number.NaN : firstLateAt - crowdAt,
    crowdToEnoughMs: Math.max(0, enoughAt - crowdAt),
    detectMs: raised === undefined ? Number.NaN : raised.at - performance.timeOrigin - crowdAt,
    decideMs: of('decideMs'),
    startMs: of('startMs'),
    loadMs: of('loadMs'),
    warmMs: of('warmMs'),
    serveMs: of('serveMs'),
    lateShare: late.length / crowd.length,
    need,
    callMs,
  };
}

export async function run({ rounds }: BenchmarkOptions): Promise<Report> {
  goFirst();
  const folder = mkdtempSync(join(tmpdir(), 'flyball-flash-'));
  const calibrations: number[] = [];
  const measured: Round[] = [];
  try {
    // The first platform on the node prepares the model and leaves what it costs.
    {
      await using platform = await startTenthCore({ prestarted: 1, dataDirectory: folder });
      await platform.serving();
      await until('the prepared file of the model', () => isPrepared(platform) || undefined);
    }
    for (let number = 1; number <= rounds; number += 1) {
      calibrations.push(calibrate());
      const one = await round(folder, number);
      process.stderr.write(
        `round ${number} of ${rounds}: ${JSON.stringify(one, (_, value) => (typeof value === 'number' ? Math.round(value * 100) / 100 : value))}\n`,
      );
      measured.push(one);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const slow = slowness(median(calibrations));
  const of = (pick: (one: Round) => number): number[] => measured.map(pick).filter((value) => !Number.isNaN(value));
  const rows = [
    row(
      'first late request → enough replicas',
      'ms',
      of((one) => one.lateToEnoughMs),
      { kind: 'at-most', value: 1500, aim: 500 },
      slow,
    ),
    row(
      'crowd comes → enough replicas',
      'ms',
      of((one) => one.crowdToEnoughMs),
    ),
    row(
      '  detect: crowd comes → target is raised',
      'ms',
      of((one) => one.detectMs),
    ),
    row(
      '  decide: look → order',
      'ms',
      of((one) => one.decideMs),
    ),
    row(
      '  start: order → its process speaks',
      'ms',
      of((one) => one.startMs),
    ),
    row(
      '  load',
      'ms',
      of((one) => one.loadMs),
    ),
    row(
      '  warm',
      'ms',
      of((one) => one.warmMs),
    ),
    row(
      '  serve: ready → routed to',
      'ms',
      of((one) => one.serveMs),
    ),
    row(
      'late of the crowd',
      '×',
      of((one) => one.lateShare),
    ),
    row(
      'enough',
      'replicas',
      of((one) => one.need),
    ),
    row(
      'a call, mean',
      'ms',
      of((one) => one.callMs),
    ),
  ];
  const withLate = of((one) => one.crowdToLateMs);
  if (withLate.length > 0) rows.splice(2, 0, row('crowd comes → first late request', 'ms', withLate));
  return report('flash', median(calibrations), rows);
}
