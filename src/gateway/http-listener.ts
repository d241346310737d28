/**
 * The HTTP/1.1 server of a gateway worker: limits, and an end that fails nobody. It knows no route.
 *
 *   listening ──drain──▶ last answers carry `connection: close` ──grace──▶ idle connections are closed ──▶ ended
 *
 * The grace is for requests that were on their way when the drain began: closing an idle connection in that moment
 * would fail them.
 */
import http from 'node:http';
import net from 'node:net';
import type { Clock } from '../clock.ts';
import { Slots } from '../protocol/slots.ts';
import type { ProcessLimits } from '../supervisor/messages.ts';

export interface HttpListener {
  readonly server: http.Server;
  /** Ends when the last request has been answered, or at once when `signal` aborts. */
  drain(signal: AbortSignal): Promise<void>;
}

const graceMs = 200;
const keepAliveMs = 75_000;

export function listenHttp(
  handle: net.Server,
  handler: http.RequestListener,
  limits: ProcessLimits,
  clock: Clock,
): Promise<HttpListener> {
  const running = new Slots<http.ServerResponse>();
  let draining = false;
  let over = false;

  const server = http.createServer(
    {
      maxHeaderSize: limits.headerBytesMax,
      requestTimeout: limits.requestTimeoutMs,
      headersTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: keepAliveMs,
      noDelay: true,
    },
    (request, response) => {
      const number = running.add(response);
      if (draining) response.setHeader('connection', 'close');
      response.once('close', () => {
        running.take(number);
        if (over) server.closeIdleConnections();
      });
      handler(request, response);
    },
  );
  server.maxConnections = limits.connectionsMax;
  // A peer that speaks no HTTP gets the short answer that Node would give; the default handler may throw on a gone one.
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request';
    socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  });

  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(handle, () =>
      resolve({
        server,
        async drain(signal) {
          draining = true;
          for (const response of running.all()) if (!response.headersSent) response.setHeader('connection', 'close');
          const closed = new Promise<void>((ended) => {
            // Not the HTTP server's own close, which closes idle connections at once: only the listening socket goes now.
            net.Server.prototype.close.call(server, () => ended());
          });
          const cancelGrace = clock.after(graceMs, () => {
            over = true;
            server.closeIdleConnections();
          });
          const abort = (): void => server.closeAllConnections();
          if (signal.aborted) abort();
          signal.addEventListener('abort', abort, { once: true });
          await closed;
          cancelGrace();
          signal.removeEventListener('abort', abort);
        },
      }),
    );
  });
}
