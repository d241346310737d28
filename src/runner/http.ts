/** The HTTP door of a runner that is used alone, with the limits that a specification has by default. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../clock.ts';
import { specification, toBytes } from '../config/specification.ts';
import { FlyballError } from '../errors.ts';
import { restHandler } from '../protocol/rest/server.ts';
import type { RunnerLaunch } from './launch.ts';
import type { Runner } from './runner.ts';
import { runnerService } from './service.ts';

export interface HttpServer extends AsyncDisposable {
  readonly url: string;
}

const flushMs = 1000;

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

export async function serveHttp(
  launch: RunnerLaunch,
  listen: NonNullable<RunnerLaunch['http']>,
  runner: Runner,
): Promise<HttpServer> {
  const declared = specification.parse({}).limits;
  const limits = {
    ...declared,
    bodyBytesMax: toBytes(declared.bodyBytesMax),
    headerBytesMax: toBytes(declared.headerBytesMax),
  };
  const service = runnerService(launch, runner, {
    tensorElementsMax: limits.tensorElementsMax,
    clock: systemClock,
    serverVersion: packageVersion(),
  });
  const server = createServer(
    { maxHeaderSize: limits.headerBytesMax, requestTimeout: limits.requestTimeoutMs, noDelay: true },
    restHandler(service, { limits }),
  );
  server.maxConnections = limits.connectionsMax;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(listen, resolve);
  try {
    await promise;
  } catch (cause) {
    const inUse = (cause as NodeJS.ErrnoException).code === 'EADDRINUSE';
    throw new FlyballError(
      inUse ? 'PORT_IN_USE' : 'INTERNAL',
      `could not listen on ${listen.host}:${listen.port}: ${(cause as Error).message}`,
      { cause },
    );
  }
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${listen.host.includes(':') ? `[${listen.host}]` : listen.host}:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      // Every call has been answered or given up by now; the last answers may still be on their way.
      const timer = setTimeout(() => server.closeAllConnections(), flushMs);
      await closed.promise;
      clearTimeout(timer);
    },
  };
}
