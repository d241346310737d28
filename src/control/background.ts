/** Work that nobody waits for; its failure is told, never swallowed. */
import { publish } from '../telemetry/events.ts';

export interface Background {
  /** `where` names the work in a fault. */
  run(where: string, work: () => Promise<void>): void;
  /** Returns when all that has been begun is over. */
  settled(): Promise<void>;
}

/** After `signal` has been aborted, failures are its consequence and not told. */
export function openBackground(signal: AbortSignal): Background {
  const all = new Set<Promise<void>>();
  return {
    run(where, work) {
      const running = work()
        .catch((error: unknown) => {
          if (signal.aborted) return;
          const message = error instanceof Error ? error.message : String(error);
          publish('flyball:fault', { where, message, error });
        })
        .finally(() => all.delete(running));
      all.add(running);
    },
    async settled() {
      // Of what one is done with, another may come.
      while (all.size > 0) await Promise.all(all);
    },
  };
}
