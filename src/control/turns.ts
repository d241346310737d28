/**
 * Turns: one piece of work that is done again whenever something may have changed, and every so often anyway. No two run
 * at once, and whoever must not be disturbed by one takes a turn of its own. A turn that fails is told and tried again
 * at the next.
 */
import type { Clock } from '../clock.ts';
import { publish } from '../telemetry/events.ts';

export interface Turns {
  /** Something may have changed: look soon. */
  poke(): void;
  /** Runs `change` between two turns and looks again after it. */
  exclusively<T>(change: () => Promise<T>): Promise<T>;
  /** Why the last turn could not do what it had to (a full disk); undefined when it could. */
  trouble(): string | undefined;
  start(): void;
  /** No turn begins after this; returns when the last one has ended. */
  stop(): Promise<void>;
}

/** `where` names the work in a fault. Nothing is done before `start`. */
export function takeTurns(clock: Clock, everyMs: number, where: string, turn: () => Promise<void>): Turns {
  let running = false;
  let stopped = true;
  let tail: Promise<unknown> = Promise.resolve();
  let queued = false;
  let trouble: string | undefined;
  let cancelTick = (): void => {};

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = tail.then(work);
    tail = done.catch(() => undefined);
    return done;
  };

  function poke(): void {
    if (stopped || queued) return;
    queued = true;
    void inTurn(async () => {
      queued = false;
      if (stopped) return;
      try {
        await turn();
        trouble = undefined;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        trouble = message;
        publish('flyball:fault', { where, message, error });
      }
    });
  }

  function tick(): void {
    poke();
    cancelTick = clock.after(everyMs, tick);
  }

  return {
    poke,
    exclusively(change) {
      const done = inTurn(change);
      void done.then(poke, poke);
      return done;
    },
    trouble: () => trouble,
    start() {
      if (running) return;
      running = true;
      stopped = false;
      tick();
    },
    async stop() {
      stopped = true;
      cancelTick();
      await tail;
    },
  };
}
