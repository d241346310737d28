/**
 * The REST door once more, on a Unix socket in the run directory: for requests that control passes on for its own
 * callers. They meet the same admission, queue and limits as all others. Who asks has been asked for a key by control;
 * who can open the socket is this user alone.
 */
import { rmSync } from 'node:fs';
import http from 'node:http';
import { restHandler } from '../protocol/rest/server.ts';
import type { InferenceService } from '../protocol/inference.ts';
import { callerHeader } from '../protocol/local-door.ts';
import type { ProcessLimits } from '../supervisor/messages.ts';
import { publish } from '../telemetry/events.ts';

/** Control keeps few callers waiting at the same time; whoever else opens the socket shall not have all descriptors. */
const connectionsMax = 128;

export interface LocalDoor {
  close(): void;
}

export function openLocalDoor(service: InferenceService, limits: ProcessLimits, socketPath: string): LocalDoor {
  const anonymous = restHandler(service, { limits });
  const server = http.createServer({ maxHeaderSize: limits.headerBytesMax }, (request, response) => {
    const caller = request.headers[callerHeader];
    if (typeof caller !== 'string') return anonymous(request, response);
    restHandler(service, { limits, by: decodeURIComponent(caller) })(request, response);
  });
  server.maxConnections = connectionsMax;
  server.requestTimeout = limits.requestTimeoutMs;
  // The worker serves all the same; who asks through control is told that there is no door.
  server.on('error', (error) => publish('flyball:fault', { where: 'local door', message: error.message, error }));
  // What a killed worker left would be in the way.
  rmSync(socketPath, { force: true });
  server.listen(socketPath);
  return {
    close() {
      server.close();
      server.closeIdleConnections();
    },
  };
}
