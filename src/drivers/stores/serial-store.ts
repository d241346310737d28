/**
 * A store on one connection: steps and transactions run one after another, in the order in which they were asked for, so
 * that nobody sees half of one. What makes each of them whole is the engine's.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { FlyballError } from '../../errors.ts';
import type { Store, StoreAccess } from '../../store/store.ts';
import type { Step } from './statement.ts';
import type { StoreSteps } from './steps.ts';

export type StepRunner = <Result>(step: Step<Result>) => Promise<Result>;

/** One database connection. It is asked for one thing at a time. */
export interface Engine extends AsyncDisposable {
  /** One step by itself. */
  readonly step: StepRunner;
  /** What `body` runs happens whole, or not at all where it throws. */
  transaction<Result>(body: (run: StepRunner) => Promise<Result>): Promise<Result>;
}

/** `place` names it in messages: a file, or an address without its password. */
export function openSerialStore(place: string, steps: StoreSteps, engine: Engine): Store {
  const inside = new AsyncLocalStorage<{ over: boolean }>();
  let tail: Promise<unknown> = Promise.resolve();
  let closed = false;

  /** Runs `work` when everything before it has ended. The queue's length is the caller's number of open calls. */
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (inside.getStore()?.over === false) {
      return Promise.reject(
        new FlyballError('INTERNAL', 'the store was called inside its own transaction; use the access handed in'),
      );
    }
    const turn = tail.then(async () => {
      if (closed) throw new FlyballError('INTERNAL', `the store ${place} was used after it was closed`);
      return work();
    });
    tail = turn.catch(() => undefined);
    return turn;
  };

  const transaction = <Result>(change: (access: StoreAccess) => Promise<Result>): Promise<Result> =>
    inTurn(async () => {
      const scope = { over: false };
      try {
        return await engine.transaction((run) => {
          const access = toAccess(steps, async (step) => {
            if (scope.over) throw new FlyballError('INTERNAL', 'a transaction was used after its end');
            return run(step);
          });
          return inside.run(scope, () => change(access)).finally(() => (scope.over = true));
        });
      } finally {
        scope.over = true;
      }
    });

  return {
    ...toAccess(steps, (step) => inTurn(() => engine.step(step))),
    transaction,
    async [Symbol.asyncDispose]() {
      await tail;
      if (closed) return;
      closed = true;
      await engine[Symbol.asyncDispose]();
    },
  };
}

/** Each step as a promise, run by `run`. */
function toAccess(steps: StoreSteps, run: StepRunner): StoreAccess {
  const entries = Object.entries(steps).map(([name, step]) => {
    const call = step as (...given: readonly unknown[]) => Step<unknown>;
    return [name, (...given: readonly unknown[]) => run(call(...given))];
  });
  return Object.fromEntries(entries) as StoreAccess;
}
