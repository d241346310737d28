/** A load run in words and columns: one line each second, and the table at its end. Pure. */
import type { LatencyReport, LoadReport, SecondReport } from '../load/recorder.ts';
import { table } from './output.ts';
import type { Symbols } from './terminal.ts';
import { milliseconds, rate, seconds } from '../units.ts';

export function secondText(second: SecondReport): string {
  const parts = [
    `${String(second.second).padStart(5)} s`,
    `sent ${second.scheduled}`,
    `ok ${second.ok}`,
    `failed ${second.failed}`,
    `p50 ${optional(second.p50Ms)}`,
    `p99 ${optional(second.p99Ms)}`,
  ];
  if (second.backlog > 0) parts.push(`waiting to be sent ${second.backlog}`);
  return `${parts.join('  ')}\n`;
}

/** A closed loop has no schedule to keep: the next request is due when the last answer has come. */
export function reportText(report: LoadReport, symbols: Symbols, isOpen: boolean): string {
  const rows: { what: string; latency: LatencyReport }[] = [{ what: 'latency', latency: report.latency }];
  // Only where they differ is it worth a line what a generator that waits would have claimed.
  const differs = (report.latency.p99Ms ?? 0) > (report.service.p99Ms ?? 0) * 1.05;
  if (differs) rows.push({ what: 'from sending', latency: report.service });
  const column = (header: string, pick: (latency: LatencyReport) => number | null) => ({
    header,
    align: 'right' as const,
    cell: (row: (typeof rows)[number]) => optional(pick(row.latency)),
  });
  const lines = [
    `${report.ok} answered well of ${report.scheduled} in ${seconds(report.sendingMs)}: ${rate(report.okPerSecond)} req/s` +
      (report.interrupted ? ' (interrupted)' : ''),
    '',
    table(
      [
        { header: '', cell: (row: (typeof rows)[number]) => row.what },
        column('MEAN', (latency) => latency.meanMs),
        column('P50', (latency) => latency.p50Ms),
        column('P90', (latency) => latency.p90Ms),
        column('P99', (latency) => latency.p99Ms),
        column('P99.9', (latency) => latency.p999Ms),
        column('MAX', (latency) => latency.maxMs),
      ],
      rows,
    ),
    ...failures(report),
    `quantiles are at most ${(report.quantileError * 100).toFixed(1)} % above the exact ones; n ${report.latency.n}`,
    ...(isOpen ? [schedule(report, symbols)] : []),
  ];
  return `${lines.filter((line) => line !== undefined).join('\n')}\n`;
}

function failures(report: LoadReport): string[] {
  const lines = Object.entries(report.failures).map(
    ([code, { count, message }]) => `! ${count} failed with ${code}: ${message}`,
  );
  if (report.unanswered > 0) lines.push(`! ${report.unanswered} were not answered`);
  if (report.unsent > 0) lines.push(`! ${report.unsent} were never sent: every connection stayed busy`);
  return lines;
}

function schedule({ schedule: kept }: LoadReport, symbols: Symbols): string {
  const lag = `lag p99 ${optional(kept.lagP99Ms)}, max ${optional(kept.lagMaxMs)}`;
  const waited =
    kept.waitedForConnection === 0 ? '' : `; ${kept.waitedForConnection} waited for a connection (their wait counts)`;
  return kept.kept
    ? `the generator kept its schedule (${lag})${waited}`
    : `! the generator was late itself ${symbols.dash} ${lag} ${symbols.dash} the latencies hold that too${waited}`;
}

function optional(value: number | null): string {
  return value === null ? 'no data' : milliseconds(value);
}
