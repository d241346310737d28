/**
 * What waits for a replica: the queue of what was never started and, before anything of it, what is to be run again.
 * Who hangs up in the queue leaves it at once; who does so before a second run is found out by whoever starts that.
 */
import { RequestQueue } from '../core/queueing/queue.ts';
import type { Endings } from './endings.ts';
import { compatibilityKey, type Job } from './job.ts';

/** As many as any deployment may declare, so that a change of the declaration needs no new queue. */
const priorityLevelsMax = 16;

export class Waiting {
  readonly queue: RequestQueue<Job>;
  /** Each is one call. */
  readonly again: (readonly Job[])[] = [];
  readonly #end: Endings;

  constructor(lengthMax: number, end: Endings) {
    this.queue = new RequestQueue({ lengthMax, priorityLevels: priorityLevelsMax });
    this.#end = end;
  }

  get empty(): boolean {
    return this.queue.length === 0 && this.again.length === 0;
  }

  get payload(): Job['payload'] {
    return this.again[0]?.[0]?.payload ?? this.queue.first()?.payload ?? 'tensors';
  }

  /** How many calls it makes, of `cap` rows each. */
  calls(cap: number): number {
    return this.again.length + this.queue.rows / cap;
  }

  /** Arrival of who has waited longest, those that a replica has lost or refused among them; Infinity without any. */
  since(): number {
    const first = this.queue.first();
    const oldest = first === undefined ? Infinity : this.queue.oldestLike(first);
    return Math.min(oldest, ...this.again.flat().map(({ arrivedAt }) => arrivedAt));
  }

  /** The queue has room for it. */
  add(job: Job): void {
    job.key = compatibilityKey(job);
    this.queue.add(job);
    const onAbort = (): void => {
      this.queue.remove(job);
      this.#end.fail(job, 'CANCELLED', 'the caller hung up; the request was never started');
    };
    job.onAbort = onAbort;
    job.signal.addEventListener('abort', onAbort, { once: true });
  }

  takeAll(): readonly Job[] {
    return [...this.queue.takeAll(), ...this.again.splice(0).flat()];
  }
}
