/** What a supervised process is told at its start, made of the specification and of where things lie on this machine. */
import { join } from 'node:path';
import { adminKeyFile } from '../auth/key-table.ts';
import { toBytes, type Specification } from '../config/specification.ts';
import type { DataDirectory } from '../store/data-directory.ts';
import type { ProcessSettings } from './messages.ts';

export interface SettingsSource {
  readonly specification: Pick<
    Specification,
    | 'name'
    | 'torchserve'
    | 'auth'
    | 'gateway'
    | 'runners'
    | 'limits'
    | 'registry'
    | 'orchestrator'
    | 'requestLog'
    | 'store'
  >;
  readonly directory: Pick<DataDirectory, 'path' | 'runDirectory'>;
  readonly listeners: ProcessSettings['listeners'];
  /** The supervisor's socket. */
  readonly lifeline: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
  readonly logLevel: string;
}

/** Those of worker 0; the number and the identity of each process are set beside them. */
export function processSettings(source: SettingsSource): ProcessSettings {
  const { specification, directory, listeners, lifeline, startedAt, logLevel } = source;
  const { gateway, limits, runners, torchserve } = specification;
  return {
    worker: 0,
    workers: gateway.workers,
    serverName: specification.name,
    startedAt,
    dataDirectory: directory.path,
    runDirectory: directory.runDirectory,
    controlSocket: join(directory.runDirectory, 'control.sock'),
    lifeline,
    limits: {
      ...limits,
      bodyBytesMax: toBytes(limits.bodyBytesMax),
      headerBytesMax: toBytes(limits.headerBytesMax),
    },
    runners: { prestarted: runners.prestarted, preparedBytesMax: toBytes(runners.preparedBytesMax) },
    registry: specification.registry,
    orchestrator: specification.orchestrator,
    ...(torchserve.modelStore !== undefined && { modelStore: torchserve.modelStore }),
    ...(specification.auth.keys === 'required' && {
      auth: { adminKey: join(directory.path, adminKeyFile), workers: gateway.workers },
    }),
    requestLog: specification.requestLog,
    store: specification.store,
    listeners,
    logLevel,
  };
}
