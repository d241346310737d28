/**
 * Requests that have ended, asked of every gateway at once: each remembers its own. Whoever gives no answer in time is
 * left out and counted, since what the others know is worth having.
 */
import type { SpanAnswer, SpanQuestion } from '../gateway/routing-table.ts';
import { bySlowness } from '../telemetry/spans/book.ts';
import type { Taken } from '../telemetry/spans/outbox.ts';
import type { RequestSpan, SpanQuery } from '../telemetry/spans/span.ts';

export interface FoundSpans {
  /** Slowest first. */
  readonly spans: readonly RequestSpan[];
  /** Gateways that gave no answer. */
  readonly silent: number;
}

export interface SpanQuestions<Asked> {
  ask(of: readonly Asked[], query: SpanQuery): Promise<FoundSpans>;
  /** What was remembered since this was asked last, each once, in no order; `dropped`: lost meanwhile. */
  take(of: readonly Asked[]): Promise<Taken>;
  answered(by: Asked, answer: SpanAnswer): void;
  gone(asked: Asked): void;
}

const answerMsMax = 2000;

export function openSpanQuestions<Asked>(send: (to: Asked, question: SpanQuestion) => void): SpanQuestions<Asked> {
  interface Open {
    readonly waiting: Set<Asked>;
    readonly spans: RequestSpan[];
    dropped: number;
    gone: number;
    readonly done: () => void;
  }
  const open = new Map<number, Open>();
  let count = 0;

  const leave = ({ waiting, done }: Open, who: Asked): void => {
    waiting.delete(who);
    if (waiting.size === 0) done();
  };

  async function put(of: readonly Asked[], query: SpanQuery | undefined): Promise<Open> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const asked: Open = { waiting: new Set(of), spans: [], dropped: 0, gone: 0, done: resolve };
    if (of.length === 0) return asked;
    count += 1;
    const id = count;
    open.set(id, asked);
    const timer = setTimeout(resolve, answerMsMax);
    for (const each of of) send(each, { kind: 'spans?', id, ...(query !== undefined && { query }) });
    await promise;
    clearTimeout(timer);
    open.delete(id);
    return asked;
  }

  return {
    async take(of) {
      const { spans, dropped } = await put(of, undefined);
      return { spans, dropped };
    },
    async ask(of, query) {
      const asked = await put(of, query);
      const spans = asked.spans.toSorted(bySlowness).slice(0, query.limit);
      return { spans, silent: asked.waiting.size + asked.gone };
    },
    answered(by, { id, spans, dropped = 0 }) {
      const asked = open.get(id);
      if (asked === undefined || !asked.waiting.has(by)) return;
      asked.spans.push(...spans);
      asked.dropped += dropped;
      leave(asked, by);
    },
    gone(who) {
      for (const asked of open.values()) {
        if (!asked.waiting.has(who)) continue;
        // What it knew went with it: that is no answer, and nothing to wait for.
        asked.gone += 1;
        leave(asked, who);
      }
    },
  };
}
