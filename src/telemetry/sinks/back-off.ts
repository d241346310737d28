/** How long a sink waits before it tries again. Pure. */

export interface BackOff {
  /** Before the second attempt, and at most before any. */
  readonly backOffMinMs: number;
  readonly backOffMaxMs: number;
}

/** A receiver that asks for more has its clock or its mind wrong. */
export const retryAfterMsMax = 3_600_000;

/**
 * Doubles from `backOffMinMs` to `backOffMaxMs`, of which a random half is taken off, so that many senders that failed
 * at one moment don't come back at one moment; never sooner than the receiver asks, up to an hour.
 * `failures` ≥ 1; `chance` uniform in [0, 1).
 */
export function backOffMs(limits: BackOff, failures: number, chance: number, retryAfterMs = 0): number {
  const { backOffMinMs, backOffMaxMs } = limits;
  const whole = Math.min(backOffMaxMs, backOffMinMs * 2 ** Math.min(failures - 1, 30));
  return Math.max(whole * (1 - chance / 2), Math.min(retryAfterMs, retryAfterMsMax));
}

/** `Retry-After` of HTTP (RFC 9110, 10.2.3): seconds, or a date; undefined for what is neither. `wall`: Unix milliseconds. */
export function parseRetryAfter(header: string | null | undefined, wall: number): number | undefined {
  if (header === null || header === undefined) return undefined;
  const text = header.trim();
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - wall);
}
