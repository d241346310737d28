/**
 * Puts load on a target. Open loop: requests leave by a schedule, whether or not answers come, and a latency counts
 * from the time at which its request was MEANT to leave: a slow server cannot slow the question down and so hide how
 * slow it is (coordinated omission). What cannot leave at once waits in a bounded queue and is late, not forgotten.
 * Closed loop: each caller waits for its answer before it asks again; a latency counts from the sending.
 * Invariant: scheduled = ok + failed + unanswered + unsent.
 */
import type { Clock } from '../clock.ts';
import { createRecorder, type LoadReport, type Recorder, type SecondReport } from './recorder.ts';
import type { Target } from './target.ts';

export interface LoadOptions {
  readonly target: Target;
  readonly clock: Clock;
  readonly durationMs: number;
  /** How long answers are waited for after the last request. */
  readonly graceMs: number;
  readonly onSecond?: (second: SecondReport) => void;
}

export interface OpenLoop {
  /** Milliseconds since the start, ascending. */
  readonly schedule: Iterator<number, void, void>;
  /** Requests that are due but cannot be sent yet, at most; what comes on top is counted as unsent. */
  readonly backlogMax: number;
}

/** After a failure a caller of a closed loop waits this long. */
const failurePauseMs = 20;

/** A sleep must end this early, because a timer of 1 ms takes up to 2; the rest is spent in the event loop. */
const timerSlackMs = 1.2;

export async function openLoop(options: LoadOptions & OpenLoop, signal: AbortSignal): Promise<LoadReport> {
  const { target, clock, schedule, backlogMax } = options;
  const startedAt = clock.now();
  const recorder = createRecorder(startedAt);
  let inFlight = 0;
  /** Intended times of what is due and waits for a slot: a ring, because `shift` on a long array is slow. */
  const late: number[] = [];
  let lateHead = 0;

  const launch = (intended: number): void => {
    const sentAt = clock.now();
    inFlight++;
    void (async () => {
      const outcome = await target.send();
      recorder.answered(outcome, startedAt + intended, sentAt, clock.now());
      inFlight--;
      const next = late[lateHead];
      if (next === undefined || signal.aborted) return;
      lateHead++;
      if (lateHead > 1024 && lateHead * 2 > late.length) {
        late.splice(0, lateHead);
        lateHead = 0;
      }
      recorder.waitedForSlot();
      launch(next);
    })();
  };

  using ticking = everySecond(options, recorder, startedAt, () => late.length - lateHead);
  for (let next = schedule.next(); next.done !== true && !signal.aborted; next = schedule.next()) {
    const intended = next.value;
    await until(startedAt + intended, clock, signal);
    if (signal.aborted) break;
    recorder.due(clock.now() - startedAt - intended);
    if (inFlight < target.slots) launch(intended);
    else if (late.length - lateHead < backlogMax) late.push(intended);
    else recorder.unsent(1);
  }
  if (!signal.aborted) await until(startedAt + options.durationMs, clock, signal);
  const sendingMs = clock.now() - startedAt;
  await drain(options, () => inFlight > 0 || late.length > lateHead, signal);
  recorder.unsent(late.length - lateHead);
  lateHead = late.length;
  ticking[Symbol.dispose]();
  return recorder.report({ sendingMs, interrupted: signal.aborted, unanswered: inFlight });
}

export async function closedLoop(
  options: LoadOptions & { readonly callers: number },
  signal: AbortSignal,
): Promise<LoadReport> {
  const { target, clock, callers, durationMs } = options;
  const startedAt = clock.now();
  const endsAt = startedAt + durationMs;
  const recorder = createRecorder(startedAt);
  let unanswered = 0;
  using ticking = everySecond(options, recorder, startedAt, () => 0);
  const calling = new Set<Promise<void>>();
  for (let caller = 0; caller < Math.min(callers, target.slots); caller++) {
    const flight = (async () => {
      while (!signal.aborted && clock.now() < endsAt) {
        const sentAt = clock.now();
        recorder.due(0);
        unanswered++;
        const outcome = await target.send();
        unanswered--;
        recorder.answered(outcome, sentAt, sentAt, clock.now());
        // A refusal comes back in microseconds: asking again at once would only burn the machine that is to recover.
        if (outcome.kind === 'failed') await pause(failurePauseMs, clock, signal);
      }
    })().finally(() => calling.delete(flight));
    calling.add(flight);
  }
  await until(endsAt, clock, signal, calling);
  const sendingMs = clock.now() - startedAt;
  await drain(options, () => calling.size > 0, signal);
  ticking[Symbol.dispose]();
  return recorder.report({ sendingMs, interrupted: signal.aborted, unanswered });
}

/** Waits for a time, for the abort, or for `all` to have gone, whichever comes first; sharper than a timer alone. */
async function until(at: number, clock: Clock, signal: AbortSignal, all?: ReadonlySet<Promise<void>>): Promise<void> {
  for (;;) {
    const left = at - clock.now();
    if (left <= 0 || signal.aborted || all?.size === 0) return;
    if (left > timerSlackMs) await pause(all === undefined ? left - timerSlackMs : Math.min(left, 50), clock, signal);
    else await new Promise((resolve) => setImmediate(resolve));
  }
}

function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(ms, end);
    signal.addEventListener('abort', end);
  });
}

async function drain({ graceMs, clock }: LoadOptions, isBusy: () => boolean, signal: AbortSignal): Promise<void> {
  const deadline = clock.now() + graceMs;
  while (isBusy() && clock.now() < deadline && !signal.aborted) await pause(Math.min(10, graceMs), clock, signal);
}

function everySecond(
  { clock, onSecond }: LoadOptions,
  recorder: Recorder,
  startedAt: number,
  backlog: () => number,
): Disposable {
  let cancel = (): void => {};
  let second = 0;
  let stopped = false;
  const tick = (): void => {
    second++;
    const seen = recorder.endSecond(second, backlog());
    onSecond?.(seen);
    if (!stopped) cancel = clock.after(Math.max(0, startedAt + (second + 1) * 1000 - clock.now()), tick);
  };
  cancel = clock.after(1000, tick);
  return {
    [Symbol.dispose]: () => {
      stopped = true;
      cancel();
    },
  };
}
