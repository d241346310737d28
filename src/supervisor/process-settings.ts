/** What a supervised process is told at its start, made of the specification and of where things lie on this machine. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { adminKeyFile } from '../auth/key-table.ts';
import { toBytes, type Specification } from '../config/specification.ts';
import type { DataDirectory } from '../store/data-directory.ts';
import type { ProcessSettings } from './messages.ts';
import { workersOf, type Role } from './roles.ts';

/** What of a specification the processes are told. */
export type ProcessSpecification = Pick<
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

export interface SettingsSource {
  readonly role: Role;
  readonly specification: ProcessSpecification;
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
  const { role, specification, directory, listeners, lifeline, startedAt, logLevel } = source;
  const { gateway, limits, runners, torchserve } = specification;
  const workers = workersOf(role.kind, gateway.workers);
  return {
    worker: 0,
    workers,
    node: role.kind === 'platform' ? hostname() : role.node,
    ...(role.kind === 'gateway' && { doors: role.doors }),
    ...(role.kind === 'control' && { authority: role.authority }),
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
      auth: {
        adminKey: join(directory.path, adminKeyFile),
        ...(role.kind === 'control' && role.adminKey !== undefined && { givenKey: role.adminKey }),
        workers,
      },
    }),
    requestLog: specification.requestLog,
    store: specification.store,
    listeners,
    logLevel,
  };
}
