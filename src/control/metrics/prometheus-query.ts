/**
 * One question to a Prometheus: an instant query that gives one number. Whatever comes back is an answer or a reason, in
 * words, and never an exception: a source that is down is nothing exceptional.
 */
import type { SecretPlace } from '../../config/alerts-specification.ts';
import { readSecret } from '../alerts/secrets.ts';

export interface PrometheusQuestion {
  /** Base address; a path of it is kept. */
  readonly url: string;
  readonly query: string;
  readonly timeoutMs: number;
  readonly bearer?: SecretPlace | undefined;
}

export type PrometheusAnswer =
  | { readonly kind: 'value'; readonly value: number }
  | { readonly kind: 'failed'; readonly reason: string };

/** One number is some hundred bytes; a series without an aggregation may have any size. */
const bodyBytesMax = 1_048_576;
const wordsMax = 200;

const failed = (reason: string): PrometheusAnswer => ({ kind: 'failed', reason });

export async function askPrometheus(
  { url, query, timeoutMs, bearer }: PrometheusQuestion,
  signal: AbortSignal,
): Promise<PrometheusAnswer> {
  const inTime = AbortSignal.timeout(timeoutMs);
  try {
    const headers: Record<string, string> = { accept: 'application/json' };
    if (bearer !== undefined) headers['authorization'] = `Bearer ${await readSecret(bearer, 'bearer')}`;
    const answer = await fetch(new URL('api/v1/query', url.endsWith('/') ? url : `${url}/`), {
      method: 'POST',
      headers,
      body: new URLSearchParams({ query, timeout: `${timeoutMs}ms` }),
      // A token is for the address that is written down, and for no other.
      redirect: 'error',
      signal: AbortSignal.any([signal, inTime]),
    });
    const body = await readStart(answer);
    if (body === undefined) return failed(`it answered more than ${bodyBytesMax} bytes`);
    return toAnswer(answer.status, body);
  } catch (error) {
    if (inTime.aborted) return failed(`no answer within ${timeoutMs} ms`);
    return failed(wordsOf(error));
  }
}

/** Undefined where there is more than may be. */
async function readStart(answer: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length;
    // Leaving the loop ends the connection.
    if (bytes > bodyBytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** What the HTTP API says: https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries */
export function toAnswer(status: number, body: string): PrometheusAnswer {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return failed(status === 200 ? 'its answer is not JSON' : `it answered ${status}`);
  }
  const said = record(json);
  if (status !== 200 || said['status'] !== 'success') {
    const words = typeof said['error'] === 'string' ? `: ${said['error'].slice(0, wordsMax)}` : '';
    return failed(`it answered ${status}${words}`);
  }
  const { resultType, result } = record(said['data']);
  if (!Array.isArray(result)) return failed('its answer holds no result');
  if (resultType === 'scalar') return toValue(result);
  if (resultType !== 'vector') return failed(`expected a vector or a scalar, got a ${String(resultType)}`);
  if (result.length === 0) return failed('no series matches the query');
  if (result.length > 1) return failed(`expected one number, got ${result.length} series: aggregate them, as by sum()`);
  return toValue(record(result[0])['value']);
}

/** `[seconds, "number"]` */
function toValue(sample: unknown): PrometheusAnswer {
  const text: unknown = Array.isArray(sample) ? sample[1] : undefined;
  if (typeof text !== 'string') return failed('its answer holds no sample');
  const value = Number(text);
  return Number.isFinite(value)
    ? { kind: 'value', value }
    : failed(`expected a finite number, got ${text.slice(0, 20)}`);
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};

/** fetch hides what went wrong in the cause. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const inner = cause instanceof Error ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : undefined;
  return (inner === undefined ? error.message : `it cannot be reached (${inner})`).slice(0, wordsMax);
}
