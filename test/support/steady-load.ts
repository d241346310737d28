/**
 * Callers in a closed loop against one URL until told to stop, counting every answer: the traffic under which faults
 * are injected. Plain node:http with keep-alive, as a stranger's client would be; it never retries.
 */
import http from 'node:http';

export interface LoadReport {
  readonly ok: number;
  /** One entry a failed request: a status or a socket error. */
  readonly failures: readonly string[];
  /** Bodies of the successful answers, by how often each came. */
  readonly answers: ReadonlyMap<string, number>;
  /** Of all requests, also those that failed. */
  readonly slowestMs: number;
  /** Those that took a quarter of a second and more; `sentAt` by performance.now(). */
  readonly slow: readonly { readonly sentAt: number; readonly ms: number }[];
}

export interface SteadyLoad extends AsyncDisposable {
  /** Waits until at least this many more requests have been answered well. */
  passed(count: number): Promise<void>;
  seen(): LoadReport;
  /** Safe to call twice; leaving the scope stops it too, so that a failed test doesn't go on loading. */
  stop(): Promise<LoadReport>;
}

export interface LoadTarget {
  readonly url: string;
  readonly method: 'POST' | 'PUT';
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  readonly callers: number;
  /** Pause of a caller after a failed request, so that a closed port is not hammered. */
  readonly pauseMs?: number;
  /**
   * Pause of a caller after each answer. As nothing is said a few milliseconds: a fault meets some request all the same, and
   * the machine is not busy with requests. 0 floods.
   */
  readonly thinkMs?: number;
}

const thinkMsDefault = 5;

const waitLimitMs = 30_000;
const slowMs = 250;

export function startLoad(target: LoadTarget): SteadyLoad {
  const { thinkMs = thinkMsDefault } = target;
  const agent = new http.Agent({ keepAlive: true, maxSockets: target.callers });
  const failures: string[] = [];
  const answers = new Map<string, number>();
  let ok = 0;
  const slow: { readonly sentAt: number; readonly ms: number }[] = [];
  let slowestMs = 0;
  let stopped = false;

  const once = (): Promise<string | undefined> =>
    new Promise((resolve) => {
      const request = http.request(
        target.url,
        { method: target.method, headers: target.headers, agent },
        (response) => {
          let text = '';
          response.on('data', (chunk: Buffer) => (text += chunk.toString()));
          response.on('error', (error) => resolve(`cut off: ${error.message}`));
          response.on('end', () => {
            if (response.statusCode !== 200) return resolve(`${response.statusCode} ${text.slice(0, 200)}`);
            answers.set(text, (answers.get(text) ?? 0) + 1);
            ok += 1;
            resolve(undefined);
          });
        },
      );
      request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      request.end(target.body);
    });
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      setTimeout(resolve, ms);
    });
  const caller = async (): Promise<void> => {
    while (!stopped) {
      const sentAt = performance.now();
      const failure = await once();
      const ms = performance.now() - sentAt;
      slowestMs = Math.max(slowestMs, ms);
      if (ms >= slowMs) slow.push({ sentAt, ms });
      if (failure === undefined) {
        if (thinkMs > 0) await pause(thinkMs);
        continue;
      }
      failures.push(failure);
      await pause(target.pauseMs ?? 20);
    }
  };
  const running = Array.from({ length: target.callers }, caller);
  const seen = (): LoadReport => ({
    ok,
    failures: [...failures],
    answers: new Map(answers),
    slowestMs,
    slow: [...slow],
  });

  const stop = async (): Promise<LoadReport> => {
    stopped = true;
    await Promise.all(running);
    agent.destroy();
    return seen();
  };

  return {
    async passed(count) {
      const wanted = ok + count;
      const end = performance.now() + waitLimitMs;
      while (ok < wanted) {
        if (performance.now() > end)
          throw new Error(
            `expected ${count} more answers, got ${ok + count - wanted}; failures: ${failures.slice(-3).join('; ')}`,
          );
        await pause(10);
      }
    },
    seen,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}
