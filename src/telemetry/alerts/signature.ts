/**
 * The signature of a webhook's body: hexadecimal HMAC-SHA256 of the body, or of `timestamp:body` where the sender adds the
 * time, so that an old body cannot be sent again for ever (Grafana documentation, "HMAC signature"; the header is
 * X-Grafana-Alerting-Signature unless another is set, without a prefix).
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

/** `timestamp`: seconds since 1970 as they were sent; absent where none is configured. */
export function signatureOf(secret: string, body: Uint8Array | string, timestamp?: string): string {
  const hmac = createHmac('sha256', secret);
  if (timestamp !== undefined) hmac.update(`${timestamp}:`);
  return hmac.update(body).digest('hex');
}

export type Verdict = 'valid' | 'wrong' | 'old';

/** `toleranceSeconds`: how far the sender's time may be from `wallMs`, either way. */
export function verify(
  sent: { readonly signature: string; readonly body: Uint8Array | string; readonly timestamp?: string | undefined },
  secret: string,
  wallMs: number,
  toleranceSeconds = 300,
): Verdict {
  const expected = Buffer.from(signatureOf(secret, sent.body, sent.timestamp));
  const given = Buffer.from(sent.signature.trim().toLowerCase());
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return 'wrong';
  if (sent.timestamp === undefined) return 'valid';
  const apart = Math.abs(wallMs / 1000 - Number(sent.timestamp));
  return apart <= toleranceSeconds ? 'valid' : 'old';
}
