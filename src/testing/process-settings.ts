/** What a supervised process is told at its start, for tests that start one by itself: everything in one folder. */
import { join } from 'node:path';
import { specification } from '../config/specification.ts';
import type { ProcessSettings } from '../supervisor/messages.ts';

export function settingsIn(directory: string, more: Partial<ProcessSettings> = {}): ProcessSettings {
  const { registry, orchestrator, requestLog, store } = specification.parse({});
  return {
    worker: 0,
    workers: 1,
    node: 'test',
    serverName: 'test',
    startedAt: 0,
    dataDirectory: directory,
    runDirectory: directory,
    controlSocket: join(directory, 'control.sock'),
    runners: { prestarted: 0, preparedBytesMax: 0 },
    lifeline: join(directory, 'lifeline.sock'),
    limits: {
      bodyBytesMax: 1_048_576,
      headerBytesMax: 16_384,
      tensorElementsMax: 1000,
      jsonDepthMax: 100,
      connectionsMax: 100,
      requestTimeoutMs: 5000,
    },
    listeners: {},
    registry,
    orchestrator,
    requestLog,
    store,
    logLevel: 'error',
    ...more,
  };
}
