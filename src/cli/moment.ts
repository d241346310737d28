/** A moment as people write it: a time of day or a date in UTC, or how long ago. */
import { UsageError } from './exit-codes.ts';
import { parseDurationMs } from './arguments.ts';

/** `14:05`, `14:05:07`, `2026-11-23`, `2026-11-23T14:05:07Z`, or `10m` for ten minutes ago → Unix milliseconds. */
export function parseMoment(text: string, what: string, now: number): number {
  if (/^\d+(\.\d+)?(ms|s|m|h)$/.test(text)) return Math.round(now - parseDurationMs(text, what));
  const time = /^(\d{2}:\d{2}(?::\d{2})?)( ?UTC)?$/.exec(text)?.[1];
  if (time !== undefined) {
    const today = Date.parse(`${new Date(now).toISOString().slice(0, 10)}T${time}Z`);
    // The last time that it was so: after midnight, 23:50 is yesterday's.
    if (Number.isFinite(today)) return today > now ? today - 86_400_000 : today;
  }
  const zoned = /^\d{4}-\d{2}-\d{2}(T.*)?$/.test(text) && !/(Z|[+-]\d{2}:\d{2})$/.test(text) && text.includes('T');
  const date = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(zoned ? `${text}Z` : text) : Number.NaN;
  if (Number.isFinite(date)) return date;
  throw new UsageError(`${what} expects a time such as 14:05:07, 2026-11-23T14:05:07Z or 10m (ago), got ${text}`);
}
