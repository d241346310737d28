/**
 * How fast the rehearsal is, request by request, on one core: requests a second at a mean of 150 a second, and a trace of
 * 58 days at its own rate against real time. `--trace FILE` names the recorded trace; without it a synthetic one of the
 * same length and mean rate stands in, and the rows say so.
 */
import { readFileSync } from 'node:fs';
import { makePolicy, policies } from '../src/core/scaling/policies/list.ts';
import type { Policy } from '../src/core/scaling/policy.ts';
import { rehearse } from '../src/rehearsal/rehearse.ts';
import { initialReplicas, type Scenario } from '../src/rehearsal/scenario.ts';
import { readTrace } from '../src/rehearsal/traffic/read-trace.ts';
import { shapedTraffic } from '../src/rehearsal/traffic/shapes.ts';
import { durationMs, scaledTo, type Traffic } from '../src/rehearsal/traffic/traffic.ts';
import { calibrate, report, row, slowness, type BenchmarkOptions, type Report, type Row } from './report.ts';

const serviceMs = 100;
const hoursAtMeanRate = 4;
const meanPerSecond = 150;
/** The recorded trace's own: 84,332 minutes, 0.684 requests a second. */
const longDays = 84_332 / 1440;
const longPerSecond = 0.684;

function scenarioOf(traffic: Traffic): Scenario {
  const [min, max] = [1, 1000];
  return {
    traffic,
    min,
    max,
    service: { curve: [{ rows: 1, ms: serviceMs }], spread: { kind: 'fixed', mean: 1 }, sizeMax: 1 },
    lag: { kind: 'fixed', mean: 10_000 },
    initial: initialReplicas(traffic, 1000 / serviceMs, min, max),
    queueLengthMax: 1024,
    latencyMs: 5 * serviceMs,
    deadlineMs: 10 * serviceMs,
    cpuShare: 1,
    faults: {},
    seed: 1,
  };
}

function policyOf(name: string): Policy {
  const made = makePolicy(name);
  if (made.kind === 'refused') throw new Error(made.problems.join('; '));
  return made.policy;
}

interface Speed {
  readonly perSecond: number;
  readonly timesRealTime: number;
}

function measure(traffic: Traffic, name: string): Speed {
  const scenario = scenarioOf(traffic);
  const begunAt = performance.now();
  const { requests } = rehearse(scenario, policyOf(name));
  const tookMs = performance.now() - begunAt;
  return { perSecond: (requests * 1000) / tookMs, timesRealTime: durationMs(traffic) / tookMs };
}

function longTrace(path: string | undefined): { traffic: Traffic; name: string } {
  if (path !== undefined) {
    const name = path.split('/').at(-1) ?? path;
    return { traffic: readTrace(name, readFileSync(path, 'utf8')), name };
  }
  const traffic = scaledTo(shapedTraffic('diurnal', Math.round(longDays * 86_400)), longPerSecond);
  return { traffic, name: 'synthetic days of the same length' };
}

export async function run({ rounds, trace }: BenchmarkOptions): Promise<Report> {
  const calibration = calibrate();
  const slow = slowness(calibration);
  const steady = scaledTo(shapedTraffic('diurnal', hoursAtMeanRate * 3600), meanPerSecond);
  const long = longTrace(trace);
  // The first run compiles what the others run.
  measure(steady, 'thresholds');
  const times = (count: number, traffic: Traffic, name: string): Speed[] =>
    Array.from({ length: count }, () => measure(traffic, name));
  const rows: Row[] = [
    row(
      `requests, mean of ${meanPerSecond}/s, thresholds`,
      'million/s',
      times(rounds, steady, 'thresholds').map(({ perSecond }) => perSecond / 1e6),
      { kind: 'at-least', value: 2, aim: 7 },
      slow,
    ),
  ];
  // The policy with hundreds of shadows takes minutes on it, so one round has to do.
  const bars = { thresholds: { value: 1e5, rounds: 3 }, slo: { value: 2e4, aim: 1e5, rounds: 1 } };
  for (const [name, { rounds: most, ...bar }] of Object.entries(bars)) {
    if (!policies.some((one) => one.name === name)) continue;
    const speeds = times(Math.min(rounds, most), long.traffic, name).map(({ timesRealTime }) => timesRealTime);
    rows.push(row(`${long.name} at its own rate, ${name}`, '× real time', speeds, { kind: 'at-least', ...bar }, slow));
  }
  return report('rehearsal', calibration, rows);
}
