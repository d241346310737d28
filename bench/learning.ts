/**
 * `npm run bench -- learning [--traces FOLDER] [--quick]`: what forecasters are worth to the rehearsing policy, and what the
 * learned set-point is worth over it, in the light world of the governor's benchmark. On loads that nobody can foretell
 * neither may cost anything; on loads that come round they should pay. Each is printed, also where it pays nothing.
 */
import { publicTraces, type Trace } from './governor/traces.ts';
import { arrivalsOf, simulate, type Outcome } from './governor/world.ts';
import { makePolicy } from '../src/core/scaling/policies/list.ts';
import type { Policy } from '../src/core/scaling/policy.ts';
import { calibrate, report, row, slowness, type BenchmarkOptions, type Report, type Row } from './report.ts';

const lags = [10, 60, 150] as const;

function policyOf(name: string): Policy {
  const made = makePolicy(name);
  if (made.kind === 'refused') throw new TypeError(made.problems.join('; '));
  return made.policy;
}

interface Shape {
  readonly trace: Trace;
  /** Nobody can foretell it: neither may cost anything. */
  readonly isNoise: boolean;
}

function shapes(quick: boolean): Shape[] {
  const seconds = (quick ? 1 : 3) * 86_400;
  const shape = (name: string, at: (second: number) => number, isNoise = false): Shape => ({
    trace: { name, rates: Float64Array.from({ length: seconds }, (_, second) => at(second)), long: true },
    isNoise,
  });
  return [
    shape('a constant with Poisson arrivals', () => 150, true),
    shape('a tide of ten minutes', (second) => 100 + 80 * Math.sin((2 * Math.PI * second) / 600)),
    shape('a surge of ten minutes every hour', (second) => (second % 3600 < 600 ? 300 : 60)),
  ];
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
const costOver = (one: Outcome, other: Outcome): number => one.cost / other.cost;

export function run({ traces: folder, quick }: BenchmarkOptions): Promise<Report> {
  const calibration = calibrate();
  const path = folder ?? process.env['FLYBALL_TRACES'];
  const found = path === undefined ? [] : publicTraces(path, quick);
  const all = [...shapes(quick), ...found.map((trace): Shape => ({ trace, isNoise: false }))];
  const rows: Row[] = [];
  const [foreseeing, learning, ofForecasts, ofLearned]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (const { trace, isNoise } of all) {
    const arrivals = arrivalsOf(trace, 1);
    for (const lag of lags) {
      const slo = policyOf('slo');
      const without = simulate({ ...slo, foresees: false }, arrivals, lag);
      const with_ = simulate(slo, arrivals, lag);
      const learned = simulate(policyOf('learned'), arrivals, lag);
      foreseeing.push(with_.decideMicros);
      learning.push(learned.decideMicros);
      ofForecasts.push(costOver(with_, without));
      ofLearned.push(costOver(learned, with_));
      console.log(
        `${trace.name}, lag ${lag} s: slo without forecasters ${without.cost.toFixed(2)} (${percent(without.violations)} late),` +
          ` with ${with_.cost.toFixed(2)} (${percent(with_.violations)}), learned ${learned.cost.toFixed(2)}` +
          ` (${percent(learned.violations)})`,
      );
      if (!isNoise) continue;
      const none = { kind: 'at-most', value: 1 } as const;
      rows.push(
        row(`${trace.name}, lag ${lag} s: cost with forecasters ÷ without`, '×', [costOver(with_, without)], none),
      );
      rows.push(row(`${trace.name}, lag ${lag} s: cost of learned ÷ slo`, '×', [costOver(learned, with_)], none));
    }
  }
  const factor = slowness(calibration);
  rows.push(
    row('cost with forecasters ÷ without, mean of all', '×', [mean(ofForecasts)], {
      kind: 'at-most',
      value: 1,
      aim: 0.98,
    }),
    row('cost with forecasters ÷ without, the worst', '×', [Math.max(...ofForecasts)], {
      kind: 'at-most',
      value: 1.03,
    }),
    row('cost of learned ÷ slo, mean of all', '×', [mean(ofLearned)], { kind: 'at-most', value: 1, aim: 0.98 }),
    row('cost of learned ÷ slo, the worst', '×', [Math.max(...ofLearned)], { kind: 'at-most', value: 1.03 }),
    row(
      'deciding by slo with forecasters, CPU of a simulated second',
      'µs',
      foreseeing,
      { kind: 'at-most', value: 20, aim: 8 },
      factor,
    ),
    row(
      'deciding by learned with forecasters, CPU of a simulated second',
      'µs',
      learning,
      { kind: 'at-most', value: 20, aim: 8 },
      factor,
    ),
  );
  return Promise.resolve(report('learning', calibration, rows));
}
