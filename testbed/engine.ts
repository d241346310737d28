/** A node's Docker engine, over its socket. */
import http from 'node:http';
import Docker from 'dockerode';

/** A frozen engine takes connections and never answers: whoever only looks does not wait longer than this. */
export const lookMs = 2000;

export const engineAt = (socketPath: string, timeoutMs = 60_000): Docker =>
  new Docker({ socketPath, timeout: timeoutMs });

/** Whether an engine answers at a socket. */
export function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = http.get({ socketPath, path: '/_ping', timeout: lookMs, agent: false }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode === 200));
      response.once('error', () => resolve(false));
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(false));
  });
}
