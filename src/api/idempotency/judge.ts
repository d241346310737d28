/**
 * What is done with a request whose Idempotency-Key has come before (draft-ietf-httpapi-idempotency-key-header). Pure.
 *
 *   none yet ──▶ begun ──answered──▶ done | failed | unkept: the first answer again, for a day
 *                  └──control died──▶ interrupted: nobody knows whether it was done, so it is not done again
 */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { canonicalJson } from '../../config/canonical-json.ts';
import { FlyballError } from '../../errors.ts';
import type { RequestAnswer, RequestRecord } from '../../store/store.ts';

export const keptMs = 24 * 3_600_000;
const lengthMax = 255;

/** A string of RFC 8941 or the bare value, as most clients send it. Throws INVALID_REQUEST. */
export function idempotencyKeyIn(headers: IncomingHttpHeaders): string | undefined {
  const given = headers['idempotency-key'];
  if (given === undefined) return undefined;
  const text = String(given).trim();
  const key = /^"(.*)"$/s.exec(text)?.[1] ?? text;
  if (/^[\x21-\x7e]+$/.test(key) && key.length <= lengthMax) return key;
  throw new FlyballError(
    'INVALID_REQUEST',
    `Idempotency-Key: expected 1 to ${lengthMax} printable characters of ASCII without spaces, got ${text.length}`,
  );
}

export function fingerprintOf(request: {
  readonly method: string;
  readonly url: string;
  readonly body: unknown;
  readonly ifMatch: string | undefined;
}): string {
  const plain = { ...request, body: request.body ?? null, ifMatch: request.ifMatch ?? null };
  return createHash('sha256').update(canonicalJson(plain)).digest('hex');
}

export type Judgement =
  /** Nothing is known of it, or nothing any more. */
  { readonly kind: 'anew' } | { readonly kind: 'again'; readonly answer: Exclude<RequestAnswer, { kind: 'unkept' }> };

/** Throws IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_RUNNING, IDEMPOTENCY_UNKNOWN. */
export function judge(
  found: RequestRecord | undefined,
  now: { readonly fingerprint: string; readonly at: number; readonly isRunning: boolean },
): Judgement {
  if (found === undefined || (found.at < now.at - keptMs && !now.isRunning)) return { kind: 'anew' };
  const { key, answer } = found;
  if (found.fingerprint !== now.fingerprint) {
    const message = `Idempotency-Key ${key} came with another request before; expected a new one for each`;
    throw new FlyballError('IDEMPOTENCY_KEY_REUSED', message);
  }
  if (now.isRunning) {
    const message = `the first request with Idempotency-Key ${key} is still being done`;
    throw new FlyballError('IDEMPOTENCY_RUNNING', message, { retryAfterSeconds: 1 });
  }
  if (answer === undefined) {
    throw new FlyballError(
      'IDEMPOTENCY_UNKNOWN',
      `the first request with Idempotency-Key ${key} was interrupted, and may have been done: see the journal`,
    );
  }
  if (answer.kind === 'unkept') {
    throw new FlyballError(
      'IDEMPOTENCY_UNKNOWN',
      `the request with Idempotency-Key ${key} was done, and its answer is not kept: it is a secret, or too long`,
    );
  }
  return { kind: 'again', answer };
}
