/**
 * One call as a few attempts within one deadline. Invariant: no attempt follows one that may have been computed, unless
 * the caller said that computing twice does no harm; and no wait outlasts the deadline.
 */
import { FlyballError } from '../errors.ts';
import { AttemptFailure, type Attempt } from './transport.ts';

export interface RepeatOptions {
  readonly url: string;
  readonly timeoutMs: number;
  /** Further attempts at most. */
  readonly retries: number;
  readonly idempotent: boolean;
  readonly headers: Readonly<Record<string, string>>;
  /** The caller's own, then the client's. */
  readonly signals: readonly (AbortSignal | undefined)[];
  /** Between 0 and 1; spreads the attempts of many clients. */
  readonly random: () => number;
}

const firstWaitMs = 50;
const waitMsMax = 10_000;

export async function repeat<Result>(
  options: RepeatOptions,
  attempt: (attempt: Attempt) => Promise<Result>,
): Promise<Result> {
  const startedAt = performance.now();
  const leftMs = (): number => options.timeoutMs - (performance.now() - startedAt);
  const ending = new AbortController();
  const abort = (event: Event): void => ending.abort((event.target as AbortSignal).reason);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    ending.abort();
  }, options.timeoutMs);
  for (const signal of options.signals) {
    if (signal?.aborted === true) ending.abort(signal.reason);
    signal?.addEventListener('abort', abort, { once: true });
  }
  try {
    for (let retry = 0; ; retry += 1) {
      if (ending.signal.aborted) throw ended(options, timedOut, ending.signal.reason);
      try {
        return await attempt({ leftMs: leftMs(), headers: options.headers, signal: ending.signal });
      } catch (thrown) {
        if (ending.signal.aborted) throw ended(options, timedOut, ending.signal.reason);
        if (!(thrown instanceof AttemptFailure)) throw thrown;
        const { error, repeat: may } = thrown;
        if (retry >= options.retries || may === 'never' || (may === 'if-idempotent' && !options.idempotent))
          throw error;
        const backOffMs = firstWaitMs * 2 ** retry * (0.5 + options.random());
        const waitMs = Math.max(backOffMs, Math.min(waitMsMax, (error.retryAfterSeconds ?? 0) * 1000));
        // Better the server's own reason now than a timeout later.
        if (waitMs >= leftMs()) throw error;
        await wait(waitMs, ending.signal);
      }
    }
  } finally {
    clearTimeout(timer);
    for (const signal of options.signals) signal?.removeEventListener('abort', abort);
  }
}

function ended({ url, timeoutMs }: RepeatOptions, timedOut: boolean, reason: unknown): FlyballError {
  return timedOut
    ? new FlyballError('DEADLINE_EXCEEDED', `expected an answer from ${url} within ${timeoutMs} ms, got none`)
    : new FlyballError('CANCELLED', `the call to ${url} was aborted by its caller`, { cause: reason });
}

/** Resolves after the time, or at once when the signal aborts; the loop looks at it again anyway. */
function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
