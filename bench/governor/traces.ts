/**
 * The loads that governors are compared on, each as requests per second with a mean of 150. Public traces are read from a
 * folder that is given; without one, or for those it lacks, made-up loads of the same kinds stand in, and the report
 * says so. The traces themselves are not in this repository: two of the four state no licence.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../../src/load/arrivals.ts';

export interface Trace {
  readonly name: string;
  /** Requests per second, second by second. */
  readonly rates: Float64Array;
  /** Two days or more: the knob is held to its word only there. */
  readonly long: boolean;
}

export const meanRate = 150;
const hour = 3600;

export function scaled(name: string, values: readonly number[], secondsEach: number): Trace {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const rates = new Float64Array(values.length * secondsEach);
  for (let second = 0; second < rates.length; second += 1)
    rates[second] = ((values[Math.floor(second / secondsEach)] as number) * meanRate) / mean;
  return { name, rates, long: rates.length >= 48 * hour };
}

function columns(path: string): string[][] {
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));
}

/** Means of `size` values each. */
function coarser(values: readonly number[], size: number): number[] {
  return Array.from({ length: Math.floor(values.length / size) }, (_, index) => {
    const slot = values.slice(index * size, (index + 1) * size);
    return slot.reduce((sum, value) => sum + value, 0) / size;
  });
}

function conversations(path: string): number[] {
  const times = columns(path).map(([stamp]) => Date.parse(`${(stamp as string).slice(0, 23).replace(' ', 'T')}Z`));
  const start = Math.min(...times);
  const counts = Array.from({ length: Math.floor((Math.max(...times) - start) / 10_000) }, () => 0);
  for (const time of times) {
    const slot = Math.floor((time - start) / 10_000);
    if (slot < counts.length) counts[slot] = (counts[slot] as number) + 1;
  }
  return counts;
}

const minutes = (path: string, from: number, to: number): number[] =>
  columns(path)
    .slice(from, to)
    .map(([, value]) => Number(value));

/** Six pieces of the four public traces, as far as the folder has them. `brief`: two or three days of the long ones. */
export function publicTraces(folder: string, brief: boolean): Trace[] {
  const found: Trace[] = [];
  const within = (file: string, read: (path: string) => void): void => {
    const path = join(folder, file);
    if (existsSync(path)) read(path);
  };
  within('autothrottle_4x3600_rps.csv', (path) => {
    const rows = columns(path);
    for (const [name, column] of [
      ['diurnal', 1],
      ['noisy', 3],
      ['bursty', 4],
    ] as const)
      found.push(
        scaled(
          name,
          coarser(
            rows.map((row) => Number(row[column])),
            5,
          ),
          5,
        ),
      );
  });
  within('azure-llm-2023_conv.csv', (path) => found.push(scaled('conv', conversations(path), 10)));
  within('nasa-http-1995_rpm.csv', (path) =>
    found.push(scaled('nasa', coarser(minutes(path, brief ? 38_400 : 34_000, brief ? 42_720 : 44_080), 3), 180)),
  );
  within('twitter-stream-2021-08_rpm.csv', (path) =>
    found.push(scaled('twitter', minutes(path, 0, brief ? 2880 : 7200), 60)),
  );
  return found;
}

/** Loads of the same kinds, made up from a seed: a day within an hour, noise, bursts, and two days with both. */
export function madeUpTraces(seed: number): Trace[] {
  const random = seededRandom(seed);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const wave = (seconds: number, period: number, depth: number): number =>
    1 + depth * Math.sin((2 * Math.PI * seconds) / period);
  const noisy: number[] = [];
  let level = 0;
  for (let slot = 0; slot < 720; slot += 1) {
    level = 0.9 * level + 0.12 * normal();
    noisy.push(Math.max(0.1, 1 + level));
  }
  const bursty: number[] = [];
  let burst = 0;
  for (let slot = 0; slot < 720; slot += 1) {
    if (random() < 1 / 90) burst = 0.5 + 1.5 * random();
    burst *= 0.95;
    bursty.push(0.6 + burst + 0.03 * normal());
  }
  const days: number[] = [];
  let surge = 0;
  for (let minute = 0; minute < 2 * 1440 + 60; minute += 1) {
    if (random() < 1 / 180) surge = 0.5 + 2 * random();
    surge *= 0.8;
    days.push(Math.max(0.05, wave(minute, 1440, 0.6) + surge + 0.05 * normal()));
  }
  return [
    scaled(
      'wave',
      Array.from({ length: 720 }, (_, slot) => wave(slot, 360, 0.5)),
      5,
    ),
    scaled('noise', noisy, 5),
    scaled('bursts', bursty, 5),
    scaled('two days', days, 60),
  ];
}

/** What nothing before it announces. */
export function surprises(): Trace[] {
  const shape = (name: string, at: (second: number) => number): Trace => ({
    name,
    rates: Float64Array.from({ length: hour }, (_, second) => at(second)),
    long: false,
  });
  return [
    shape('flash ×10', (second) => (second >= 1800 && second < 2100 ? 1000 * 0.5 : 50)),
    shape('square', (second) => (Math.floor(second / 300) % 2 === 0 ? 75 : 225)),
    shape('silence then burst', (second) => (second < 2400 ? 0 : 300)),
  ];
}
