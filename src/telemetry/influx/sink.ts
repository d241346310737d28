/**
 * One sink for line protocol: makes lines of what it is told, holds them in its bounded queue and writes them where its
 * settings say. Telling it never waits. Lines that no batch could be made of are counted as left out.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../clock.ts';
import type { InfluxSettings } from '../../config/telemetry-specification.ts';
import { toBytes } from '../../config/specification.ts';
import type { JournalEntry } from '../../journal/entry.ts';
import type { Rng } from '../../rng.ts';
import type { FamiliesOf, MetricFamily } from '../metrics.ts';
import type { Outcome } from '../sinks/delivery.ts';
import { startSender, type SenderView } from '../sinks/sender.ts';
import { toEvent } from './events.ts';
import { appendToFile } from './file-output.ts';
import { writeOverHttp, type ReadSecret } from './http-output.ts';
import { openIncreases } from './increases.ts';
import { encodePoint, type EncodeOptions, type Point } from './line-protocol.ts';
import { openPoints } from './points.ts';
import { writeOverUdp } from './udp-output.ts';

export interface Look {
  /** What each process has counted, and all of them together. */
  readonly parts: readonly FamiliesOf[];
  readonly families: readonly MetricFamily[];
  /** Unix milliseconds. */
  readonly wall: number;
}

export interface InfluxSink {
  readonly settings: InfluxSettings;
  /** What was seen, and what has happened since the last time. */
  tell(look: Look, entries: readonly JournalEntry[]): Promise<void>;
  view(): InfluxSinkView;
  close(graceMs: number): Promise<void>;
}

export interface InfluxSinkView extends SenderView {
  /** Fields that no line could hold: not finite, or longer than a datagram. */
  readonly leftOut: number;
}

export interface InfluxSinkParts {
  readonly readSecret: ReadSecret;
  readonly clock: Clock;
  readonly rng: Rng;
}

/** What a line holds in memory beside its characters. */
const lineOverheadBytes = 100;
/** Samples or points worked on in one turn of the event loop: a large platform has tens of thousands. */
const inTurn = 500;
/** Everything of one look is there within a moment. */
const batchAgeMs = 200;
const batchBytesMax = 4_194_304;
/** Of disk and network card nobody waits longer. */
const localTimeoutMs = 10_000;
const localLinesMax = 5000;
const nanoseconds = 1_000_000n;

export function openInfluxSink(settings: InfluxSettings, { readSecret, clock, rng }: InfluxSinkParts): InfluxSink {
  const bufferBytes = toBytes(settings.bufferBytesMax);
  const isHttp = settings.kind === 'v1' || settings.kind === 'v2' || settings.kind === 'http';
  const increases = openIncreases();
  let leftOut = 0;
  const sender = startSender<string>({
    limits: {
      bytesMax: bufferBytes,
      itemsMax: Math.ceil(bufferBytes / lineOverheadBytes),
      // Else one batch under way would leave no room for what comes meanwhile.
      batchBytesMax: Math.min(batchBytesMax, Math.ceil(bufferBytes / 4)),
      batchItemsMax: isHttp ? settings.batchLinesMax : localLinesMax,
      batchAgeMs,
      backOffMinMs: 1000,
      backOffMaxMs: 60_000,
    },
    timeoutMs: isHttp ? settings.timeoutMs : localTimeoutMs,
    send: (lines, signal): Promise<Outcome> => {
      switch (settings.kind) {
        case 'udp':
          return writeOverUdp(settings, lines, signal);
        case 'file':
          return appendToFile(settings, lines);
        default:
          return writeOverHttp(settings, readSecret, lines, signal, () => clock.wall());
      }
    },
    clock,
    rng,
  });
  const options: EncodeOptions = {
    ...((settings.kind === 'v1' || settings.kind === 'v2') && { precision: settings.precision }),
    // The line break is in the datagram too.
    ...(settings.kind === 'udp' && { lineBytesMax: settings.datagramBytesMax - 1 }),
  };

  function offer(point: Point): void {
    const encoded = encodePoint(point, options);
    leftOut += encoded.leftOut;
    for (const line of encoded.lines) sender.offer(line, Buffer.byteLength(line) + lineOverheadBytes);
  }

  return {
    settings,
    async tell({ parts, families, wall }, entries) {
      const { tags } = settings;
      const grown = new Map(increases.look(parts).map((family) => [family.name, family]));
      await nextTurn();
      const points = openPoints(tags, BigInt(Math.trunc(wall)) * nanoseconds);
      let done = 0;
      for (const family of families) {
        points.add(family, grown.get(family.name));
        done += family.samples.length;
        if (done >= inTurn) {
          await nextTurn();
          done = 0;
        }
      }
      for (const entry of entries) offer(toEvent(entry, tags));
      for (const [index, point] of points.all().entries()) {
        offer(point);
        if (index % inTurn === inTurn - 1) await nextTurn();
      }
    },
    view: () => ({ ...sender.view(), leftOut }),
    close: (graceMs) => sender.close(graceMs),
  };
}
