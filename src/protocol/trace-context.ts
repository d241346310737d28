/**
 * W3C Trace Context: which trace a request belongs to. A caller's `traceparent` is taken where it is valid; whoever sends
 * none, or one that is not, gets a trace of its own. https://www.w3.org/TR/trace-context/#traceparent-header
 *
 *   version "-" trace-id "-" parent-id "-" trace-flags
 *   00      - 32 hex     - 16 hex      - 2 hex
 */
import { randomFillSync } from 'node:crypto';

/** Of a version to come more may follow; only of version 00 nothing may. No id is all zeros, and ff is no version. */
const pattern =
  /^(?!ff)(?:00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}|(?!00)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?)$/;
const lengthMax = 512;

/** The header when it is valid; else undefined, as if there were none. */
export function validTraceparent(header: string | undefined): string | undefined {
  return header !== undefined && header.length <= lengthMax && pattern.test(header) ? header : undefined;
}

/** Of a valid header. */
export const traceIdOf = (traceparent: string): string => traceparent.slice(3, 35);
export const parentIdOf = (traceparent: string): string => traceparent.slice(36, 52);
/** Whether the caller records this trace. */
export const isSampled = (traceparent: string): boolean => (Number.parseInt(traceparent.charAt(54), 16) & 1) === 1;

/** Random bytes by the thousand: asking for sixteen at a time costs more than the rest of a small request's head. */
const pool = Buffer.alloc(4096);
let used = pool.length;
/** All zeros are no id. */
const none = '0'.repeat(32);

function randomHex(bytes: 8 | 16): string {
  for (;;) {
    if (used + bytes > pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    const hex = pool.toString('hex', used, used + bytes);
    used += bytes;
    if (hex !== none.slice(0, hex.length)) return hex;
  }
}

export const newTraceId = (): string => randomHex(16);
export const newSpanId = (): string => randomHex(8);
