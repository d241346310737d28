/**
 * One question to several gateways at once, over the coupling. Whoever gives no answer in time is left out and counted, since
 * what the others know is worth having; an answer that comes too late is nobody's.
 */

export interface Answers<Asked, Answer> {
  readonly given: ReadonlyMap<Asked, Answer>;
  /** Those that gave none: too slow, or gone meanwhile, and what they knew with them. */
  readonly silent: number;
}

export interface Asking<Asked extends object, Answer> {
  /** `send` puts the question under this number. */
  all(of: readonly Asked[], send: (to: Asked, id: number) => void): Promise<Answers<Asked, Answer>>;
  answered(by: Asked, id: number, answer: Answer): void;
  gone(asked: Asked): void;
}

export function openAsking<Asked extends object, Answer>(answerMsMax: number): Asking<Asked, Answer> {
  interface Open {
    readonly waiting: Set<Asked>;
    readonly given: Map<Asked, Answer>;
    readonly done: () => void;
  }
  const open = new Map<number, Open>();
  let count = 0;

  const leave = ({ waiting, done }: Open, who: Asked): void => {
    waiting.delete(who);
    if (waiting.size === 0) done();
  };

  return {
    async all(of, send) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const asked: Open = { waiting: new Set(of), given: new Map(), done: resolve };
      if (of.length === 0) return { given: asked.given, silent: 0 };
      count += 1;
      const id = count;
      open.set(id, asked);
      const timer = setTimeout(resolve, answerMsMax);
      for (const each of of) send(each, id);
      await promise;
      clearTimeout(timer);
      open.delete(id);
      return { given: asked.given, silent: of.length - asked.given.size };
    },
    answered(by, id, answer) {
      const asked = open.get(id);
      if (asked === undefined || !asked.waiting.has(by)) return;
      asked.given.set(by, answer);
      leave(asked, by);
    },
    gone(who) {
      for (const asked of open.values()) if (asked.waiting.has(who)) leave(asked, who);
    },
  };
}
