/** What the runs of one model amount to: the rows that are judged, and the table beside the thesis's. Pure. */
import { median, row, type Row } from '../report.ts';
import { arms, nameOf, thesis, thesisBaseline, thesisSeconds, type Arm } from './arms.ts';

/** One run of one arm. */
export interface ArmRun {
  readonly requests: number;
  /** From the first request to the last answer. */
  readonly seconds: number;
  readonly workerSeconds: number;
  /** The same over the run and as long again without a request. */
  readonly workerSecondsAfter: number;
  readonly workersMost: number;
  readonly p99Ms: number;
  readonly cpuSeconds: { readonly generator: number; readonly gateways: number; readonly rest: number };
}

/** One a round. */
export type Runs = ReadonlyMap<Arm, readonly ArmRun[]>;

const ofArm = (runs: Runs, arm: Arm): readonly ArmRun[] => runs.get(arm) ?? [];
const throughput = ({ requests, seconds }: ArmRun): number => requests / seconds;

function find(kind: (arm: Arm) => boolean): Arm {
  const found = arms.find(kind);
  if (found === undefined) throw new Error('there is no such arm');
  return found;
}
const baseline = find((arm) => arm.kind === 'fixed' && arm.workers === 2);
const four = find((arm) => arm.kind === 'fixed' && arm.workers === 4);
const governed = find((arm) => arm.kind === 'dynamic' && arm.policy === 'slo');

/** By round, so that a machine whose speed drifts disturbs both alike. */
function ratios(runs: Runs, [one, other]: readonly [Arm, Arm], of: (run: ArmRun) => number): number[] {
  const others = ofArm(runs, other);
  return ofArm(runs, one).map((run, round) => of(run) / of(others[round] as ArmRun));
}

export function rowsOf(model: string, runs: Runs): Row[] {
  const rows = [
    row(`${model}: SLO policy, 2 to 6 ÷ 2 workers: requests/s`, '×', ratios(runs, [governed, baseline], throughput), {
      kind: 'at-least',
      value: 1.5,
    }),
    row(
      `${model}: its worker-seconds ÷ those of 4 workers`,
      '×',
      ratios(runs, [governed, four], (run) => run.workerSeconds),
      { kind: 'at-most', value: 1.1 },
    ),
    row(
      '… over the run and as long again without load',
      '×',
      ratios(runs, [governed, four], (run) => run.workerSecondsAfter),
      { kind: 'at-most', value: 0.8 },
    ),
  ];
  for (const arm of arms) {
    const all = ofArm(runs, arm);
    const of = (pick: (run: ArmRun) => number): number[] => all.map(pick);
    rows.push(
      row(
        `${model}, ${nameOf(arm)}: ${all[0]?.requests ?? 0} requests`,
        's',
        of(({ seconds }) => seconds),
      ),
    );
    if (arm !== baseline && arm !== governed)
      rows.push(row('… requests/s ÷ 2 workers', '×', ratios(runs, [arm, baseline], throughput)));
    rows.push(
      row(
        '… p99',
        's',
        of(({ p99Ms }) => p99Ms / 1000),
      ),
      row(
        '… processor time of the load generator',
        's',
        of(({ cpuSeconds }) => cpuSeconds.generator),
      ),
      row(
        '… of the gateways',
        's',
        of(({ cpuSeconds }) => cpuSeconds.gateways),
      ),
      row(
        '… of control and supervisor',
        's',
        of(({ cpuSeconds }) => cpuSeconds.rest),
      ),
    );
  }
  return rows;
}

const figure = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(2));

function spread(values: readonly number[]): string {
  const middle = figure(median(values));
  return values.length === 1 ? middle : `${middle} (${figure(Math.min(...values))}…${figure(Math.max(...values))})`;
}

/** The thesis counted no worker-seconds: of a fixed number they follow from the time. */
function thesisCells(arm: Arm): string[] {
  const seconds = thesisSeconds(arm);
  if (seconds === undefined) return ['–', '–', '–'];
  const spent = arm.kind === 'fixed' ? figure(arm.workers * seconds) : '–';
  return [seconds.toFixed(2), (thesisBaseline / seconds).toFixed(2), spent];
}

/** Medians, and the range where there was more than one round. */
export function tableOf(model: string, runs: Runs): string {
  const head = [
    model,
    'time, s',
    '× baseline',
    'workers at most',
    'worker-seconds',
    'and as long idle',
    "thesis's time, s",
    '× baseline',
    'worker-seconds',
  ];
  const lines = arms.map((arm) => {
    const all = ofArm(runs, arm);
    const of = (pick: (run: ArmRun) => number): string => spread(all.map(pick));
    const seen = [
      nameOf(arm),
      of(({ seconds }) => seconds),
      spread(ratios(runs, [arm, baseline], throughput)),
      String(Math.max(...all.map(({ workersMost }) => workersMost))),
      of((run) => run.workerSeconds),
      of((run) => run.workerSecondsAfter),
    ];
    return seen.concat(thesisCells(arm));
  });
  const table = [head, ...lines];
  const widths = head.map((_, column) => Math.max(...table.map((line) => (line[column] as string).length)));
  return table
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] as number))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** What differs from the thesis's load, in words; empty where nothing does. */
export function cutWords(model: string, requests: number, asked: number, secondsMax: number): string {
  if (requests >= asked) {
    return asked === thesis.requests ? '' : `${model}: ${asked} requests, as asked for, in place of ${thesis.requests}`;
  }
  return `${model}: ${requests} requests in place of ${asked}, so that no run takes longer than ${secondsMax} s`;
}
