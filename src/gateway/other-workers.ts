/**
 * What the other gateway workers have counted, asked through the supervisor: it alone knows them all, and it is there
 * as long as anything is. However many callers ask, one question is under way and one waits behind it.
 * Invariant: what is answered was looked up after it was asked, so that an answered inference is always counted.
 */
import type { Clock } from '../clock.ts';
import type { ModelStatistics } from '../protocol/inference.ts';

type Counted = readonly (readonly ModelStatistics[])[];

export interface OtherWorkers {
  /** By worker; without the workers that are just gone or gave no answer in time. Never rejects. */
  statistics(): Promise<Counted>;
  /** The supervisor's answer to `ask`. */
  receive(ask: number, counted: Counted): void;
}

/** Longer than the supervisor waits for a worker. */
const answerMsMax = 2000;

export function openOtherWorkers(send: (ask: number) => void, clock: Pick<Clock, 'after'>): OtherWorkers {
  const asked = new Map<number, (counted: Counted) => void>();
  let asks = 0;
  let running: Promise<Counted> = Promise.resolve([]);
  let waiting: Promise<Counted> | undefined;

  function ask(): Promise<Counted> {
    waiting = undefined;
    const number = ++asks;
    const { promise, resolve } = Promise.withResolvers<Counted>();
    const end = (counted: Counted): void => {
      cancel();
      asked.delete(number);
      resolve(counted);
    };
    const cancel = clock.after(answerMsMax, () => end([]));
    asked.set(number, end);
    send(number);
    return promise;
  }

  return {
    statistics() {
      // One that is under way may have been looked up before whoever asks now was answered.
      if (waiting === undefined) {
        waiting = running.then(ask);
        running = waiting;
      }
      return waiting;
    },
    receive: (number, counted) => asked.get(number)?.(counted),
  };
}
