/**
 * Which requests are remembered, of the many that come: every failed one, by the code of its failure, so that a flood of
 * refusals pushes out no other failure; the slowest of each minute; those whose caller records them; and a small sample.
 * Each shelf is bounded, and so is the number of all. Pure: time and spans are arguments.
 * Invariant: a span stands on one shelf; `wants` costs a look-up and a few comparisons, and creates nothing.
 */
import type { Kept, RequestSpan, SpanQuery } from './span.ts';

export interface SpanLimits {
  /** Of one deployment. */
  readonly slowestEachMinute: number;
  readonly minutes: number;
  readonly failuresEachCode: number;
  readonly asked: number;
  readonly samples: number;
  readonly sampleEveryMs: number;
  /** Of all deployments together: beyond it the deployment goes that was written of least recently. */
  readonly spans: number;
}

export const spanLimits: SpanLimits = {
  slowestEachMinute: 8,
  minutes: 60,
  failuresEachCode: 64,
  asked: 256,
  samples: 120,
  sampleEveryMs: 5000,
  spans: 20_000,
};

const minuteMs = 60_000;

/** What decides whether a request is remembered. `at`: its end, Unix milliseconds. */
export interface Ended {
  readonly deployment: string;
  readonly failed: boolean;
  readonly totalMs: number;
  readonly sampled: boolean;
  readonly at: number;
}

interface Minute {
  readonly number: number;
  readonly spans: RequestSpan[];
}

interface Shelf {
  readonly minutes: Minute[];
  readonly failures: Map<string, RequestSpan[]>;
  readonly asked: RequestSpan[];
  readonly samples: RequestSpan[];
  /** Minute of the last entry of `minutes`, and what is slower than which gets in; -1 while there is room. */
  minute: number;
  leastMs: number;
  sampleAt: number;
  count: number;
}

export class SpanBook {
  readonly #limits: SpanLimits;
  /** The one that was written of last stands last. */
  readonly #shelves = new Map<string, Shelf>();
  #count = 0;

  constructor(limits: SpanLimits = spanLimits) {
    this.#limits = limits;
  }

  get count(): number {
    return this.#count;
  }

  /** Undefined: it is forgotten, and need not be made. */
  wants({ deployment, failed, totalMs, sampled, at }: Ended): Kept | undefined {
    if (failed) return 'failed';
    const shelf = this.#shelves.get(deployment);
    if (shelf === undefined || totalMs > shelf.leastMs || Math.floor(at / minuteMs) > shelf.minute) return 'slow';
    if (sampled) return 'asked';
    return at >= shelf.sampleAt ? 'sample' : undefined;
  }

  /** Of a span that was wanted just now; `at` as it was there. */
  keep(span: RequestSpan, at: number): void {
    const shelf = this.#shelfOf(span.deployment);
    const before = shelf.count;
    switch (span.kept) {
      case 'failed':
        this.#keepFailure(shelf, span);
        break;
      case 'slow':
        this.#keepSlow(shelf, span, Math.floor(at / minuteMs));
        break;
      case 'asked':
        this.#push(shelf, shelf.asked, span, this.#limits.asked);
        break;
      case 'sample':
        shelf.sampleAt = at + this.#limits.sampleEveryMs;
        this.#push(shelf, shelf.samples, span, this.#limits.samples);
        break;
      default:
        span.kept satisfies never;
    }
    this.#count += shelf.count - before;
    this.#bound(shelf);
  }

  /** Slowest first; every one of a trace, or of the time asked for. */
  find({ deployment, traceId, from = -Infinity, to = Infinity, limit }: SpanQuery): RequestSpan[] {
    const found: RequestSpan[] = [];
    for (const [name, shelf] of this.#shelves) {
      if (deployment !== undefined && deployment !== name) continue;
      for (const span of spansOf(shelf)) {
        if (span.at < from || span.at > to) continue;
        if (traceId === undefined || span.traceId === traceId) found.push(span);
      }
    }
    return found.toSorted(bySlowness).slice(0, limit);
  }

  #shelfOf(deployment: string): Shelf {
    const found = this.#shelves.get(deployment) ?? {
      minutes: [],
      failures: new Map(),
      asked: [],
      samples: [],
      minute: -1,
      leastMs: -1,
      sampleAt: 0,
      count: 0,
    };
    this.#shelves.delete(deployment);
    this.#shelves.set(deployment, found);
    return found;
  }

  #push(shelf: Shelf, spans: RequestSpan[], span: RequestSpan, most: number): void {
    spans.push(span);
    if (spans.length > most) spans.shift();
    else shelf.count += 1;
  }

  #keepFailure(shelf: Shelf, span: RequestSpan): void {
    let spans = shelf.failures.get(span.status);
    if (spans === undefined) {
      spans = [];
      shelf.failures.set(span.status, spans);
    }
    this.#push(shelf, spans, span, this.#limits.failuresEachCode);
  }

  #keepSlow(shelf: Shelf, span: RequestSpan, number: number): void {
    const { minutes, slowestEachMinute } = this.#limits;
    let minute = shelf.minutes.at(-1);
    // A wall clock that was set back goes on in the minute that was reached.
    if (minute === undefined || number > minute.number) {
      minute = { number, spans: [] };
      shelf.minutes.push(minute);
      shelf.minute = number;
      const gone = shelf.minutes.length > minutes ? shelf.minutes.shift() : undefined;
      shelf.count -= gone?.spans.length ?? 0;
    }
    minute.spans.push(span);
    shelf.count += 1;
    if (minute.spans.length > slowestEachMinute) {
      const least = minute.spans.reduce((quick, each) => (each.totalMs < quick.totalMs ? each : quick));
      minute.spans.splice(minute.spans.indexOf(least), 1);
      shelf.count -= 1;
      // Its caller looks for it.
      if (least.sampled) this.#push(shelf, shelf.asked, { ...least, kept: 'asked' }, this.#limits.asked);
    }
    const full = minute.spans.length === slowestEachMinute;
    shelf.leastMs = full ? Math.min(...minute.spans.map(({ totalMs }) => totalMs)) : -1;
  }

  #bound(writing: Shelf): void {
    for (const [name, shelf] of this.#shelves) {
      if (this.#count <= this.#limits.spans || shelf === writing) return;
      this.#shelves.delete(name);
      this.#count -= shelf.count;
    }
  }
}

function* spansOf({ minutes, failures, asked, samples }: Shelf): Generator<RequestSpan> {
  for (const { spans } of minutes) yield* spans;
  for (const spans of failures.values()) yield* spans;
  yield* asked;
  yield* samples;
}

/** Slowest first; of equals the newest. */
export const bySlowness = (left: RequestSpan, right: RequestSpan): number =>
  right.totalMs - left.totalMs || right.at - left.at;
