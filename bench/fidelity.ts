/**
 * `npm run bench -- fidelity [--minutes 10]`: how near a rehearsal comes to the real platform. The demonstration's
 * ResNet-18 deployment (a tenth of a core a replica, 1 to 12, policy `slo` in `auto`) gets shaped load at exact times; then
 * the same times go through a rehearsal with the latency model that the platform has learned of itself during the run.
 * Nothing else is taken from the run: what replicas there were when, the rehearsal finds for itself.
 *
 * Real: p50 and p99 of the answers from the moment each was due, at the client; violations are those later than the
 * objective or not answered with 200, of all; replica-seconds from the order to the end of each, read five times a second.
 * Rehearsed: the median of several seeds. Errors are |rehearsed ÷ real − 1|. Violations are compared as what they are,
 * shares of the requests; where the real one is below 1 %, 1 % is what the difference is divided by, since a share of so
 * few requests is chance.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { WhyView } from '../src/api/schemas.ts';
import { orderToServingMs } from '../src/core/scaling/observation.ts';
import { makePolicy } from '../src/core/scaling/policies/list.ts';
import { learnedLag, learnedService } from '../src/rehearsal/learned.ts';
import { rehearse, type Outcome } from '../src/rehearsal/rehearse.ts';
import type { Scenario } from '../src/rehearsal/scenario.ts';
import { arrivalsOf } from '../src/rehearsal/traffic/arrivals.ts';
import { durationMs, nominalStartMs, type Traffic } from '../src/rehearsal/traffic/traffic.ts';
import { quantileOf } from '../src/rehearsal/world/distribution.ts';
import { until, type Platform } from '../test/support/platform.ts';
import { calibrate, median, report, row, type Bar, type BenchmarkOptions, type Report } from './report.ts';
import {
  ask,
  deploymentOf,
  goFirst,
  isPrepared,
  latencyOf,
  loadAt,
  max,
  name,
  scaleTo,
  setMode,
  setPolicy,
  startTenthCore,
} from './tenth-core.ts';

const bar: Bar = { kind: 'at-most', value: 15, aim: 7 };
const seeds = [1, 2, 3, 4, 5];
const sampleMs = 200;
const learnMs = 10_000;
/** Beside the deployment's own: a share of violations below this is chance. */
const violationsMin = 0.01;
/** By the specification's defaults. */
const deadlineMs = 30_000;
const queueLengthMax = 1024;

/** Replicas that the load keeps busy, at a share of the run: waves, a slope, silence, and a crowd. */
function unitsAt(share: number): number {
  const wave = (low: number, high: number, turns: number, from: number, to: number): number =>
    low + ((high - low) * (1 - Math.cos((2 * Math.PI * turns * (share - from)) / (to - from)))) / 2;
  if (share < 0.25) return wave(1, 4, 2, 0, 0.25);
  if (share < 0.45) return 1 + (6 * (share - 0.25)) / 0.2;
  if (share < 0.55) return 4;
  if (share < 0.65) return 0.8;
  if (share < 0.75) return 6.5;
  return wave(1, 5, 3, 0.75, 1);
}

/** Poisson within seconds, once for both. */
function trafficOf(minutes: number, callMs: number): Traffic {
  const seconds = Math.round(minutes * 60);
  const loads = Float64Array.from(
    { length: seconds },
    (_, second) => (unitsAt((second + 0.5) / seconds) * 1000) / callMs,
  );
  const shaped: Traffic = { name: 'fidelity', slotMs: 1000, counts: loads, loads, startWallMs: nominalStartMs };
  const times = new Float64Array(Math.ceil(loads.reduce((sum, load) => sum + load, 0) * 2) + 1000);
  return { ...shaped, times: times.slice(0, arrivalsOf(shaped, 1).take(times)) };
}

interface Figures {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly violations: number;
  readonly replicaSeconds: number;
}

/** Replicas that are there in any state, summed over time, until the signal. */
function countReplicas(platform: Platform, ended: AbortSignal): Promise<number> {
  return (async () => {
    let [seconds, before] = [0, performance.now()];
    while (!ended.aborted) {
      await delay(sampleMs);
      const { replicas } = await deploymentOf(platform);
      const now = performance.now();
      seconds += (replicas.length * (now - before)) / 1000;
      before = now;
    }
    return seconds;
  })();
}

async function real(platform: Platform, traffic: Traffic, objectiveMs: number): Promise<Figures> {
  const ended = new AbortController();
  const counted = countReplicas(platform, ended.signal);
  const times = [...(traffic.times ?? [])];
  const finish = delay(durationMs(traffic)).then(() => ended.abort());
  const { sent, report: kept } = await loadAt(platform, times, durationMs(traffic));
  await finish;
  if (!kept.schedule.kept) {
    const lag = Math.round(kept.schedule.lagP99Ms ?? 0);
    process.stderr.write(`the generator was ${lag} ms late at p99: the machine is not quiet\n`);
  }
  const answered = sent.filter(({ status }) => status === 200).map(({ dueAt, endedAt }) => endedAt - dueAt);
  const sorted = answered.toSorted((left, right) => left - right);
  const at = (share: number): number => sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
  const kept200 = answered.filter((ms) => ms <= objectiveMs).length;
  return {
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    violations: 1 - kept200 / times.length,
    replicaSeconds: await counted,
  };
}

