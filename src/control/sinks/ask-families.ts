/** Control asks the supervisor, which alone reaches all processes, what each of them has counted. */
import type { Clock } from '../../clock.ts';
import type { FamiliesOf } from '../../telemetry/metrics.ts';

export interface FamiliesQuestion {
  /** Throws when no answer comes in time. */
  ask(): Promise<readonly FamiliesOf[]>;
  answered(ask: number, parts: readonly FamiliesOf[]): void;
}

/** The supervisor itself gives a process a second. */
const timeoutMs = 3000;

export function openFamiliesQuestion(send: (ask: number) => void, clock: Clock): FamiliesQuestion {
  const open = new Map<number, (parts: readonly FamiliesOf[]) => void>();
  let next = 1;
  return {
    ask() {
      const ask = next++;
      return new Promise((resolve, reject) => {
        const cancel = clock.after(timeoutMs, () => {
          open.delete(ask);
          reject(new Error(`the supervisor told no metrics in ${timeoutMs} ms`));
        });
        open.set(ask, (parts) => {
          cancel();
          open.delete(ask);
          resolve(parts);
        });
        send(ask);
      });
    },
    answered: (ask, parts) => open.get(ask)?.(parts),
  };
}
