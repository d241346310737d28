/** One request over a connection of its own, as a stranger's client would send it, and the whole answer. */
import http from 'node:http';

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  readonly json: () => Record<string, unknown>;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Hangs up when it aborts; the promise rejects then. */
  readonly signal?: AbortSignal;
  readonly agent?: http.Agent;
}

export function ask(url: string, { method, headers, body, signal, agent }: Ask = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const chosen = method ?? (body === undefined ? 'GET' : 'POST');
    const request = http.request(url, { method: chosen, headers, signal, agent: agent ?? false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const whole = Buffer.concat(chunks);
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: whole,
          json: () => JSON.parse(whole.toString('utf8')) as Record<string, unknown>,
        });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

export interface V2Input {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
}

export const v2 = (...inputs: readonly V2Input[]): string => JSON.stringify({ inputs });
