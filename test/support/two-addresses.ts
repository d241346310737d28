/**
 * Callers in a closed loop that know two addresses: each stays with the one that answers, and asks the other once when it
 * does not. What they count is what an attempt came to, and what became of the request.
 */
import http from 'node:http';

export interface TwoAddressReport {
  readonly ok: number;
  /** Requests that neither address answered. */
  readonly failures: readonly string[];
  /** First attempts that came to nothing; `sentAt` by performance.now(). */
  readonly turned: readonly { readonly address: string; readonly why: string; readonly sentAt: number }[];
  readonly slowestMs: number;
}

export interface TwoAddressLoad extends AsyncDisposable {
  /** Waits until at least this many more requests have been answered. */
  passed(count: number): Promise<void>;
  stop(): Promise<TwoAddressReport>;
}

/** An address that says nothing for this long is left: a machine without power says no goodbye. */
const attemptMsMax = 10_000;
const thinkMs = 30;
const waitLimitMs = 120_000;

export function startTwoAddressLoad(
  addresses: readonly [string, string],
  path: string,
  body: string,
  callers: number,
  key: string,
): TwoAddressLoad {
  const failures: string[] = [];
  const turned: { address: string; why: string; sentAt: number }[] = [];
  let ok = 0;
  let slowestMs = 0;
  let stopped = false;
  const agent = new http.Agent({ keepAlive: true, maxSockets: callers });
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      setTimeout(resolve, ms);
    });

  /** Why not, or undefined for an answer. */
  const attempt = (address: string): Promise<string | undefined> =>
    new Promise((resolve) => {
      const options = {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
        agent,
      };
      const request = http.request(`${address}${path}`, options, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('error', (error) => resolve(`cut off: ${error.message}`));
        response.on('end', () =>
          resolve(response.statusCode === 200 ? undefined : `${response.statusCode} ${text.slice(0, 200)}`),
        );
      });
      const cancel = setTimeout(() => request.destroy(new Error(`no answer in ${attemptMsMax} ms`)), attemptMsMax);
      request.once('close', () => clearTimeout(cancel));
      request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      request.end(body);
    });

  const caller = async (number: number): Promise<void> => {
    let at = number % 2;
    while (!stopped) {
      const sentAt = performance.now();
      const [first = '', second = ''] = at === 0 ? addresses : addresses.toReversed();
      const why = await attempt(first);
      if (why === undefined) ok += 1;
      else {
        turned.push({ address: first, why, sentAt });
        at = 1 - at;
        const again = await attempt(second);
        if (again === undefined) ok += 1;
        else failures.push(`${first}: ${why}; ${second}: ${again}`);
      }
      slowestMs = Math.max(slowestMs, performance.now() - sentAt);
      await pause(thinkMs);
    }
  };
  const running = Array.from({ length: callers }, (_, number) => caller(number));
  const stop = async (): Promise<TwoAddressReport> => {
    stopped = true;
    await Promise.all(running);
    agent.destroy();
    return { ok, failures: [...failures], turned: [...turned], slowestMs };
  };

  return {
    async passed(count) {
      const wanted = ok + count;
      const end = performance.now() + waitLimitMs;
      while (ok < wanted) {
        if (performance.now() > end)
          throw new Error(
            `expected ${count} more answers; ${wanted - ok} are missing; ${failures.slice(-3).join(' | ')}`,
          );
        await pause(10);
      }
    },
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}
