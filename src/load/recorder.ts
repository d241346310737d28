/**
 * The book that a load run keeps, and the report made of it. Latency is that of the requests answered well; failures
 * are counted by code, with the first message of each. It sends nothing and knows no time of its own.
 */
import { createHistogram, quantileError, type Histogram } from './histogram.ts';
import type { Outcome } from './target.ts';

export interface LatencyReport {
  readonly n: number;
  readonly meanMs: number | null;
  readonly p50Ms: number | null;
  readonly p90Ms: number | null;
  readonly p99Ms: number | null;
  readonly p999Ms: number | null;
  readonly maxMs: number | null;
}

export interface SecondReport {
  readonly second: number;
  readonly scheduled: number;
  readonly ok: number;
  readonly failed: number;
  /** Due but not sent yet at the end of this second. */
  readonly backlog: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export interface LoadReport {
  readonly sendingMs: number;
  readonly interrupted: boolean;
  readonly scheduled: number;
  readonly ok: number;
  readonly failed: number;
  /** Sent, but no answer within the grace. */
  readonly unanswered: number;
  /** Never sent: the backlog was full, or the run ended first. */
  readonly unsent: number;
  readonly failures: Readonly<Record<string, { readonly count: number; readonly message: string }>>;
  readonly okPerSecond: number;
  /** From the intended time of sending. */
  readonly latency: LatencyReport;
  /** From the actual sending: what a load generator that waits for answers would have claimed. */
  readonly service: LatencyReport;
  readonly schedule: {
    /** False when the generator itself, not the server, was late by more than 5 ms for one request in a hundred. */
    readonly kept: boolean;
    readonly lagP99Ms: number | null;
    readonly lagMaxMs: number | null;
    /** Requests that waited because every connection was busy; their wait is in the latency. */
    readonly waitedForConnection: number;
  };
  readonly seconds: readonly SecondReport[];
  /** Relative error of the quantiles at most. */
  readonly quantileError: number;
}

export interface Recorder {
  due(lagMs: number): void;
  waitedForSlot(): void;
  unsent(count: number): void;
  answered(outcome: Outcome, intendedAt: number, sentAt: number, endedAt: number): void;
  endSecond(second: number, backlog: number): SecondReport;
  report(end: { readonly sendingMs: number; readonly interrupted: boolean; readonly unanswered: number }): LoadReport;
}

const lagMsAllowed = 5;
const codesMax = 50;

export function createRecorder(startedAt: number): Recorder {
  const latency = createHistogram();
  const service = createHistogram();
  const lag = createHistogram();
  const failures: Record<string, { count: number; message: string }> = {};
  const seconds: SecondReport[] = [];
  let scheduled = 0;
  let failed = 0;
  let unsent = 0;
  let waited = 0;
  let lastOkAt = startedAt;
  let recent = { histogram: createHistogram(), scheduled: 0, failed: 0 };

  return {
    due(lagMs) {
      scheduled++;
      recent.scheduled++;
      lag.record(lagMs);
    },
    waitedForSlot() {
      waited++;
    },
    unsent(count) {
      unsent += count;
    },
    answered(outcome, intendedAt, sentAt, endedAt) {
      if (outcome.kind === 'ok') {
        latency.record(endedAt - intendedAt);
        service.record(endedAt - sentAt);
        recent.histogram.record(endedAt - intendedAt);
        lastOkAt = endedAt;
        return;
      }
      failed++;
      recent.failed++;
      const known = Object.keys(failures);
      const code = known.length < codesMax || known.includes(outcome.code) ? outcome.code : 'other';
      const entry = (failures[code] ??= { count: 0, message: outcome.message });
      entry.count++;
    },
    endSecond(second, backlog) {
      const { histogram } = recent;
      const seen: SecondReport = {
        second,
        scheduled: recent.scheduled,
        ok: histogram.count,
        failed: recent.failed,
        backlog,
        p50Ms: figure(histogram.quantileMs(0.5)),
        p99Ms: figure(histogram.quantileMs(0.99)),
      };
      seconds.push(seen);
      recent = { histogram: createHistogram(), scheduled: 0, failed: 0 };
      return seen;
    },
    report({ sendingMs, interrupted, unanswered }) {
      // Answers that came after the last sending took longer than the sending did: both ends count.
      const spanMs = Math.max(sendingMs, lastOkAt - startedAt);
      const lagP99Ms = lag.quantileMs(0.99);
      return {
        sendingMs,
        interrupted,
        scheduled,
        ok: latency.count,
        failed,
        unanswered,
        unsent,
        failures,
        okPerSecond: spanMs === 0 ? 0 : (latency.count * 1000) / spanMs,
        latency: latencyReport(latency),
        service: latencyReport(service),
        schedule: {
          kept: !(lagP99Ms > lagMsAllowed),
          lagP99Ms: figure(lagP99Ms),
          lagMaxMs: lag.count === 0 ? null : lag.maxMs,
          waitedForConnection: waited,
        },
        seconds,
        quantileError,
      };
    },
  };
}

function latencyReport(histogram: Histogram): LatencyReport {
  return {
    n: histogram.count,
    meanMs: figure(histogram.meanMs),
    p50Ms: figure(histogram.quantileMs(0.5)),
    p90Ms: figure(histogram.quantileMs(0.9)),
    p99Ms: figure(histogram.quantileMs(0.99)),
    p999Ms: figure(histogram.quantileMs(0.999)),
    maxMs: histogram.count === 0 ? null : histogram.maxMs,
  };
}

/** Nothing measured is null, never 0. */
function figure(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}
