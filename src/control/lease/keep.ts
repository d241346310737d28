/**
 * The loop around core/leases: asks, renews, and says when it is lost. It never acts for the holder; what acts asks for
 * `fence` once and stops when `lost` is fulfilled.
 */
import type { Clock } from '../../clock.ts';
import {
  after,
  beginning,
  mayAct,
  next,
  type LeaseTerms,
  type LeaseEvent,
  type Standing,
} from '../../core/leases/keeping.ts';
import type { Fence, Leases, LeaseView } from '../../store/lease.ts';

export interface KeepOptions {
  readonly leases: Leases;
  readonly name: string;
  /** In words for people, and different for each process that may ask at the same time as another. */
  readonly holder: string;
  readonly terms: LeaseTerms;
  readonly clock: Clock;
  /** Somebody else has it; once for each holder. */
  readonly onWaiting: (by: LeaseView) => void;
  /** The store gives no answer, or no longer; once each time that begins. */
  readonly onTrouble: (error: unknown) => void;
}

export interface HeldLease extends AsyncDisposable {
  readonly fence: Fence;
  /** Fulfilled with the reason when it may not act any more. Never after it was given up. */
  readonly lost: Promise<string>;
  mayAct(): boolean;
}

/** Waits until it is given, for as long as it takes; rejected when `signal` is aborted. */
export async function keepLease(options: KeepOptions, signal: AbortSignal): Promise<HeldLease> {
  const { leases, name, holder, terms, clock } = options;
  let standing: Standing = beginning;
  let isTroubled = false;
  let waitingFor: number | undefined;
  const lost = Promise.withResolvers<string>();
  let isOver = false;
  let wake = (): void => {};

  const hear = (event: LeaseEvent): void => {
    standing = after(terms, standing, event, clock.now());
    if (standing.kind === 'lost' && !isOver) lost.resolve(standing.reason);
  };

  async function asked<Answer>(question: () => Promise<Answer>): Promise<Answer | undefined> {
    try {
      const answer = await question();
      isTroubled = false;
      return answer;
    } catch (error) {
      if (!isTroubled) options.onTrouble(error);
      isTroubled = true;
      hear({ kind: 'unanswered' });
      return undefined;
    }
  }

  async function ask(): Promise<void> {
    const askedAt = clock.now();
    const answer = await asked(() => leases.acquire(name, holder, terms.ttlMs));
    if (answer === undefined) return;
    if (answer.kind === 'held') {
      hear({ kind: 'given', token: answer.token, askedAt });
      return;
    }
    if (waitingFor !== answer.by.token) options.onWaiting(answer.by);
    waitingFor = answer.by.token;
    hear({ kind: 'refused' });
  }

  async function renew(token: number): Promise<void> {
    const askedAt = clock.now();
    const isOurs = await asked(() => leases.renew({ name, token }, terms.ttlMs));
    if (isOurs !== undefined) hear(isOurs ? { kind: 'renewed', askedAt } : { kind: 'taken' });
  }

  const until = (at: number): Promise<void> =>
    new Promise((done) => {
      const cancel = clock.after(Math.max(0, at - clock.now()), done);
      wake = () => {
        cancel();
        done();
      };
    });

  /** Beside the questions, which may stay unanswered for longer than the lease lasts. */
  let cancelDeadline = (): void => {};
  function watch(): void {
    cancelDeadline();
    if (standing.kind !== 'holding' || isOver) return;
    cancelDeadline = clock.after(Math.max(0, standing.until - clock.now()), () => {
      hear({ kind: 'looked' });
      watch();
    });
  }

  async function hold(): Promise<void> {
    while (!isOver) {
      const step = next(standing, clock.now());
      if (step.kind === 'stop') return;
      if (step.kind === 'wait') await until(step.until);
      else if (step.kind === 'renew') await renew(step.token);
      watch();
    }
  }

  const onAbort = (): void => wake();
  signal.addEventListener('abort', onAbort);
  while (standing.kind === 'waiting') {
    signal.throwIfAborted();
    const step = next(standing, clock.now());
    if (step.kind === 'wait') await until(step.until);
    else await ask();
  }
  signal.removeEventListener('abort', onAbort);
  if (standing.kind !== 'holding') throw new Error('a lease that was never given cannot be lost');
  const fence: Fence = { name, token: standing.token };
  watch();
  const holding = hold();
  return {
    fence,
    lost: lost.promise,
    mayAct: () => !isOver && mayAct(standing, clock.now()),
    async [Symbol.asyncDispose]() {
      if (isOver) return;
      isOver = true;
      cancelDeadline();
      wake();
      await holding;
      // Nobody has to wait for the end of its time; where this does not arrive, they do.
      await leases.release(fence).catch(() => undefined);
    },
  };
}
