/**
 * The series as control records and reads them. What comes each second is kept here and written every ten, off the
 * caller's way; an hour that is over becomes minutes, and what is older than is wanted goes.
 * Invariant: a span is recorded, for whoever reads, only if everything of it is there. What the disk refuses is not
 * recorded; it is never zero.
 */
import type { Clock } from '../clock.ts';
import { publish } from '../telemetry/events.ts';
import { joined, toBlock } from './blocks.ts';
import { columns, type Column, type Held, type Row } from './columns.ts';
import {
  segmentOf,
  trackSegmentMs,
  trackSlotMs,
  type Block,
  type Mark,
  type SeriesLog,
  type Track,
} from './series-log.ts';
import { emptyStretch, inSteps, paste, unroll, type Stretch } from './stretch.ts';

export interface SeriesRetention {
  readonly fineMs: number;
  readonly coarseMs: number;
  /** Of all that is on the disk; the oldest seconds go first, then the oldest minutes. */
  readonly bytesMax: number;
}

export interface SeriesQuery {
  readonly deployment: string;
  /** Unix milliseconds, made whole steps. */
  readonly from: number;
  readonly to: number;
  /** Whole seconds below a minute, whole minutes from a minute on. */
  readonly stepMs: number;
  readonly columns: readonly Column[];
}

export interface Series extends AsyncDisposable {
  /**
   * The second that begins at `at` was seen. `fleet`: every deployment that there is; `busy`: the rows of those to which
   * anything happened.
   */
  record(at: number, fleet: ReadonlyMap<string, Held>, busy: ReadonlyMap<string, Row>): void;
  read(query: SeriesQuery): Promise<Stretch>;
  /** Since when there is anything at all; undefined where there is nothing. */
  since(): Promise<number | undefined>;
  /** Everything recorded so far is written, as far as the disk allows. */
  flushed(): Promise<void>;
  /** Makes minutes of the hours that are over, and removes what is too old or too much. */
  tidy(retention: SeriesRetention): Promise<void>;
}

interface Second {
  readonly at: number;
  readonly busy: ReadonlyMap<string, Row>;
}

const gatherMs = 10_000;
/** Seconds that wait while the disk is slow; of more, the oldest are given up. */
const waitingMax = 120;
const secondMs = trackSlotMs.fine;
const minuteMs = trackSlotMs.coarse;
/** What comes late for an hour that is over has come by then. */
const settledMs = 60_000;

