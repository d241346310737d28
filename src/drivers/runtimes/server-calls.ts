/**
 * Calls to another server, one at a time and in order, and whether it is still well: a call that takes too long, a
 * process that has ended and health that was asked for in vain end it, once and for all. While a call runs nobody asks
 * after its health: a server with one thread answers nothing then and is well all the same.
 */
import type { Clock } from '../../clock.ts';
import { FlyballError } from '../../errors.ts';
import { requireAnswer } from './server-answers.ts';
import type { ServerClient, ServerReply, ServerRequest } from './server-client.ts';
import type { ServerProcess } from './server-process.ts';
import { isReady } from './server-ready.ts';

const missesMax = 3;
/** A connection that breaks is often the first sign that the process ends; its exit says more. */
const exitMs = 500;

export interface ServerCallsOptions {
  readonly process: ServerProcess | undefined;
  readonly client: ServerClient;
  readonly readyPath: string;
  readonly callMs: number;
  readonly healthMs: number;
  readonly clock: Clock;
}

export interface ServerCalls {
  /** What is returned is a whole answer, or an error of the catalogue is thrown. */
  call(request: ServerRequest): Promise<{ readonly reply: ServerReply; readonly ms: number }>;
  /** Why it takes no calls any more; undefined while it does. */
  ended(): FlyballError | undefined;
  onFailure(listener: (error: FlyballError) => void): void;
  /** Closing is no failure: nobody is told, but a call after this is refused. */
  close(): void;
}

export function openServerCalls(options: ServerCallsOptions): ServerCalls {
  const { process, client, readyPath, callMs, healthMs, clock } = options;
  const listeners: ((error: FlyballError) => void)[] = [];
  let ended: FlyballError | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let calls = 0;
  let misses = 0;
  let cancelHealth = clock.after(healthMs, () => void askHealth());

  function end(message: string): FlyballError {
    if (ended !== undefined) return ended;
    ended = new FlyballError('REPLICA_FAILED', message);
    cancelHealth();
    for (const listener of listeners) listener(ended);
    return ended;
  }

  void process?.ended.then((how) => end(`the server's command ended, ${how}`));

  async function askHealth(): Promise<void> {
    const before = calls;
    if (isIdle()) {
      const exchange = await client.exchange({ method: 'GET', path: readyPath }, 2 * healthMs);
      if (isReady(exchange)) misses = 0;
      // A call came in between: a server with one thread may have been kept from answering by it.
      else if (calls === before && isIdle()) misses += 1;
      if (misses >= missesMax) {
        const came = exchange.kind === 'answered' ? `answered ${exchange.status}` : exchange.reason;
        end(`the server is not well: GET ${client.address}${readyPath} ${missesMax} times in a row: ${came}`);
      }
    }
    if (ended === undefined) cancelHealth = clock.after(healthMs, () => void askHealth());
  }

  let inFlight = 0;
  const isIdle = (): boolean => inFlight === 0;

  const call: ServerCalls['call'] = async (request) => {
    const before = last;
    const { promise, resolve } = Promise.withResolvers<void>();
    last = promise;
    inFlight += 1;
    calls += 1;
    try {
      await before;
      if (ended !== undefined) throw ended;
      const began = clock.now();
      const exchange = await client.exchange(request, callMs);
      const ms = clock.now() - began;
      if (exchange.kind === 'late') {
        throw end(`the server gave no answer within ${callMs} ms (server.callMs) and is taken for hung`);
      }
      if (exchange.kind === 'lost' && process !== undefined && (await process.endsWithin(exitMs))) {
        throw end(`the server's command ended, ${await process.ended}`);
      }
      return { reply: requireAnswer(exchange), ms };
    } finally {
      inFlight -= 1;
      resolve();
    }
  };

  return {
    call,
    ended: () => ended,
    onFailure(listener) {
      listeners.push(listener);
    },
    close() {
      listeners.length = 0;
      end('the server has been stopped');
    },
  };
}
