/**
 * The loop around a delivery: whoever offers never waits and gets no error; one batch at a time goes to the transport,
 * with a deadline; what happened is there to be read. A transport is a function of a batch and a signal that it obeys.
 */
import type { Clock } from '../../clock.ts';
import type { Rng } from '../../rng.ts';
import { Delivery, type DeliveryCounts, type DeliveryLimits, type Outcome } from './delivery.ts';

export interface SenderParts<Value> {
  readonly limits: DeliveryLimits;
  /** For one attempt. */
  readonly timeoutMs: number;
  /** Sends one batch. What it throws counts as an attempt that failed; it ends soon when the signal is aborted. */
  readonly send: (values: readonly Value[], signal: AbortSignal) => Promise<Outcome>;
  readonly clock: Clock;
  readonly rng: Rng;
}

export interface SenderView extends DeliveryCounts {
  /** `idle`: nothing was sent yet; `working`: the last attempt was taken; `failing`: it was not. */
  readonly state: 'idle' | 'working' | 'failing';
  /** Why the last attempt that was not wholly taken was not; it stays, with its time in Unix milliseconds. */
  readonly lastError?: string;
  readonly lastErrorAt?: number;
  readonly lastSuccessAt?: number;
}

export interface Sender<Value> {
  /** Returns at once. `bytes`: what the value holds in memory. */
  offer(value: Value, bytes: number): void;
  view(): SenderView;
  /** Tries to send what waits for `graceMs` at most, counts what is left as dropped, and ends. Safe to call twice. */
  close(graceMs: number): Promise<void>;
}

const wordsMax = 200;
/** For a transport to end that was told to. */
const abortMs = 1000;

export function startSender<Value>({ limits, timeoutMs, send, clock, rng }: SenderParts<Value>): Sender<Value> {
  const delivery = new Delivery<Value>(limits);
  const stopping = new AbortController();
  let cancel = (): void => {};
  let wakeAt: number | undefined;
  let isClosing = false;
  let isClosed = false;
  let closeBy = Infinity;
  let onIdle = (): void => {};
  const tooLate = `no answer in ${timeoutMs} ms`;
  let sending: Promise<void> | undefined;
  let closing: Promise<void> | undefined;
  let state: SenderView['state'] = 'idle';
  let lastError: { readonly lastError: string; readonly lastErrorAt: number } | undefined;
  let lastSuccessAt: number | undefined;

  function noteOutcome(outcome: Outcome): void {
    state = outcome.kind === 'accepted' || outcome.kind === 'partial' ? 'working' : 'failing';
    if (outcome.kind !== 'accepted')
      lastError = { lastError: outcome.why.slice(0, wordsMax), lastErrorAt: clock.wall() };
    if (state === 'working') lastSuccessAt = clock.wall();
  }

  async function attempt(values: readonly Value[]): Promise<void> {
    const late = new AbortController();
    const cancelLate = clock.after(timeoutMs, () => {
      late.abort();
      // Said at once: a disk that hangs obeys no signal.
      noteOutcome({ kind: 'failed', why: tooLate });
    });
    let outcome: Outcome;
    try {
      outcome = await send(values, AbortSignal.any([late.signal, stopping.signal]));
    } catch (error) {
      outcome = { kind: 'failed', why: error instanceof Error ? error.message : String(error) };
    } finally {
      cancelLate();
    }
    if (isClosed) return;
    // Whatever an aborted transport says, the time is why.
    if (outcome.kind === 'failed' && late.signal.aborted) outcome = { ...outcome, why: tooLate };
    noteOutcome(outcome);
    delivery.ended(outcome, clock.now(), rng.next());
  }

  function pump(): void {
    if (stopping.signal.aborted || sending !== undefined) return;
    const step = delivery.next(clock.now(), isClosing);
    // What cannot be sent before the end of the grace is not waited for.
    if (step.kind === 'idle' || (isClosing && step.kind === 'wait' && step.until > closeBy)) onIdle();
    // Many are offered at once: they need one timer.
    if (step.kind === 'wait' && step.until === wakeAt) return;
    cancel();
    wakeAt = undefined;
    if (step.kind === 'wait') {
      wakeAt = step.until;
      cancel = clock.after(Math.max(1, step.until - clock.now()), () => {
        wakeAt = undefined;
        pump();
      });
    }
    if (step.kind !== 'send') return;
    sending = attempt(step.values).finally(() => {
      sending = undefined;
      pump();
    });
  }

  async function close(graceMs: number): Promise<void> {
    const isOver = Promise.withResolvers<void>();
    const cancelGrace = clock.after(graceMs, isOver.resolve);
    isClosing = true;
    closeBy = clock.now() + graceMs;
    onIdle = isOver.resolve;
    pump();
    await isOver.promise;
    cancelGrace();
    stopping.abort();
    cancel();
    const isEnded = Promise.withResolvers<void>();
    const cancelWait = clock.after(abortMs, isEnded.resolve);
    void (sending ?? Promise.resolve()).then(isEnded.resolve);
    await isEnded.promise;
    cancelWait();
    isClosed = true;
    delivery.close();
  }

  return {
    offer(value, bytes) {
      delivery.offer(value, bytes, clock.now());
      pump();
    },
    view: () => ({
      state,
      ...delivery.counts(),
      ...lastError,
      ...(lastSuccessAt !== undefined && { lastSuccessAt }),
    }),
    close: (graceMs) => (closing ??= close(graceMs)),
  };
}
