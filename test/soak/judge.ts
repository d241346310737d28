/**
 * Whether a soak was flat: pure, from what was sampled. Memory: the upper envelope of a process must not climb, so the
 * least of each twelfth of the time (garbage comes and goes, leaks stay) is compared between the second and the last third.
 * Latency: the median of the p99 of the last third against the second third. The first third is warm-up.
 */

export interface Sample {
  /** Milliseconds since the start. */
  readonly at: number;
  /** Resident bytes by process: `gateway 0`, `control`, `supervisor`, `runner steady`. */
  readonly residentBytes: Readonly<Record<string, number>>;
  readonly descriptors: Readonly<Record<string, number>>;
  readonly p99Ms: number;
  readonly answered: number;
}

export interface SoakRecord {
  readonly durationMs: number;
  readonly samples: readonly Sample[];
  /** Failures that nothing excuses, by what they were. */
  readonly failures: Readonly<Record<string, number>>;
  readonly answered: number;
}

export interface Verdict {
  readonly what: string;
  readonly figure: string;
  readonly ok: boolean;
}

/** What a process may have grown between the thirds, and beyond that in proportion to the hours. */
const growthBytesMax = 24 * 2 ** 20;
const growthShareMax = 0.15;
const descriptorsMax = 40;
/** A machine that others use too makes a p99 wander; a queue that grows or a leak that pages makes it run. */
const p99GrowthMax = 1.5;
const p99GrowthMsMax = 50;
const pieces = 4;

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

/** The median of the least of each piece: what stays when garbage has gone. */
export function floorOf(values: readonly number[]): number {
  const size = Math.max(1, Math.ceil(values.length / pieces));
  const least: number[] = [];
  for (let at = 0; at < values.length; at += size) least.push(Math.min(...values.slice(at, at + size)));
  return median(least);
}

export function judgeSoak({ durationMs, samples, failures, answered }: SoakRecord): Verdict[] {
  const third = (index: number): readonly Sample[] =>
    samples.filter(({ at }) => at >= (durationMs * index) / 3 && at < (durationMs * (index + 1)) / 3);
  const [middle, last] = [third(1), third(2)];
  const names = new Set(samples.flatMap(({ residentBytes }) => Object.keys(residentBytes)));
  const verdicts: Verdict[] = [];
  for (const name of [...names].toSorted()) {
    const of = (all: readonly Sample[], pick: 'residentBytes' | 'descriptors'): number[] =>
      all.flatMap((sample) => (sample[pick][name] === undefined ? [] : [sample[pick][name]]));
    const [before, after] = [floorOf(of(middle, 'residentBytes')), floorOf(of(last, 'residentBytes'))];
    if (Number.isNaN(before) || Number.isNaN(after)) continue;
    verdicts.push({
      what: `${name}, resident`,
      figure: `${mib(before)} → ${mib(after)}`,
      ok: after - before <= Math.max(growthBytesMax, before * growthShareMax),
    });
    const [opened, open] = [floorOf(of(middle, 'descriptors')), floorOf(of(last, 'descriptors'))];
    verdicts.push({ what: `${name}, descriptors`, figure: `${opened} → ${open}`, ok: open - opened <= descriptorsMax });
  }
  const p99 = (all: readonly Sample[]): number => median(all.map(({ p99Ms }) => p99Ms));
  verdicts.push({
    what: 'latency of a steady caller, p99',
    figure: `${p99(middle).toFixed(1)} → ${p99(last).toFixed(1)} ms`,
    ok: p99(last) <= Math.max(p99(middle) * p99GrowthMax, p99(middle) + p99GrowthMsMax),
  });
  const words = Object.entries(failures).map(([what, count]) => `${count} × ${what}`);
  verdicts.push({
    what: 'requests that should have been answered and were not',
    figure: words.length === 0 ? `0 of ${answered}` : words.join('; '),
    ok: words.length === 0,
  });
  verdicts.push({ what: 'answered', figure: `${answered}`, ok: answered > 0 });
  return verdicts;
}
