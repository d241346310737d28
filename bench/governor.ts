/**
 * `npm run bench -- governor [--traces FOLDER] [--quick]`: the rehearsing policy against every reference over its own
 * parameter grid, on recorded loads, at three lags. References are chosen in hindsight, per trace, which is the hardest
 * comparison; starts are priced at a lag of one replica for both sides. Where a reference wins is printed, too.
 */
import { costAt, dominatedShare, frontOf, type Point } from './governor/fronts.ts';
import { knobs, made, references, type Candidate } from './governor/grids.ts';
import { madeUpTraces, publicTraces, surprises, type Trace } from './governor/traces.ts';
import { arrivalsOf, perSecondOf, serviceSeconds, simulate, type Outcome } from './governor/world.ts';
import { clairvoyantReplicaSeconds } from '../src/rehearsal/clairvoyant.ts';
import { calibrate, median, report, row, slowness, type BenchmarkOptions, type Report, type Row } from './report.ts';

const lags = [0.5, 10, 150] as const;
const levels = [0.01, 0.001] as const;
const knob = 0.01;

interface Run extends Outcome {
  readonly candidate: Candidate;
}

/** One load from one seed, at one lag. */
interface Case {
  readonly trace: Trace;
  readonly lag: number;
  readonly arrivals: Uint16Array;
  readonly own: readonly Run[];
  readonly others: readonly Run[];
}

const point = ({ violations, cost }: Run): Point => ({ violations, cost });

function play(trace: Trace, arrivals: Uint16Array, lag: number, brief: boolean): Case {
  const outcome = (candidate: Candidate): Run => ({ ...simulate(made(candidate), arrivals, lag), candidate });
  const own = knobs.map((tolerated): Candidate => ({ policy: 'slo', parameters: { tolerated } }));
  return { trace, lag, arrivals, own: own.map(outcome), others: references(brief).map(outcome) };
}

/** The front of each reference by itself: what its operator could choose from. */
function frontsOf({ others }: Case): Point[] {
  return [...Map.groupBy(others, ({ candidate }) => candidate.policy).values()].flatMap((runs) =>
    frontOf(runs.map(point)),
  );
}

const ownAt = ({ own }: Case): Run => own[knobs.indexOf(knob)] as Run;
const keyOf = ({ policy, parameters }: Candidate): string => `${policy} ${JSON.stringify(parameters)}`;

/** Cost over that of the best dynamic reference in hindsight; undefined where neither reaches the level. */
function ratioAt({ own, others }: Case, level: number): number | undefined {
  const mine = costAt(own.map(point), level);
  const policies = Map.groupBy(others, ({ candidate }) => candidate.policy);
  const best = Math.min(...[...policies.values()].map((runs) => costAt(runs.map(point), level)));
  return Number.isFinite(mine) || Number.isFinite(best) ? mine / best : undefined;
}

