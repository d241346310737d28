/**
 * Requests that have ended, asked of every gateway at once: each remembers its own. Whoever gives no answer in time is
 * left out and counted, since what the others know is worth having; what it gives too late it gives again.
 */
import type { SpanAnswer, SpanQuestion } from '../gateway/routing-table.ts';
import { bySlowness } from '../telemetry/spans/book.ts';
import type { RequestSpan, SpanQuery } from '../telemetry/spans/span.ts';

export interface FoundSpans {
  /** Slowest first. */
  readonly spans: readonly RequestSpan[];
  /** Gateways that gave no answer. */
  readonly silent: number;
}

export interface TakenSpans {
  readonly spans: readonly RequestSpan[];
  /** Gateways had no room for so many, since the last time; of all that there have been after a restart of control. */
  readonly lost: number;
}

export interface SpanQuestions<Asked extends object> {
  ask(of: readonly Asked[], query: SpanQuery): Promise<FoundSpans>;
  /**
   * What was remembered since this was asked last, in no order. Asking again settles what came: until then it is held, for
   * another control as well. `isFull`: it is not settled yet, so that none is wanted.
   */
  take(of: readonly Asked[], isFull: boolean): Promise<TakenSpans>;
  answered(by: Asked, answer: SpanAnswer): void;
  gone(asked: Asked): void;
}

const answerMsMax = 2000;

export function openSpanQuestions<Asked extends object>(
  send: (to: Asked, question: SpanQuestion) => void,
): SpanQuestions<Asked> {
  interface Open {
    readonly waiting: Set<Asked>;
    readonly spans: RequestSpan[];
    lost: number;
    gone: number;
    readonly done: () => void;
  }
  const open = new Map<number, Open>();
  const last = new WeakMap<Asked, { readonly number: number; readonly lost: number }>();
  let count = 0;

  const leave = ({ waiting, done }: Open, who: Asked): void => {
    waiting.delete(who);
    if (waiting.size === 0) done();
  };

  async function put(of: readonly Asked[], how: (of: Asked) => Pick<SpanQuestion, 'query' | 'take'>): Promise<Open> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const asked: Open = { waiting: new Set(of), spans: [], lost: 0, gone: 0, done: resolve };
    if (of.length === 0) return asked;
    count += 1;
    const id = count;
    open.set(id, asked);
    const timer = setTimeout(resolve, answerMsMax);
    for (const each of of) send(each, { kind: 'spans?', id, ...how(each) });
    await promise;
    clearTimeout(timer);
    open.delete(id);
    return asked;
  }

  return {
    async take(of, isFull) {
      const { spans, lost } = await put(of, (each) => {
        const settled = last.get(each)?.number;
        return { take: { ...(settled !== undefined && { settled }), ...(isFull && { isFull }) } };
      });
      return { spans, lost };
    },
    async ask(of, query) {
      const asked = await put(of, () => ({ query }));
      const spans = asked.spans.toSorted(bySlowness).slice(0, query.limit);
      return { spans, silent: asked.waiting.size + asked.gone };
    },
    answered(by, { id, spans, number, lost = 0 }) {
      const asked = open.get(id);
      if (asked === undefined || !asked.waiting.has(by)) return;
      asked.spans.push(...spans);
      if (number !== undefined) {
        asked.lost += lost - (last.get(by)?.lost ?? 0);
        last.set(by, { number, lost });
      }
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
