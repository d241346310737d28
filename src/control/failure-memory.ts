/**
 * What is remembered of failures across restarts of control: so that a version that crashes again and again is not
 * started at full speed because control crashed too, and one that was given up stays given up.
 * Best effort: on a full disk the memory lasts as long as control does. Kept with wall time, which may jump: a wait that
 * is left over is at most what it was, and never below zero.
 */
import type { Clock } from '../clock.ts';
import type { Failure } from '../core/upkeep/failures.ts';
import type { Store } from '../store/store.ts';

export interface FailureMemory {
  /** By template; times are this process's. */
  read(deployment: string): Promise<ReadonlyMap<string, Failure>>;
  keep(deployment: string, failures: ReadonlyMap<string, Failure>): void;
  /** Everything kept so far is durable, or could not be written. */
  flushed(): Promise<void>;
}

interface Kept extends Omit<Failure, 'lastAt'> {
  /** Unix milliseconds. */
  readonly at: number;
}

const failuresKey = 'control.failures';
/** Runtimes can be talkative, and the reason is only for people. */
const reasonLengthMax = 2000;

export function openFailureMemory(store: Store, clock: Clock): FailureMemory {
  let writing: Promise<void> = Promise.resolve();

  const readAll = async (): Promise<Record<string, Record<string, Kept>>> => {
    const text = await store.meta(failuresKey);
    return text === undefined ? {} : (JSON.parse(text) as Record<string, Record<string, Kept>>);
  };

  return {
    flushed: () => writing,
    async read(deployment) {
      const kept = (await readAll())[deployment] ?? {};
      const [now, wall] = [clock.now(), clock.wall()];
      return new Map(
        Object.entries(kept).map(([template, { at, ...failure }]) => [
          template,
          { ...failure, lastAt: now - Math.max(0, wall - at) },
        ]),
      );
    },
    keep(deployment, failures) {
      const [now, wall] = [clock.now(), clock.wall()];
      const own = [...failures].map(([template, { lastAt, reason, ...failure }]): [string, Kept] => [
        template,
        { ...failure, reason: reason.slice(0, reasonLengthMax), at: Math.round(wall - (now - lastAt)) },
      ]);
      const write = async (): Promise<void> => {
        const { [deployment]: _, ...others } = await readAll();
        const all = own.length === 0 ? others : { ...others, [deployment]: Object.fromEntries(own) };
        await store.setMeta(failuresKey, JSON.stringify(all));
      };
      // A disk that is full is told by whatever has to be written next.
      writing = writing.then(write).catch(() => {});
    },
  };
}
