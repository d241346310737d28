/**
 * The sink for OpenTelemetry: traces of requests and of the governor's cycles, all metrics, and log lines, each signal with
 * a bounded queue of its own. Control fetches what there is at its own pace: nobody whose telemetry it is ever waits.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../clock.ts';
import type { OtlpSettings, OtlpSignal } from '../../config/otlp-specification.ts';
import { toBytes } from '../../config/specification.ts';
import type { JournalEntry } from '../../journal/entry.ts';
import type { Rng } from '../../rng.ts';
import { openIncreases } from '../../telemetry/influx/increases.ts';
import type { Look } from '../../telemetry/influx/sink.ts';
import type { FamiliesOf } from '../../telemetry/metrics.ts';
import { envelope, type Item } from '../../telemetry/otlp/envelope.ts';
import { openLogTail } from '../../telemetry/otlp/log-tail.ts';
import { encodeLogRecord } from '../../telemetry/otlp/log-record.ts';
import { encodeMetrics } from '../../telemetry/otlp/metrics.ts';
import { requestSpans } from '../../telemetry/otlp/request-spans.ts';
import { exportOver, type ReadSecret } from '../../telemetry/otlp/transport.ts';
import { toAttributes } from '../../telemetry/otlp/values.ts';
import { startSender, type Sender } from '../../telemetry/sinks/sender.ts';
import type { TakenSpans } from '../span-questions.ts';
import { cycleSpans, verdictOn, verifySpan } from './cycle-spans.ts';
import type { OpenSink, OwnView } from './open-sink.ts';

/** What is sent, and who sends it. */
export interface OtlpSources {
  /** Of the platform, its software, and when it was started (Unix milliseconds). */
  readonly name: string;
  readonly version: string;
  readonly startedAt: number;
  /** Those that gateways have remembered since the last time, which settles those; none while `isFull`. */
  spans(isFull: boolean): Promise<TakenSpans>;
  entry(id: number): Promise<JournalEntry | undefined>;
  readonly logPath: string;
}

export interface OtlpParts extends OtlpSources {
  readonly readSecret: ReadSecret;
  readonly clock: Clock;
  readonly rng: Rng;
}

/** What an item holds in memory beside its characters. */
const itemOverheadBytes = 120;
/** Collectors take some megabytes uncompressed by default. */
const batchBytesMax = 2_097_152;
const batchItemsMax: Readonly<Record<OtlpSignal, number>> = { traces: 512, metrics: 256, logs: 1000 };
/** Everything of one look is there within a moment. */
const batchAgeMs = 200;
/** Items made in one turn of the event loop. */
const inTurn = 200;
/** Grows, and falls only when a process is another. */
const everyProcessCounts = 'flyball_process_cpu_seconds_total';

interface Counting {
  readonly cpuSeconds: number;
  /** Unix milliseconds: since when it counts, and of the last look. */
  readonly since: number;
  readonly seenAt: number;
}

