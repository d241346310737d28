/** Waits for another server to come up: it is asked again and again until it says that it is ready, ends, or is too slow. */
import type { Clock } from '../../clock.ts';
import { FlyballError } from '../../errors.ts';
import { wordsOf } from './server-answers.ts';
import type { Exchange, ServerClient } from './server-client.ts';
import type { ServerProcess } from './server-process.ts';

/** Waits between two asks while it starts: a server that is there at once is not kept waiting, a slow one not flooded. */
const readyRetryMs = 25;
const readyRetryMsMax = 500;
const readyAskMsMax = 5000;

export interface Start {
  readonly client: ServerClient;
  readonly process: ServerProcess | undefined;
  readonly readyPath: string;
  readonly startMs: number;
  readonly signal: AbortSignal;
  readonly onNote: (note: string) => void;
  readonly clock: Clock;
}

/** MODEL_LOAD_FAILED with what it said last. */
export async function untilReady({ client, process, readyPath, startMs, signal, onNote, clock }: Start): Promise<void> {
  const began = clock.now();
  const url = client.address + readyPath;
  let how: string | undefined;
  void process?.ended.then((words) => (how = words));
  let told = '';
  for (let retryMs = readyRetryMs; ; retryMs = Math.min(retryMs * 2, readyRetryMsMax)) {
    const left = startMs - (clock.now() - began);
    const exchange = await client.exchange(
      { method: 'GET', path: readyPath },
      Math.max(1, Math.min(left, readyAskMsMax)),
    );
    signal.throwIfAborted();
    if (process !== undefined && (await process.endsWithin(0))) {
      how ??= await process.ended;
      throw new FlyballError('MODEL_LOAD_FAILED', `the server's command ended before it was ready, ${how}`);
    }
    if (isReady(exchange)) return;
    const came =
      exchange.kind === 'answered' ? `answered ${exchange.status}: ${wordsOf(exchange.body)}` : exchange.reason;
    // Another ask would come too late to be answered.
    if (clock.now() - began + retryMs >= startMs) {
      const words = process?.lastWords() ?? '';
      throw new FlyballError(
        'MODEL_LOAD_FAILED',
        `the server was not ready within ${startMs} ms (server.startMs): GET ${url}: ${came}${words === '' ? '' : `; its last words: ${words}`}`,
      );
    }
    if (came !== told) onNote(`waiting for GET ${url}: ${came}`);
    told = came;
    await pause(retryMs, signal, clock);
  }
}

/** The status says it; some servers answer 200 and say in the body that they are not. */
export function isReady(exchange: Exchange): boolean {
  if (exchange.kind !== 'answered' || exchange.status !== 200) return false;
  return !/"ready"\s*:\s*"?false/i.test(exchange.body.subarray(0, 1024).toString('latin1'));
}

async function pause(ms: number, signal: AbortSignal, clock: Clock): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(ms, resolve);
  const onAbort = (): void => resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  await promise;
  cancel();
  signal.removeEventListener('abort', onAbort);
  signal.throwIfAborted();
}
