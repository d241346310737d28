/** Waits until a condition holds, looking often, and fails loudly at a deadline; in place of sleeping and hoping. */
import { setTimeout as delay } from 'node:timers/promises';

export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  deadlineMs = 60_000,
  everyMs = 5,
): Promise<NonNullable<T>> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const value = await condition();
    if (value !== false && value != null) return value;
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await delay(everyMs);
  }
}
