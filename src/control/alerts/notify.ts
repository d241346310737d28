/**
 * Tells somebody what came and what was done: one POST, tried again when it fails, and given up after its attempts. It
 * follows no redirect, reads no answer, and says of the address no more than its origin: the rest may be a secret.
 */
import type { Clock } from '../../clock.ts';
import type { NotifySettings } from '../../config/alerts-specification.ts';
import { toFlyballError } from '../../errors.ts';
import { readSecret } from './secrets.ts';

export type Notified = { readonly kind: 'sent' | 'failed'; readonly why: string };

const againAfterMs = 1000;

/** `where`: of the setting, for messages. */
export async function notify(
  settings: NotifySettings,
  where: string,
  body: unknown,
  clock: Clock,
  signal: AbortSignal,
): Promise<Notified> {
  const { attemptsMax } = settings;
  const text = JSON.stringify(body);
  let why = '';
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    if (attempt > 1) await delay(againAfterMs * 2 ** (attempt - 2), clock, signal);
    if (signal.aborted) return { kind: 'failed', why: 'the platform stops' };
    const tried = await post(settings, where, text, signal);
    const tries = `${attempt} of ${attemptsMax} attempts`;
    if (tried.kind === 'sent') return { kind: 'sent', why: `${tried.why}, ${tries}` };
    why = `${tried.why}, ${tries}`;
    if (!tried.again) break;
  }
  return { kind: 'failed', why };
}

type Tried =
  | { readonly kind: 'sent'; readonly why: string }
  | { readonly kind: 'failed'; readonly why: string; readonly again: boolean };

async function post(settings: NotifySettings, where: string, body: string, signal: AbortSignal): Promise<Tried> {
  const { url: plain, urlFrom, bearer, timeoutMs } = settings;
  try {
    const url = urlFrom === undefined ? (plain ?? '') : await readSecret(urlFrom, `${where}.urlFrom`);
    if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
      return { kind: 'failed', why: 'its address is none of http or https', again: false };
    }
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    if (bearer !== undefined) headers['authorization'] = `Bearer ${await readSecret(bearer, `${where}.bearer`)}`;
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    await response.body?.cancel();
    const why = `it answered ${response.status}`;
    if (response.ok) return { kind: 'sent', why };
    return { kind: 'failed', why, again: response.status >= 500 || response.status === 429 || response.status === 408 };
  } catch (error) {
    const { code, message } = toFlyballError(error);
    if (code === 'SECRET_UNUSABLE') return { kind: 'failed', why: message, again: true };
    return { kind: 'failed', why: faultOf(error, timeoutMs), again: true };
  }
}

/** The system's code alone: messages of the network repeat the address. */
function faultOf(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `no answer in ${timeoutMs} ms`;
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'no connection';
  return `it could not be reached (${code})`;
}

function delay(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    if (signal.aborted) done();
    else signal.addEventListener('abort', done, { once: true });
  });
}
