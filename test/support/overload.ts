/**
 * More requests than a deployment can serve, by a schedule that waits for nobody, and what became of each: answered,
 * refused, late. It judges nothing. Latencies count from the sending; a row that rests on them counts only when the
 * generator kept its schedule, which is in the report.
 */
import { arrivals, seededRandom } from '../../src/load/arrivals.ts';
import { closedLoop, openLoop } from '../../src/load/generator.ts';
import { systemClock } from '../../src/clock.ts';
import { httpConnection, type HttpConnection } from '../../src/load/http-connection.ts';
import type { HttpRequest } from '../../src/load/payload.ts';
import type { LoadReport } from '../../src/load/recorder.ts';
import { requestBytes, type Outcome, type Target } from '../../src/load/target.ts';

export interface Ending {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly retryAfter: string | undefined;
  /** Milliseconds since the start of the load. */
  readonly endedAt: number;
  readonly tookMs: number;
}

export interface OverloadOptions {
  readonly url: URL;
  readonly request: HttpRequest;
  /** Connections. */
  readonly slots: number;
  readonly seconds: number;
}

export interface Overload {
  readonly report: LoadReport;
  readonly endings: readonly Ending[];
}

const never = new AbortController().signal;
const graceMs = 20_000;

function recording({ url, request, slots }: OverloadOptions, endings: Ending[]): Target {
  const address = { host: url.hostname, port: Number(url.port) };
  const bytes = requestBytes(url, request);
  const all: HttpConnection[] = Array.from({ length: slots }, () => httpConnection(address));
  const free = [...all];
  const startedAt = performance.now();
  const ended = (sentAt: number, what: Omit<Ending, 'endedAt' | 'tookMs'>): void => {
    const at = performance.now();
    endings.push({ ...what, endedAt: at - startedAt, tookMs: at - sentAt });
  };
  return {
    slots,
    async send(): Promise<Outcome> {
      const idle = free.findLastIndex(({ sending }) => !sending);
      const [connection] = free.splice(idle, 1) as [HttpConnection];
      const sentAt = performance.now();
      try {
        const { status, text, head } = await connection.exchange(bytes);
        if (status === 200) {
          ended(sentAt, { status, code: 'ok', message: '', retryAfter: undefined });
          return { kind: 'ok' };
        }
        const { code, message } = readError(text);
        ended(sentAt, { status, code, message, retryAfter: /\r\nretry-after: *(\S+)/i.exec(head)?.[1] });
        return { kind: 'failed', code, message };
      } catch (error) {
        const { message } = error as Error;
        ended(sentAt, { status: 0, code: 'no answer', message, retryAfter: undefined });
        return { kind: 'failed', code: 'no answer', message };
      } finally {
        free.push(connection);
      }
    },
    async [Symbol.asyncDispose]() {
      for (const connection of all) connection.close();
    },
  };
}

/** The catalogue's code and the words, in the Open Inference Protocol's form or in TorchServe's. */
function readError(text: string): { readonly code: string; readonly message: string } {
  const { code, error, reason, message } = JSON.parse(text) as {
    readonly code?: string | number;
    readonly error?: string;
    readonly reason?: string;
    readonly message?: string;
  };
  return { code: reason ?? String(code ?? ''), message: message ?? error ?? '' };
}

/** At `rate` requests a second on average, whatever the answers: Poisson arrivals from a seed. */
export async function overload(options: OverloadOptions & { readonly rate: number; readonly seed: number }) {
  const endings: Ending[] = [];
  await using target = recording(options, endings);
  const durationMs = options.seconds * 1000;
  const shape = { kind: 'constant', rate: options.rate } as const;
  const schedule = arrivals(shape, durationMs, 'poisson', seededRandom(options.seed));
  const load = { target, clock: systemClock, durationMs, graceMs, schedule, backlogMax: 10_000 };
  return { report: await openLoop(load, never), endings } satisfies Overload;
}

/** `slots` callers, each of which waits for its answer: what can be served. */
export async function saturate(options: OverloadOptions): Promise<Overload> {
  const endings: Ending[] = [];
  await using target = recording(options, endings);
  const load = { target, clock: systemClock, durationMs: options.seconds * 1000, graceMs, callers: options.slots };
  return { report: await closedLoop(load, never), endings };
}

/** Answered well a second, by the answers that came between two times: neither the start nor the tail flatters it. */
export function okPerSecond(endings: readonly Ending[], fromMs: number, toMs: number): number {
  const count = endings.filter(({ status, endedAt }) => status === 200 && endedAt >= fromMs && endedAt < toMs).length;
  return (count * 1000) / (toMs - fromMs);
}

/** Nearest rank; 0 of nothing. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.max(Math.ceil(share * sorted.length) - 1, 0)] ?? 0;
}