export function openSeries(log: SeriesLog, clock: Clock): Series {
  let waiting: Second[] = [];
  let fleet: ReadonlyMap<string, Held> = new Map();
  let writing: Promise<void> = Promise.resolve();
  let cancel: (() => void) | undefined;
  let closed = false;
  let trouble = false;
  /** The segment in which this process has said which deployments there are, and which those were. */
  let told: { readonly segment: number; readonly names: string } | undefined;

  function flush(): Promise<void> {
    cancel?.();
    cancel = undefined;
    const seconds = waiting;
    if (seconds.length === 0) return writing;
    waiting = [];
    const now = Object.fromEntries(fleet);
    writing = writing.then(() => write(seconds, now));
    return writing;
  }

  async function write(seconds: readonly Second[], now: Readonly<Record<string, Held>>): Promise<void> {
    try {
      for (const [segment, own] of bySegment(seconds)) {
        const names = Object.keys(now).toSorted().join(' ');
        const isTold = told?.segment === segment && told.names === names;
        await log.append('fine', segment, marksOf(own, isTold ? undefined : now), blocksOf(own));
        told = { segment, names };
      }
      trouble = false;
    } catch (error) {
      // Said once: a disk that is full stays so for a while.
      told = undefined;
      const message = error instanceof Error ? error.message : String(error);
      if (!trouble) publish('flyball:fault', { where: 'writing series', message, error });
      trouble = true;
    }
  }

  /** What waits to be written, with what is on the disk of a step that has begun there. */
  async function readWaiting(query: SeriesQuery, into: Stretch): Promise<void> {
    const seconds = waiting;
    const [first, last] = [seconds[0]?.at, seconds.at(-1)?.at];
    if (first === undefined || last === undefined) return;
    const from = Math.floor(first / into.slotMs) * into.slotMs;
    const disk = await log.read('fine', segmentOf('fine', from), query.deployment);
    const marks = [...disk.marks, ...marksOf(seconds, Object.fromEntries(fleet))];
    const blocks = [...disk.blocks, ...(blocksOf(seconds).get(query.deployment) ?? [])];
    const stretch = unroll(query.deployment, from, last + secondMs, secondMs, { marks, blocks }, query.columns);
    paste(into, inSteps(stretch, into.slotMs / secondMs));
  }

  async function readTrack(track: Track, query: SeriesQuery, into: Stretch): Promise<void> {
    const segmentMs = trackSegmentMs[track];
    const end = into.at + into.recordedMs.length * into.slotMs;
    for (const segment of await log.segments(track)) {
      const from = Math.max(segment, into.at);
      const to = Math.min(segment + segmentMs, end);
      if (from >= to) continue;
      const content = await log.read(track, segment, query.deployment);
      const stretch = unroll(query.deployment, from, to, trackSlotMs[track], content, query.columns);
      paste(into, inSteps(stretch, into.slotMs / trackSlotMs[track]));
    }
  }

  /** One hour as minutes, written so that doing it twice changes nothing. */
  async function compact(hour: number): Promise<void> {
    const blocks = new Map<string, readonly Block[]>();
    for (const name of await log.names('fine', hour)) {
      const content = await log.read('fine', hour, name);
      const seconds = unroll(name, hour, hour + trackSegmentMs.fine, secondMs, content, columns);
      const own = minutesOf(inSteps(seconds, minuteMs / secondMs), content.blocks);
      if (own.length > 0) blocks.set(name, own);
    }
    const { marks } = await log.read('fine', hour);
    await log.append('coarse', segmentOf('coarse', hour), joined(marks), blocks);
  }

  /** Whether the coarse track tells of that hour already. */
  async function isCompact(hour: number): Promise<boolean> {
    const { marks } = await log.read('coarse', segmentOf('coarse', hour));
    return marks.some(({ from, to }) => from < hour + trackSegmentMs.fine && to > hour);
  }

  return {
    record(at, all, busy) {
      const isNews = all.size !== fleet.size || [...all.keys()].some((name) => !fleet.has(name));
      // What was recorded of the deployments before is written as theirs.
      if (isNews) void flush();
      fleet = all;
      waiting.push({ at, busy });
      if (waiting.length > waitingMax) waiting.splice(0, waiting.length - waitingMax);
      if (!closed) cancel ??= clock.after(gatherMs, () => void flush());
    },
    async read(query) {
      const { stepMs } = query;
      // Minutes are whole on both tracks; longer steps are made of them, so that none is cut by the edge of a segment.
      const baseMs = stepMs % minuteMs === 0 ? minuteMs : secondMs;
      const at = Math.floor(query.from / stepMs) * stepMs;
      const length = (Math.max(0, Math.ceil((query.to - at) / stepMs)) * stepMs) / baseMs;
      const into = emptyStretch(at, baseMs, length, query.columns);
      await writing;
      if (baseMs === minuteMs) await readTrack('coarse', query, into);
      await readTrack('fine', query, into);
      await readWaiting(query, into);
      return inSteps(into, stepMs / baseMs);
    },
    async since() {
      for (const track of ['coarse', 'fine'] as const) {
        const [segment] = await log.segments(track);
        const { marks } = segment === undefined ? { marks: [] } : await log.read(track, segment);
        if (marks.length > 0) return Math.min(...marks.map(({ from }) => from));
      }
      return waiting[0]?.at;
    },
    flushed: () => flush(),
    async tidy({ fineMs, coarseMs, bytesMax }) {
      await flush();
      const at = clock.wall();
      for (const hour of await log.segments('fine')) {
        const isOver = hour + trackSegmentMs.fine + settledMs <= at;
        if (isOver && !(await isCompact(hour))) await compact(hour);
      }
      const kept = { fine: fineMs, coarse: coarseMs };
      let bytes = 0;
      const all: { readonly track: Track; readonly segment: number; readonly bytes: number }[] = [];
      for (const track of ['fine', 'coarse'] as const) {
        for (const segment of await log.segments(track)) {
          const own = await log.bytes(track, segment);
          bytes += own;
          all.push({ track, segment, bytes: own });
        }
      }
      for (const { track, segment, bytes: own } of all) {
        const end = segment + trackSegmentMs[track];
        // What is being written stays, whatever it takes.
        if (end > at - kept[track] && (bytes <= bytesMax || end > at)) continue;
        await log.remove(track, segment);
        bytes -= own;
      }
    },
    async [Symbol.asyncDispose]() {
      closed = true;
      await flush();
      await log[Symbol.asyncDispose]();
    },
  };
}

function bySegment(seconds: readonly Second[]): ReadonlyMap<number, readonly Second[]> {
  return Map.groupBy(seconds, ({ at }) => segmentOf('fine', at));
}

function marksOf(seconds: readonly Second[], fleet: Readonly<Record<string, Held>> | undefined): readonly Mark[] {
  const spans = joined(seconds.map(({ at }) => ({ from: at, to: at + secondMs })));
  const [first, ...others] = spans;
  return first === undefined || fleet === undefined ? spans : [{ from: first.from, to: first.to, fleet }, ...others];
}

/** From the first to the last second in which something happened: a second's rest between them is not worth a new block. */
function blocksOf(seconds: readonly Second[]): ReadonlyMap<string, readonly Block[]> {
  const rows = new Map<string, { at: number; rows: Row[] }[]>();
  for (const { at, busy } of seconds) {
    for (const [name, row] of busy) {
      let runs = rows.get(name);
      if (runs === undefined) rows.set(name, (runs = []));
      const last = runs.at(-1);
      if (last !== undefined && last.at + last.rows.length * secondMs === at) last.rows.push(row);
      else runs.push({ at, rows: [row] });
    }
  }
  return new Map([...rows].map(([name, runs]) => [name, runs.map((run) => toBlock(run.at, run.rows))]));
}

/** Minutes in which something happened; of the others the marks tell. */
function minutesOf(minutes: Stretch, blocks: readonly Block[]): readonly Block[] {
  const touched = new Set<number>();
  for (const { at, length } of blocks) {
    for (let slot = Math.floor(at / minuteMs); slot * minuteMs < at + length * secondMs; slot += 1)
      touched.add(slot * minuteMs);
  }
  const found: Block[] = [];
  minutes.recordedMs.forEach((_, index) => {
    const at = minutes.at + index * minuteMs;
    if (!touched.has(at)) return;
    const row = Object.fromEntries(
      columns.map((column) => [column, minutes.values.get(column)?.[index] ?? Number.NaN]),
    );
    found.push(toBlock(at, [row as Row]));
  });
  return found;
}
