/** Work that comes round every so often, one run at a time; what it throws is told as a fault and ends nothing. */
import type { Clock } from '../clock.ts';
import { publish } from '../telemetry/events.ts';

/** `where` names it in a fault; `firstMs`: until the first run. Returns its end, which waits for a run that is under way. */
export function periodically(
  clock: Clock,
  everyMs: number,
  where: string,
  work: () => Promise<void>,
  firstMs = everyMs,
): () => Promise<void> {
  let stopped = false;
  let running: Promise<void> = Promise.resolve();
  let cancel = (): void => {};

  async function once(): Promise<void> {
    try {
      await work();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      publish('flyball:fault', { where, message, error });
    }
  }
  function next(afterMs: number): void {
    cancel = clock.after(afterMs, () => {
      running = once().finally(() => {
        if (!stopped) next(everyMs);
      });
    });
  }

  next(firstMs);
  return () => {
    stopped = true;
    cancel();
    return running;
  };
}
