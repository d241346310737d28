/**
 * One export over OTLP/HTTP: a POST of JSON to `{endpoint}/v1/{signal}`, and what its answer means. Secrets are read for
 * each, and follow no redirect. https://opentelemetry.io/docs/specs/otlp/#otlphttp
 */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { SecretPlace } from '../../config/alerts-specification.ts';
import type { OtlpSettings, OtlpSignal } from '../../config/otlp-specification.ts';
import { parseRetryAfter } from '../sinks/back-off.ts';
import type { Outcome } from '../sinks/delivery.ts';
import { faultInWords, startOfBody } from '../sinks/http-answer.ts';

/** `what`: of the specification, for messages. Throws SECRET_UNUSABLE. */
export type ReadSecret = (place: SecretPlace, what: string) => Promise<string>;

const compress = promisify(gzip);
/** The specification's list: whatever else is an error must not be sent again. */
const retryable: ReadonlySet<number> = new Set([429, 502, 503, 504]);

export function addressOf(endpoint: string, signal: OtlpSignal): string {
  return `${endpoint.replace(/\/+$/, '')}/v1/${signal}`;
}

async function headersOf(settings: OtlpSettings, readSecret: ReadSecret): Promise<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(settings.headers))
    headers[name] = typeof value === 'string' ? value : await readSecret(value, `telemetry.otlp.headers.${name}`);
  return headers;
}

export async function exportOver(
  settings: OtlpSettings,
  readSecret: ReadSecret,
  signal: OtlpSignal,
  body: string,
  abort: AbortSignal,
  wall: () => number,
): Promise<Outcome> {
  try {
    const answer = await fetch(addressOf(settings.endpoint, signal), {
      method: 'POST',
      headers: {
        ...(await headersOf(settings, readSecret)),
        'content-type': 'application/json',
        'user-agent': 'flyball',
        ...(settings.gzip && { 'content-encoding': 'gzip' }),
      },
      body: settings.gzip ? await compress(body) : body,
      redirect: 'manual',
      signal: abort,
    });
    return toOutcome(answer.status, await startOfBody(answer), answer.headers.get('retry-after'), wall());
  } catch (error) {
    return { kind: 'failed', why: faultInWords(error) };
  }
}

export function toOutcome(status: number, body: string, retryAfter: string | null, wall: number): Outcome {
  if (status >= 200 && status < 300) return partialOf(body) ?? { kind: 'accepted' };
  const said = messageOf(body);
  const why = said === '' ? `it answered ${status}` : `it answered ${status}: ${said}`;
  if (retryable.has(status)) return { kind: 'failed', why, retryAfterMs: parseRetryAfter(retryAfter, wall) };
  return status === 413 ? { kind: 'too large', why } : { kind: 'refused', why };
}

/** Some of it was taken: `partialSuccess` counts those that were not; a message without any is a warning. */
function partialOf(body: string): Outcome | undefined {
  const { partialSuccess } = parse(body);
  if (typeof partialSuccess !== 'object' || partialSuccess === null) return undefined;
  const { rejectedSpans, rejectedDataPoints, rejectedLogRecords, errorMessage } = partialSuccess as Readonly<
    Record<string, unknown>
  >;
  const refused = Number(rejectedSpans ?? rejectedDataPoints ?? rejectedLogRecords ?? 0);
  if (!(refused > 0)) return undefined;
  return { kind: 'partial', refused, why: typeof errorMessage === 'string' ? errorMessage : 'it took only a part' };
}

/** A google.rpc.Status as JSON; else the first line, as of proxies. */
function messageOf(body: string): string {
  const { message } = parse(body);
  return typeof message === 'string' ? message.trim() : (body.trim().split('\n', 1)[0] ?? '');
}

function parse(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