export function openOtlpSink(settings: OtlpSettings, parts: OtlpParts): OpenSink {
  const { readSecret, clock, rng, version } = parts;
  const bufferBytes = toBytes(settings.bufferBytesMax);
  const scope = JSON.stringify({ name: 'flyball', version });
  const increases = openIncreases();
  const tail = openLogTail(parts.logPath);
  const counting = new Map<string, Counting>();
  const leftOut: Record<OtlpSignal, number> = { traces: 0, metrics: 0, logs: 0 };
  /** Requests whose spans gateways had no room for. */
  let lostRequests = 0;
  const senders = new Map<OtlpSignal, Sender<Item>>();
  for (const signal of settings.signals) {
    const sender = startSender<Item>({
      limits: {
        bytesMax: bufferBytes,
        itemsMax: Math.ceil(bufferBytes / itemOverheadBytes),
        // Else one batch under way would leave no room for what comes meanwhile.
        batchBytesMax: Math.min(batchBytesMax, Math.ceil(bufferBytes / 4)),
        batchItemsMax: batchItemsMax[signal],
        batchAgeMs,
        backOffMinMs: 1000,
        backOffMaxMs: 60_000,
      },
      timeoutMs: settings.timeoutMs,
      send: (items, abort) =>
        exportOver(settings, readSecret, signal, envelope(signal, items, scope), abort, () => clock.wall()),
      clock,
      rng,
    });
    senders.set(signal, sender);
  }

  /** Each process is an instance of the service: what it counts begins with it. */
  const resourceOf = (source?: string): string =>
    JSON.stringify({
      attributes: toAttributes({
        'service.name': 'flyball',
        'service.version': version,
        'service.instance.id': source === undefined ? parts.name : `${parts.name} ${source}`,
        ...settings.resource,
      }),
    });

  let made = 0;
  async function offer(signal: OtlpSignal, resource: string, json: string): Promise<void> {
    senders.get(signal)?.offer({ resource, json }, Buffer.byteLength(json) + itemOverheadBytes);
    made += 1;
    if (made % inTurn === 0) await nextTurn();
  }

  async function tellTraces(entries: readonly JournalEntry[]): Promise<void> {
    const resource = resourceOf();
    // Those of the last look are still here, and gone with this process: until they are sent, or counted as lost,
    // gateways hold them and whatever comes after.
    const isFull = (senders.get('traces')?.view().waiting ?? 0) > 0;
    const { spans, lost } = await parts.spans(isFull);
    lostRequests += lost;
    for (const span of spans)
      for (const each of requestSpans(span)) await offer('traces', resource, JSON.stringify(each));
    for (const entry of entries) {
      for (const each of cycleSpans(entry)) await offer('traces', resource, JSON.stringify(each));
      const of = verdictOn(entry);
      // One whose decision is no longer held has no trace to belong to.
      const decision = of === undefined ? undefined : await parts.entry(of);
      if (decision !== undefined) await offer('traces', resource, JSON.stringify(verifySpan(entry, decision)));
    }
  }

  function countingOf({ source, families }: FamiliesOf, wall: number): { since: number; lastAt: number | undefined } {
    const before = counting.get(source);
    const family = families.find(({ name, type }) => name === everyProcessCounts && type === 'counter');
    const [sample] = family?.type === 'counter' ? family.samples : [];
    const cpuSeconds = sample?.value ?? 0;
    const isAnother = before !== undefined && cpuSeconds < before.cpuSeconds;
    const since = isAnother ? before.seenAt : (before?.since ?? parts.startedAt);
    counting.set(source, { cpuSeconds, since, seenAt: wall });
    return { since, lastAt: before?.seenAt };
  }

  async function tellMetrics({ parts: processes, wall }: Look): Promise<void> {
    const { temporality } = settings;
    for (const part of processes) {
      if (part.families.length === 0) continue;
      const { since, lastAt } = countingOf(part, wall);
      const grown = temporality === 'delta' ? increases.look([part]) : part.families;
      const gauges = temporality === 'delta' ? part.families.filter(({ type }) => type === 'gauge') : [];
      const from = temporality === 'delta' ? (lastAt ?? wall) : Math.min(since, wall);
      const encoded = encodeMetrics([...grown, ...gauges], {
        from,
        to: wall,
        temporality,
        exemplarsFrom: lastAt ?? -Infinity,
      });
      leftOut.metrics += encoded.leftOut;
      const resource = resourceOf(part.source);
      for (const metric of encoded.metrics) await offer('metrics', resource, metric);
    }
  }

  async function tellLogs(): Promise<void> {
    const resource = resourceOf();
    const { lines, skipped } = await tail.read();
    leftOut.logs += skipped;
    const at = clock.wall();
    for (const line of lines) await offer('logs', resource, encodeLogRecord(line, at));
  }

  return {
    settings,
    async tell(look, entries) {
      if (senders.has('traces')) await tellTraces(entries);
      if (senders.has('metrics')) await tellMetrics(look);
      if (senders.has('logs')) await tellLogs();
    },
    views: () =>
      [...senders].map(([signal, sender]): OwnView => {
        const named = { name: `otlp-${signal}`, kind: 'otlp', leftOut: leftOut[signal] };
        const view = sender.view();
        const full = view.dropped.full + (signal === 'traces' ? lostRequests : 0);
        return Object.assign(named, view, { dropped: { ...view.dropped, full } });
      }),
    async close(graceMs) {
      await Promise.all([...senders.values()].map((sender) => sender.close(graceMs)));
      await tail[Symbol.asyncDispose]();
    },
  };
}
