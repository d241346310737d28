/**
 * By how much counters and histograms have grown since the last look, process by process: one that was started anew
 * counts from zero, and of one that did not answer nothing is made up. Pure but for its memory of the last look.
 */
import { seriesKey, type FamiliesOf, type HistogramSample, type MetricFamily, type Sample } from '../metrics.ts';
import { mergeFamilies } from '../registry.ts';

type Known = Map<string, Sample | HistogramSample>;

export interface Increases {
  /** Of all processes together. The first look at one gives nothing: since when it counts is not known. */
  look(parts: readonly FamiliesOf[]): readonly MetricFamily[];
}

export function openIncreases(): Increases {
  const known = new Map<string, Known>();
  return {
    look: (parts) =>
      mergeFamilies(
        parts
          .filter(({ families }) => families.length > 0)
          .map(({ source, families }) => {
            const before = known.get(source);
            const now: Known = new Map();
            const grown = families.flatMap((family) => {
              const found = grownOf(family, before, now);
              return before === undefined || found === undefined ? [] : [found];
            });
            known.set(source, now);
            return grown;
          }),
      ),
  };
}

function grownOf(family: MetricFamily, before: Known | undefined, now: Known): MetricFamily | undefined {
  const remember = <Found extends Sample | HistogramSample>(sample: Found): Found | undefined => {
    const key = `${family.name} ${seriesKey(sample)}`;
    now.set(key, sample);
    return before?.get(key) as Found | undefined;
  };
  switch (family.type) {
    case 'gauge':
      return undefined;
    case 'counter':
      return {
        ...family,
        samples: family.samples.map((sample) => {
          const { value } = remember(sample) ?? { value: 0 };
          return { labels: sample.labels, value: sample.value < value ? sample.value : sample.value - value };
        }),
      };
    case 'histogram':
      return {
        ...family,
        samples: family.samples.map((sample) => {
          const last = remember(sample);
          const isNew = last === undefined || sample.counts.some((count, index) => count < (last.counts[index] ?? 0));
          if (isNew) return { labels: sample.labels, counts: sample.counts, sum: sample.sum };
          const counts = sample.counts.map((count, index) => count - (last.counts[index] ?? 0));
          return { labels: sample.labels, counts, sum: sample.sum - last.sum };
        }),
      };
    default:
      return family satisfies never;
  }
}
