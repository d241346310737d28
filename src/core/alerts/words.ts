/** What others have written, made fit for a line: an alert's texts reach terminals, logs and the journal. */
import type { Alert } from './book.ts';

const wordsMax = 200;

/** One line of at most 200 characters, without control characters. */
export function plain(text: string): string {
  const line = text
    .slice(0, 2 * wordsMax)
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
  return line.length > wordsMax ? `${line.slice(0, wordsMax - 1)}…` : line;
}

export function nameOf({ labels, fingerprint }: Pick<Alert, 'labels' | 'fingerprint'>): string {
  return plain(labels['alertname'] ?? fingerprint);
}

export function summaryOf({ annotations }: Pick<Alert, 'annotations'>): string | undefined {
  const text = annotations['summary'] ?? annotations['description'];
  return text === undefined ? undefined : plain(text);
}

const labelsMax = 64;
const annotationsMax = 16;
const textMax = 500;
const bytesMax = 4096;

const cutAll = (texts: Readonly<Record<string, string>>, countMax: number): Record<string, string> =>
  Object.fromEntries(
    Object.entries(texts)
      .slice(0, countMax)
      .map(([name, text]) => [name.slice(0, textMax), text.slice(0, textMax)]),
  );

/** An alert as it is kept: whatever a sender writes, it takes a few kilobytes at most. Labels outlive annotations. */
export function cutAlert<One extends Alert>(alert: One): One {
  const labels = cutAll(alert.labels, labelsMax);
  const annotations = cutAll(alert.annotations, annotationsMax);
  const size = (part: unknown): number => JSON.stringify(part).length;
  let left = bytesMax;
  const fitting = (texts: Record<string, string>): Record<string, string> =>
    Object.fromEntries(Object.entries(texts).filter((pair) => (left -= size(pair)) >= 0));
  const values = Object.entries(alert.values ?? {}).slice(0, annotationsMax);
  return {
    ...alert,
    fingerprint: alert.fingerprint.slice(0, textMax),
    labels: fitting(labels),
    annotations: fitting(annotations),
    ...(alert.values === undefined
      ? {}
      : { values: Object.fromEntries(values.map(([name, value]) => [name.slice(0, textMax), value])) }),
  };
}
