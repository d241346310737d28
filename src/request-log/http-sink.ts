/**
 * Records sent to an HTTP address instead of files: NDJSON by POST, tried three times. It follows no redirect: what is
 * logged goes where the operator said and nowhere else.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Sink } from './files.ts';

const attemptsMax = 3;
const againAfterMs = 200;

export function openHttpSink(url: string, timeoutMs: number): Sink {
  async function post(lines: string, signal: AbortSignal): Promise<void> {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines,
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`it answered ${response.status}`);
  }
  return {
    async write(lines, signal) {
      for (let attempt = 1; ; attempt++) {
        try {
          return await post(lines, signal);
        } catch (error) {
          if (attempt === attemptsMax || signal.aborted) throw error;
          await delay(againAfterMs * 2 ** (attempt - 1), undefined, { signal });
        }
      }
    },
    close() {},
  };
}
