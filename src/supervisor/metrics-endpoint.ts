/**
 * GET /metrics on its own listener, served by the supervisor: it is the one process that knows all the others, so the
 * figures of every gateway worker are there whichever of them, or control, has just died.
 */
import http from 'node:http';
import https from 'node:https';
import { challenge, toFlyballError } from '../errors.ts';
import { contextOptions, serverOptions, type TlsMaterial } from '../tls/certificate.ts';
import type { MetricFamily } from '../telemetry/metrics.ts';
import { mergeFamilies } from '../telemetry/registry.ts';
import { formatFor } from '../telemetry/openmetrics/negotiate.ts';
import { openMetricsContentType, printOpenMetrics } from '../telemetry/openmetrics/print.ts';
import { printFamilies, textContentType } from '../telemetry/text.ts';
import type { BoundSocket } from './listening-socket.ts';

export interface MetricsOptions {
  /** Throws for who may not look; absent: everybody may. */
  readonly admit?: ((request: http.IncomingMessage) => void) | undefined;
  readonly tls?: TlsMaterial | undefined;
}

export interface MetricsEndpoint extends AsyncDisposable {
  /** New connections get this certificate. */
  renew(tls: TlsMaterial): void;
}

export async function serveMetrics(
  socket: BoundSocket,
  { admit, tls }: MetricsOptions,
  collect: () => Promise<readonly (readonly MetricFamily[])[]>,
  /** More families, made of those; printed after them. */
  derive: (families: readonly MetricFamily[]) => readonly MetricFamily[] = () => [],
): Promise<MetricsEndpoint> {
  const answer = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const headOnly = request.method === 'HEAD';
    try {
      const families = mergeFamilies(await collect());
      const asked = wanted([...families, ...derive(families)], request.url ?? '/');
      const isOpen = formatFor(request.headers.accept) === 'openmetrics';
      const text = isOpen ? printOpenMetrics(asked) : printFamilies(asked);
      response.writeHead(200, {
        'content-type': isOpen ? openMetricsContentType : textContentType,
        'content-length': Buffer.byteLength(text),
        vary: 'accept',
      });
      response.end(headOnly ? undefined : text);
    } catch (error) {
      response.writeHead(500, { 'content-type': 'text/plain' }).end(`${String(error)}\n`);
    }
  };
  const handle: http.RequestListener = (request, response) => {
    const path = request.url?.split('?', 1)[0];
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.writeHead(405, { allow: 'GET, HEAD' }).end();
      return;
    }
    if (path !== '/metrics' && path !== '/') {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('The metrics are at /metrics\n');
      return;
    }
    try {
      admit?.(request);
    } catch (thrown) {
      const error = toFlyballError(thrown);
      if (error.code === 'UNAUTHENTICATED') response.setHeader('www-authenticate', challenge);
      if (error.retryAfterSeconds !== undefined) response.setHeader('retry-after', error.retryAfterSeconds);
      response.writeHead(error.status, { 'content-type': 'text/plain' }).end(`${error.message} (${error.code})\n`);
      return;
    }
    void answer(request, response);
  };
  const secure = tls === undefined ? undefined : https.createServer(serverOptions(tls), handle);
  const server = secure ?? http.createServer(handle);
  server.requestTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket.handle, resolve);
  });
  return {
    renew: (renewed) => secure?.setSecureContext(contextOptions(renewed)),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

/** `?name[]=a&name[]=b`: those alone, as Prometheus clients of Java ask for it. */
function wanted(families: readonly MetricFamily[], url: string): readonly MetricFamily[] {
  if (!url.includes('?')) return families;
  const names = new Set(new URL(url, 'http://localhost').searchParams.getAll('name[]'));
  return names.size === 0 ? families : families.filter(({ name }) => names.has(name));
}
