/**
 * The HTTP/1.1 server of a gateway worker: limits, and an end that fails nobody. It knows no route.
 *
 *   listening ──drain──▶ listens no more ──▶ last answers carry `connection: close` ──grace──▶ idle connections are closed ──▶ ended
 *
 * The grace is for requests that were on their way when the drain began: closing an idle connection in that moment
 * would fail them.
 */
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { Clock } from '../clock.ts';
import { Slots } from '../protocol/slots.ts';
import type { ProcessLimits } from '../supervisor/messages.ts';
import { contextOptions, isTlsFailure, serverOptions, type TlsMaterial } from '../tls/certificate.ts';

export interface HttpListener {
  readonly server: http.Server;
  /** Ends when the last request has been answered, or at once when `signal` aborts. */
  drain(signal: AbortSignal): Promise<void>;
  /** New connections get this certificate. */
  renew(tls: TlsMaterial): void;
}

const graceMs = 200;
/**
 * Workers share the port. As long as one of them still listens, whoever is told by another to close comes back to it, and is
 * reset with its backlog when it stops listening: so all stop first, and only then is anybody told.
 */
const togetherMs = 50;
const keepAliveMs = 75_000;
/** Node looks for requests that take too long twice a minute: a limit of three seconds would hold after thirty. */
const lookEveryMsMax = 30_000;
/** A peer that has vanished without a word is found by probes of the kernel, from this long a silence on. */
const probeAfterMs = 60_000;

/** What is said to bytes that never became a request, in the form of every other error. */
function refusal(code: string | undefined, limits: ProcessLimits): string {
  const [status, name, message] =
    code === 'HPE_HEADER_OVERFLOW'
      ? [
          '431 Request Header Fields Too Large',
          'TOO_LARGE',
          `headers of at most ${limits.headerBytesMax} bytes (limits.headerBytesMax)`,
        ]
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? [
            '408 Request Timeout',
            'INVALID_REQUEST',
            `the whole request within ${limits.requestTimeoutMs} ms (limits.requestTimeoutMs)`,
          ]
        : ['400 Bad Request', 'INVALID_REQUEST', 'an HTTP/1.1 request'];
  const body = JSON.stringify({ error: `expected ${message}, got something else (${code ?? 'unknown'})`, code: name });
  const head = `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close`;
  return `HTTP/1.1 ${status}\r\n${head}\r\n\r\n${body}`;
}

export function listenHttp(
  handle: net.Server,
  handler: http.RequestListener,
  limits: ProcessLimits,
  clock: Clock,
  tls?: TlsMaterial,
): Promise<HttpListener> {
  const running = new Slots<http.ServerResponse>();
  let draining = false;
  let over = false;

  const onRequest: http.RequestListener = (request, response) => {
    const number = running.add(response);
    if (draining) response.setHeader('connection', 'close');
    response.once('close', () => {
      running.take(number);
      if (over) server.closeIdleConnections();
    });
    handler(request, response);
  };

  const settings = {
    maxHeaderSize: limits.headerBytesMax,
    requestTimeout: limits.requestTimeoutMs,
    headersTimeout: limits.requestTimeoutMs,
    // Off (0) is off: nothing to look for.
    connectionsCheckingInterval:
      limits.requestTimeoutMs > 0 ? Math.min(lookEveryMsMax, limits.requestTimeoutMs / 4) : lookEveryMsMax,
    keepAliveTimeout: keepAliveMs,
    keepAlive: true,
    keepAliveInitialDelay: probeAfterMs,
    noDelay: true,
  };
  const secure = tls === undefined ? undefined : https.createServer({ ...settings, ...serverOptions(tls) }, onRequest);
  const server = secure ?? http.createServer(settings, onRequest);
  // A body is asked for by whoever begins to read it. Where the head alone is refused, for the size that it says or for
  // want of a key or a scope, the caller keeps the body, and the connection ends after the answer.
  server.on('checkContinue', (request: http.IncomingMessage, response: http.ServerResponse) => {
    request.once('resume', () => {
      if (!response.headersSent) response.writeContinue();
    });
    onRequest(request, response);
  });
  server.maxConnections = limits.connectionsMax;
  // A peer that speaks no HTTP gets the short answer that Node would give; the default handler may throw on a gone one.
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || isTlsFailure(error)) {
      socket.destroy();
      return;
    }
    socket.end(refusal(error.code, limits));
  });

  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(handle, () =>
      resolve({
        server,
        renew: (renewed) => secure?.setSecureContext(contextOptions(renewed)),
        async drain(signal) {
          const cancelTelling = clock.after(togetherMs, () => {
            draining = true;
            for (const response of running.all()) if (!response.headersSent) response.setHeader('connection', 'close');
          });
          const closed = new Promise<void>((ended) => {
            // Not the HTTP server's own close, which closes idle connections at once: only the listening socket goes now.
            net.Server.prototype.close.call(server, () => ended());
          });
          const cancelGrace = clock.after(togetherMs + graceMs, () => {
            over = true;
            server.closeIdleConnections();
          });
          const abort = (): void => server.closeAllConnections();
          if (signal.aborted) abort();
          signal.addEventListener('abort', abort, { once: true });
          await closed;
          cancelTelling();
          cancelGrace();
          signal.removeEventListener('abort', abort);
        },
      }),
    );
  });
}