const figuresOf = ({ p50Ms, p99Ms, violationFraction, replicaSeconds }: Outcome): Figures => ({
  p50Ms,
  p99Ms,
  violations: violationFraction,
  replicaSeconds,
});

async function learned(platform: Platform, traffic: Traffic): Promise<Omit<Scenario, 'seed'>> {
  const model = await latencyOf(platform);
  const { inputs } = await ask<WhyView>(platform, `/deployments/${name}/why`);
  const service = learnedService(model);
  const lag = learnedLag(model);
  if (service === undefined || lag === undefined || inputs === undefined) throw new Error('nothing has been learned');
  process.stderr.write(
    `learned from ${model.calls} calls and ${model.starts.length} starts: ${service.curve.map(({ rows, ms }) => `${rows.toFixed(1)} rows ${Math.round(ms)} ms`).join(', ')}; ` +
      `lag p50 ${Math.round(quantileOf(lag, 0.5))} ms, as policies are told ${Math.round(orderToServingMs(inputs.lag))} ms\n`,
  );
  return {
    traffic,
    service,
    lag,
    starts: model,
    stages: inputs.lag,
    min: 1,
    max,
    initial: 1,
    queueLengthMax,
    latencyMs: inputs.objective.latencyMs,
    deadlineMs,
    cpuShare: 1,
    faults: {},
  };
}

export async function run({ minutes }: BenchmarkOptions): Promise<Report> {
  goFirst();
  const calibrations = [calibrate()];
  // Until the load begins one policy stands still, and then another begins that has seen nothing, as in a rehearsal.
  await using platform = await startTenthCore({ prestarted: 2, policy: 'fixed' });
  await platform.serving();
  await setMode(platform, 'advise');
  await until('the prepared file of the model', () => isPrepared(platform) || undefined);
  // Starts of a few and of many at once have been seen before they matter.
  for (const replicas of [3, 1, max, 1, 6, 1]) {
    await scaleTo(platform, replicas);
    await delay(1500);
  }
  const learning = Array.from({ length: Math.floor(learnMs / 700) }, (_, index) => index * 700);
  await loadAt(platform, learning, learnMs);
  const { service: known } = await latencyOf(platform);
  const calls = known.reduce((sum, one) => sum + one.calls, 0);
  const callMs = known.reduce((sum, one) => sum + one.calls * one.meanMs, 0) / calls;
  const traffic = trafficOf(minutes, callMs);
  const objectiveMs = (await ask<WhyView>(platform, `/deployments/${name}/why`)).inputs?.objective.latencyMs;
  if (objectiveMs === undefined) throw new Error('no objective is known');
  process.stderr.write(
    `${traffic.times?.length} requests in ${minutes} min, ${Math.round(callMs)} ms a call, objective ${Math.round(objectiveMs)} ms\n`,
  );
  await setMode(platform, 'auto');
  await setPolicy(platform, 'slo');
  const measured = await real(platform, traffic, objectiveMs);
  calibrations.push(calibrate());
  const scenario = await learned(platform, traffic);
  const made = makePolicy('slo', {});
  if (made.kind === 'refused') throw new Error(made.problems.join('; '));
  const outcomes = seeds.map((seed) => figuresOf(rehearse({ ...scenario, seed }, made.policy)));
  const of = (pick: (figures: Figures) => number): number[] => outcomes.map(pick);
  const error = (pick: (figures: Figures) => number, least = 0): number =>
    (Math.abs(median(of(pick)) - pick(measured)) / Math.max(pick(measured), least)) * 100;
  const rows = [
    row('p50: error', '%', [error((one) => one.p50Ms)], bar),
    row('p99: error', '%', [error((one) => one.p99Ms)], bar),
    row('violations: error', '%', [error((one) => one.violations, violationsMin)], bar),
    row('replica-seconds: error', '%', [error((one) => one.replicaSeconds)], bar),
    row('p50, real', 'ms', [measured.p50Ms]),
    row(
      'p50, rehearsed',
      'ms',
      of((one) => one.p50Ms),
    ),
    row('p99, real', 'ms', [measured.p99Ms]),
    row(
      'p99, rehearsed',
      'ms',
      of((one) => one.p99Ms),
    ),
    row('violations, real', '%', [measured.violations * 100]),
    row(
      'violations, rehearsed',
      '%',
      of((one) => one.violations * 100),
    ),
    row('replica-seconds, real', 's', [measured.replicaSeconds]),
    row(
      'replica-seconds, rehearsed',
      's',
      of((one) => one.replicaSeconds),
    ),
  ];
  return report('fidelity', median(calibrations), rows);
}
