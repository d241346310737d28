/**
 * Lines over HTTP: the write APIs of InfluxDB 1.x and 2, and whatever takes a POST of lines (Telegraf's listeners).
 *
 *   v1   POST {url}/write?db=…[&rp=…]&precision=n|u|ms|s        Authorization: Basic …
 *        docs.influxdata.com/influxdb/v1/tools/api/#write-http-endpoint
 *   v2   POST {url}/api/v2/write?org=…&bucket=…&precision=ns|us|ms|s   Authorization: Token …
 *        docs.influxdata.com/influxdb/v2/api/#operation/PostWrite
 *   http POST {url}                                                    Authorization: Basic … | Bearer …
 *
 * Secrets are read for each write, and follow no redirect.
 */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { SecretPlace } from '../../config/alerts-specification.ts';
import type { InfluxSettings } from '../../config/telemetry-specification.ts';
import { parseRetryAfter } from '../sinks/back-off.ts';
import type { Outcome } from '../sinks/delivery.ts';
import { faultInWords, startOfBody } from '../sinks/http-answer.ts';

export type HttpInflux = Extract<InfluxSettings, { readonly kind: 'v1' | 'v2' | 'http' }>;

/** `what`: of the specification, for messages. Throws SECRET_UNUSABLE. */
export type ReadSecret = (place: SecretPlace, what: string) => Promise<string>;

const compress = promisify(gzip);
const userAgent = 'flyball';

/** InfluxDB 1.x calls two of them otherwise than 2 does. */
const precisionsOfV1 = { ns: 'ns', us: 'u', ms: 'ms', s: 's' } as const;

export function addressOf(settings: HttpInflux): URL {
  if (settings.kind === 'http') return new URL(settings.url);
  const base = settings.url.endsWith('/') ? settings.url : `${settings.url}/`;
  if (settings.kind === 'v2') {
    const url = new URL('api/v2/write', base);
    const { org, bucket, precision } = settings;
    url.search = new URLSearchParams({ org, bucket, precision }).toString();
    return url;
  }
  const url = new URL('write', base);
  const { database: db, retentionPolicy: rp, precision } = settings;
  url.search = new URLSearchParams({
    db,
    ...(rp !== undefined && { rp }),
    precision: precisionsOfV1[precision],
  }).toString();
  return url;
}

async function authorizationOf(settings: HttpInflux, readSecret: ReadSecret): Promise<string | undefined> {
  const where = `telemetry.influx ${settings.name}`;
  if (settings.kind === 'v2') return `Token ${await readSecret(settings.token, `${where}.token`)}`;
  if (settings.kind === 'http' && settings.bearer !== undefined) {
    return `Bearer ${await readSecret(settings.bearer, `${where}.bearer`)}`;
  }
  const { username, password } = settings;
  if (username === undefined || password === undefined) return undefined;
  const pair = `${username}:${await readSecret(password, `${where}.password`)}`;
  return `Basic ${Buffer.from(pair, 'utf8').toString('base64')}`;
}

export async function writeOverHttp(
  settings: HttpInflux,
  readSecret: ReadSecret,
  lines: readonly string[],
  signal: AbortSignal,
  wall: () => number,
): Promise<Outcome> {
  try {
    const body = Buffer.from(`${lines.join('\n')}\n`, 'utf8');
    const authorization = await authorizationOf(settings, readSecret);
    const answer = await fetch(addressOf(settings), {
      method: 'POST',
      headers: {
        'content-type': 'text/plain; charset=utf-8',
        accept: 'application/json',
        'user-agent': userAgent,
        ...(settings.gzip && { 'content-encoding': 'gzip' }),
        ...(authorization !== undefined && { authorization }),
      },
      body: settings.gzip ? await compress(body) : body,
      redirect: 'manual',
      signal,
    });
    return toOutcome(answer.status, await startOfBody(answer), answer.headers.get('retry-after'), wall());
  } catch (error) {
    return { kind: 'failed', why: faultInWords(error) };
  }
}

/**
 * 2xx is taken. 413 wants less. 401, 403 and 404 say that the settings and the receiver don't fit yet (a token, a
 * database): what waits is kept for when they do, as with 408, 429 and 5xx. Of a partial write (400 of 1.x, 422 of 2)
 * the rest was taken. Any other refusal holds for the same lines again.
 */
export function toOutcome(status: number, body: string, retryAfter: string | null, wall: number): Outcome {
  if (status >= 200 && status < 300) return { kind: 'accepted' };
  const said = messageOf(body);
  const why = said === '' ? `it answered ${status}` : `it answered ${status}: ${said}`;
  if (status === 413) return { kind: 'too large', why };
  const isRefusal = status >= 400 && status < 500 && ![401, 403, 404, 408, 425, 429].includes(status);
  if (!isRefusal) return { kind: 'failed', why, retryAfterMs: parseRetryAfter(retryAfter, wall) };
  if (!/\bpartial write\b/.test(said)) return { kind: 'refused', why };
  // 1.x counts those that it could read and not write, and names each that it could not read.
  const dropped = Number(/\bdropped=(\d+)/.exec(said)?.[1] ?? 0);
  const unread = said.match(/\bunable to parse '/g)?.length ?? 0;
  return { kind: 'partial', refused: Math.max(1, dropped + unread), why };
}

/** `{"error": …}` of 1.x, `{"code": …, "message": …}` of 2; else the first line, as of proxies. */
function messageOf(body: string): string {
  try {
    const json: unknown = JSON.parse(body);
    if (typeof json === 'object' && json !== null) {
      const { error, message } = json as { readonly error?: unknown; readonly message?: unknown };
      if (typeof message === 'string') return message.trim();
      if (typeof error === 'string') return error.trim();
    }
  } catch {
    // Not JSON, or cut off.
  }
  return body.trim().split('\n', 1)[0] ?? '';
}
