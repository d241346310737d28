/** What every benchmark prints and writes: rows with a value, a bar and a spread, and what the machine was like. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';

export interface BenchmarkOptions {
  readonly rounds: number;
  readonly seconds: number;
  /** A recorded trace to measure on, where a benchmark takes one. */
  readonly trace?: string | undefined;
  /** Folder of recorded traffic, where a benchmark reads some. */
  readonly traces?: string | undefined;
  /** Of load, where a benchmark runs the whole platform for so long. */
  readonly minutes: number;
  /** Shorter traces and coarser grids: minutes become seconds. */
  readonly quick: boolean;
  /** How many a run sends, where a benchmark sends so many and not for so long; absent: its own number. */
  readonly requests?: number | undefined;
  /** After which a machine comes that was asked for, where a benchmark has some; 0: it is there. */
  readonly lagSeconds: number;
  /** Names with commas between them, where a benchmark can leave some out; absent: all. */
  readonly models?: string | undefined;
}

export interface Bar {
  readonly kind: 'at-least' | 'at-most';
  readonly value: number;
  /** What to reach for; printed, not judged. */
  readonly aim?: number;
}

export interface Row {
  readonly id: string;
  readonly value: number;
  readonly unit: string;
  readonly bar: string | null;
  readonly ok: boolean;
  /** Of the rounds. */
  readonly spread: { readonly min: number; readonly max: number; readonly rounds: number };
}

export interface Report {
  readonly name: string;
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly loadAverage: readonly number[];
  /** Milliseconds that a fixed loop took beside the benchmark, and what it takes on the quiet reference machine. */
  readonly calibration: { readonly ms: number; readonly referenceMs: number };
  readonly rows: readonly Row[];
}

/** The fixed loop's time on an undisturbed core of the machine on which the absolute bars were set. */
const referenceMs = 10;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** One row from the value of each round; `scale` widens an absolute bar by how slow the machine was. */
export function row(id: string, unit: string, rounds: readonly number[], bar?: Bar, scale = 1): Row {
  const value = median(rounds);
  const spread = { min: Math.min(...rounds), max: Math.max(...rounds), rounds: rounds.length };
  if (bar === undefined) return { id, value, unit, bar: null, ok: true, spread };
  const limit = bar.kind === 'at-most' ? bar.value * scale : bar.value / scale;
  const text = `${bar.kind === 'at-most' ? '≤' : '≥'} ${round(limit)}${bar.aim === undefined ? '' : ` (aim ${round(bar.aim)})`}`;
  return { id, value, unit, bar: text, ok: bar.kind === 'at-most' ? value <= limit : value >= limit, spread };
}

function round(value: number): string {
  return value >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}

/** A fixed piece of arithmetic; median of nine, milliseconds. */
export function calibrate(): number {
  return median(
    Array.from({ length: 9 }, () => {
      const start = performance.now();
      let state = 1;
      for (let step = 0; step < 10_000_000; step += 1) state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
      return state === 0 ? NaN : performance.now() - start;
    }),
  );
}

export function slowness(calibrationMs: number): number {
  return Math.max(1, calibrationMs / referenceMs);
}

function packageVersion(name: string): string {
  const path = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

/** Not every benchmark needs it. */
function generatorVersion(): string {
  try {
    return execFileSync('h2load', ['--version'], { encoding: 'utf8', stdio: 'pipe' }).trim();
  } catch {
    return 'not installed';
  }
}

export function report(name: string, calibrationMs: number, rows: readonly Row[]): Report {
  const tool = generatorVersion();
  return {
    name,
    machine: `${os.cpus()[0]?.model.trim() ?? 'unknown'} × ${os.availableParallelism()}, ${Math.round(os.totalmem() / 2 ** 30)} GiB, ${os.type()} ${os.release()}`,
    versions: { node: process.version, 'onnxruntime-node': packageVersion('onnxruntime-node'), h2load: tool },
    loadAverage: os.loadavg(),
    calibration: { ms: calibrationMs, referenceMs },
    rows,
  };
}

export function print(report: Report, jsonPath: string | undefined): void {
  console.log(`\n${report.name} on ${report.machine}`);
  console.log(
    `${Object.entries(report.versions)
      .map((entry) => entry.join(' '))
      .join(', ')}; calibration ${round(report.calibration.ms)} ms (reference ${report.calibration.referenceMs})\n`,
  );
  const cells = report.rows.map(({ id, value, unit, bar, ok, spread }) => [
    id,
    `${round(value)} ${unit}`,
    `${round(spread.min)}…${round(spread.max)} of ${spread.rounds}`,
    bar ?? '',
    bar === null ? '' : ok ? 'holds' : 'MISSED',
  ]);
  const table = [['what', 'median', 'range', 'bar', ''], ...cells];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...table.map((line) => (line[column] as string).length)));
  for (const line of table)
    console.log(
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  if (jsonPath !== undefined) writeFileSync(jsonPath, `${JSON.stringify(report, null, 2)}\n`);
}
