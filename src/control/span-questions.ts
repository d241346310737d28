/**
 * Requests that have ended, asked of every gateway at once: each remembers its own. Whoever gives no answer in time is
 * left out and counted, since what the others know is worth having; what it gives too late it gives again.
 */
import type { SpanAnswer, SpanQuestion } from '../gateway/routing-table.ts';
import { bySlowness } from '../telemetry/spans/book.ts';
import type { RequestSpan, SpanQuery } from '../telemetry/spans/span.ts';
import { openAsking } from './ask-all.ts';

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
  const asking = openAsking<Asked, SpanAnswer>(answerMsMax);
  const last = new WeakMap<Asked, { readonly number: number; readonly lost: number }>();

  return {
    async take(of, isFull) {
      const { given } = await asking.all(of, (to, id) => {
        const settled = last.get(to)?.number;
        const take = { ...(settled !== undefined && { settled }), ...(isFull && { isFull }) };
        send(to, { kind: 'spans?', id, take });
      });
      let lostSince = 0;
      for (const [by, { number, lost = 0 }] of given) {
        if (number === undefined) continue;
        lostSince += lost - (last.get(by)?.lost ?? 0);
        last.set(by, { number, lost });
      }
      return { spans: [...given.values()].flatMap(({ spans }) => spans), lost: lostSince };
    },
    async ask(of, query) {
      const { given, silent } = await asking.all(of, (to, id) => send(to, { kind: 'spans?', id, query }));
      const spans = [...given.values()].flatMap((answer) => answer.spans);
      return { spans: spans.toSorted(bySlowness).slice(0, query.limit), silent };
    },
    answered: (by, answer) => asking.answered(by, answer.id, answer),
    gone: (who) => asking.gone(who),
  };
}