/** The seeds of one trace count as one case, by their median. */
function ratiosOf(cases: readonly Case[]): { name: string; level: number; ratio: number }[] {
  return [...Map.groupBy(cases, ({ trace }) => trace.name)].flatMap(([name, seeds]) =>
    levels.flatMap((level) => {
      const known = seeds.map((one) => ratioAt(one, level)).filter((ratio) => ratio !== undefined);
      return known.length === 0 ? [] : [{ name, level, ratio: median(known) }];
    }),
  );
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean cost over the cheapest single parameter of any reference that keeps the knob on every trace. */
function againstOneParameter(cases: readonly Case[]): number {
  const single = new Map<string, Run[]>();
  for (const { others } of cases)
    for (const run of others) single.set(keyOf(run.candidate), [...(single.get(keyOf(run.candidate)) ?? []), run]);
  const keeping = [...single.values()].filter((runs) => runs.every(({ violations }) => violations <= knob));
  const best = Math.min(...keeping.map((runs) => mean(runs.map(({ cost }) => cost))));
  return mean(cases.map((one) => ownAt(one).cost)) / best;
}

/** Mean replicas of who knows the future and what is tolerated. */
function foreknown({ arrivals, lag }: Case): number {
  const perSecond = perSecondOf(arrivals);
  const terms = {
    perSecond,
    serviceSeconds,
    latencySeconds: 5 * serviceSeconds,
    lagSeconds: lag,
    tolerated: knob,
    min: 1,
  };
  return clairvoyantReplicaSeconds(terms) / perSecond.length;
}

function rowsAt(lag: number, cases: readonly Case[]): Row[] {
  const ratios = ratiosOf(cases);
  const share = (limit: number): number => (100 * ratios.filter(({ ratio }) => ratio <= limit).length) / ratios.length;
  // Where one side never gets as safe there is no ratio; the shares above count it for the other.
  const reached = ratios.map(({ ratio }) => ratio).filter((ratio) => ratio > 0 && Number.isFinite(ratio));
  const fast = lag <= 10;
  const bound = (one: Case): number =>
    costAt(
      one.own.map(({ violations, replicas }) => ({ violations, cost: replicas })),
      knob,
    );
  const distances = cases.map((one) => bound(one) / foreknown(one)).filter(Number.isFinite);
  const long = cases.filter(({ trace }) => trace.long).map((one) => 100 * ownAt(one).violations);
  const dominated = cases.map((one) => 100 * dominatedShare(one.own.map(point), frontsOf(one)));
  const reversals = cases.map((one) => ownAt(one).reversalsPerHour);
  const of = (what: string): string => `lag ${lag} s: ${what}`;
  const rows = [
    row(of('no dearer than the best dynamic reference in hindsight, by case'), '%', [share(1.0)], {
      kind: 'at-least',
      value: 60,
      aim: 90,
    }),
    row(of('within 5 % of it'), '%', [share(1.05)], { kind: 'at-least', value: 80, aim: 100 }),
    row(of('mean cost ratio to it'), '×', [mean(reached)], { kind: 'at-most', value: 1, aim: 0.92 }),
    row(of('points of the fronts of the references that are dominated'), '%', [mean(dominated)], {
      kind: 'at-least',
      value: 65,
      aim: 95,
    }),
    row(of('cost ÷ that of who knows the future, median of the traces'), '×', distances, {
      kind: 'at-most',
      value: fast ? 1.2 : 1.35,
      aim: fast ? 1.1 : 1.2,
    }),
  ];
  if (fast)
    rows.push(
      row(of('knob 1 % ÷ best single parameter for all traces'), '×', [againstOneParameter(cases)], {
        kind: 'at-most',
        value: 0.9,
        aim: 0.8,
      }),
    );
  if (long.length > 0)
    rows.push(
      row(of('violations at knob 1 %, the worst of the long traces'), '%', [Math.max(...long)], {
        kind: 'at-most',
        value: fast ? 1 : 1.5,
        aim: 1,
      }),
    );
  const calm = lag === 10 ? ({ kind: 'at-most', value: 20, aim: 7 } as const) : undefined;
  rows.push(row(of('reversals an hour at knob 1 %, mean of the traces'), '1/h', [mean(reversals)], calm));
  return rows;
}

/** Knob 1 % on what nothing announces, beside the cheapest fleet of one size that keeps 1 %. */
function surpriseRows(brief: boolean): Row[] {
  const rows: Row[] = [];
  for (const trace of surprises()) {
    process.stderr.write(`${trace.name}\n`);
    const arrivals = arrivalsOf(trace, 1);
    for (const lag of lags) {
      const one = play(trace, arrivals, lag, brief);
      const own = ownAt(one);
      // Bisection: a larger fleet is never later.
      let [low, high] = [0, 400];
      while (high - low > 1) {
        const count = (low + high) >> 1;
        const { violations } = simulate(made({ policy: 'fixed', parameters: { count } }), arrivals, lag);
        if (violations <= knob) high = count;
        else low = count;
      }
      const affordable = one.others.filter(({ cost }) => cost <= own.cost);
      const best = Math.min(1, ...affordable.map(({ violations }) => violations));
      rows.push(
        row(`${trace.name}, lag ${lag} s: cost ÷ cheapest fixed fleet (${high})`, '×', [own.cost / high], {
          kind: 'at-most',
          value: 1.25,
          aim: 1,
        }),
        row(
          `${trace.name}, lag ${lag} s: violations; the best reference at that cost has the bar`,
          '%',
          [100 * own.violations],
          {
            kind: 'at-most',
            value: Math.max(0.1, 100 * best),
          },
        ),
      );
    }
  }
  return rows;
}

/** Each case as a line, and where a reference is cheaper, which. */
function tell(lag: number, cases: readonly Case[]): void {
  for (const { name, level, ratio } of ratiosOf(cases)) {
    const seeds = cases.filter(({ trace }) => trace.name === name);
    const [one] = seeds as [Case];
    const best = [...Map.groupBy(one.others, ({ candidate }) => candidate.policy)]
      .map(([policy, runs]) => ({ policy, cost: costAt(runs.map(point), level) }))
      .sort((a, b) => a.cost - b.cost)[0];
    const seen = median(seeds.map((seed) => 100 * ownAt(seed).violations));
    const against =
      ratio === 0
        ? 'no reference gets there'
        : Number.isFinite(ratio)
          ? `${ratio.toFixed(3)} × the best reference (${best?.policy} at ${best?.cost.toFixed(1)})`
          : `no knob gets there, ${best?.policy} does at ${best?.cost.toFixed(1)}`;
    console.log(
      `lag ${lag} s, ${name}, ${100 * level} %: ${against}; knob 1 %: ${seen.toFixed(2)} % late,` +
        ` ${median(seeds.map((seed) => ownAt(seed).replicas)).toFixed(1)} replicas,` +
        ` ${median(seeds.map((seed) => ownAt(seed).reversalsPerHour)).toFixed(0)} reversals an hour`,
    );
  }
}

export function run({ traces: folder, quick }: BenchmarkOptions): Promise<Report> {
  const calibration = calibrate();
  const path = folder ?? process.env['FLYBALL_TRACES'];
  const found = path === undefined ? [] : publicTraces(path, quick);
  const traces = found.length > 0 ? found : madeUpTraces(1);
  console.log(
    found.length > 0
      ? `loads: ${traces.map(({ name }) => name).join(', ')} from ${path}`
      : 'loads: made up, since the public traces are not in this repository; --traces FOLDER compares on them',
  );
  const seeds = quick ? 1 : 5;
  const rows: Row[] = [];
  const deciding: number[] = [];
  const dominated: number[] = [];
  const byLag = new Map<number, Case[]>(lags.map((lag) => [lag, []]));
  for (const trace of traces) {
    for (let seed = 1; seed <= (trace.long ? 1 : seeds); seed += 1) {
      process.stderr.write(`${trace.name}, seed ${seed}\n`);
      const arrivals = arrivalsOf(trace, seed);
      for (const lag of lags) {
        const one = play(trace, arrivals, lag, quick);
        byLag.get(lag)?.push(one);
        deciding.push(...one.own.map(({ decideMicros }) => decideMicros));
        dominated.push(100 * dominatedShare(one.own.map(point), frontsOf(one)));
      }
    }
  }
  for (const [lag, cases] of byLag) {
    tell(lag, cases);
    rows.push(...rowsAt(lag, cases));
  }
  rows.push(
    row('all lags: points of the fronts of the references that are dominated', '%', [mean(dominated)], {
      kind: 'at-least',
      value: 85,
      aim: 95,
    }),
    ...surpriseRows(quick),
    row(
      'deciding, CPU of a simulated second',
      'µs',
      deciding,
      { kind: 'at-most', value: 20, aim: 8 },
      slowness(calibration),
    ),
  );
  return Promise.resolve(report('governor', calibration, rows));
}
