/**
 * A model that the platform serves and that the governor asks: for forecasts, or for a set-point. One question at a time,
 * through the gateway, and nobody waits for the answer: late, dead, or of no use, there is none, and the reason can be
 * read; the log has it once.
 */
import { publish } from '../../telemetry/events.ts';
import type { Ask } from '../gateway-channel.ts';

export interface Adviser {
  /** Name of the deployment that is asked. */
  readonly model: string;
  /** Why the last question has no answer; undefined while it has, and before the first. */
  readonly problem: string | undefined;
  /** Asks, unless a question is under way: whether it did. `take` says what is wrong with an answer, if something is. */
  question(values: ArrayLike<number>, take: (said: Float64Array) => string | undefined): boolean;
  /** Until the question that is under way has its answer. */
  settled(): Promise<void>;
}

/** A fifth of a step of the forecasters: whoever takes longer is no help at a load that changes. */
export const askMsMax = 2000;

/** `where`: what it advises on, for the log. */
export function openAdviser(where: string, model: string, ask: Ask): Adviser {
  let problem: string | undefined;
  let pending: Promise<void> | undefined;

  return {
    model,
    get problem() {
      return problem;
    },
    question(values, take) {
      if (pending !== undefined) return false;
      const run = async (): Promise<void> => {
        const reply = await ask(model, values, askMsMax);
        const why = reply.kind === 'silent' ? reply.why : take(reply.values);
        if (why !== undefined && why !== problem)
          publish('flyball:fault', { where, message: `model ${model} says nothing: ${why}` });
        problem = why;
      };
      pending = run().finally(() => (pending = undefined));
      return true;
    },
    settled: async () => pending,
  };
}
