/**
 * One POST of JSON and what came back, for every notifier that speaks HTTP: no redirect is followed, of the answer no more
 * than its first kilobytes are read, and nothing that is said repeats the address, whose path is often the secret.
 */
import type { Delivered } from '../../control/notifications/notifier.ts';
import { oneLine, cut } from '../../core/notifications/text.ts';

export interface Posting {
  readonly url: string;
  readonly timeoutMs: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Posted =
  | { readonly kind: 'answer'; readonly status: number; readonly headers: Headers; readonly body: string }
  | { readonly kind: 'none'; readonly why: string };

const answerBytesMax = 4096;
const saidMax = 200;

export async function post({ url, timeoutMs, headers }: Posting, body: string, signal: AbortSignal): Promise<Posted> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    return { kind: 'answer', status: response.status, headers: response.headers, body: await startOf(response) };
  } catch (error) {
    return { kind: 'none', why: faultOf(error, timeoutMs) };
  }
}

async function startOf({ body }: Response): Promise<string> {
  if (body === null) return '';
  const reader = body.getReader();
  const parts: Uint8Array[] = [];
  for (let bytes = 0; bytes < answerBytesMax;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    bytes += value.length;
  }
  await reader.cancel();
  return Buffer.concat(parts).subarray(0, answerBytesMax).toString('utf8');
}

/** The system's code alone: messages of the network repeat the address. */
function faultOf(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer in ${timeoutMs} ms`;
  if (error instanceof Error && error.name === 'AbortError') return 'the platform stops';
  const cause = error instanceof Error ? (error.cause ?? error) : undefined;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'no connection';
  return `it could not be reached (${code})`;
}

/** They say that this message is not taken, ever; any other failure may pass, or be mended by whoever owns the address. */
const refusals: ReadonlySet<number> = new Set([400, 413, 415, 422]);

/** What an answer comes to. `wrong`: why one of a good status is no good answer after all. */
export function verdictOn(posted: Posted, { url }: Posting, wrong?: string): Delivered {
  if (posted.kind === 'none') return { kind: 'failed', why: posted.why, said: posted.why, again: true };
  const { status, body, headers } = posted;
  const words = cut(
    oneLine(body.replaceAll(url, '…').replaceAll(new URL(url).pathname, (path) => (path === '/' ? path : '…'))),
    saidMax,
  );
  const answered = `it answered ${status}${words === '' ? '' : ` ${words}`}`;
  if (status >= 200 && status < 300) {
    if (wrong === undefined) return { kind: 'sent', said: answered };
    const why = `${answered}; ${wrong}`;
    return { kind: 'failed', why, said: why, again: true };
  }
  const afterMs = retryAfterMs(headers.get('retry-after'), Date.now());
  return { kind: 'failed', why: answered, said: answered, again: !refusals.has(status), afterMs };
}

/** A receiver may ask for patience, but not for ever. */
const afterMsMax = 3_600_000;

/** RFC 9110, 10.2.3: seconds, or a date. */
export function retryAfterMs(header: string | null, wallMs: number): number | undefined {
  if (header === null) return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(header.trim()) ? Number(header) : (Date.parse(header) - wallMs) / 1000;
  if (Number.isNaN(seconds)) return undefined;
  return Math.min(afterMsMax, Math.max(0, Math.ceil(seconds * 1000)));
}
