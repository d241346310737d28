/**
 * Triton's log and trace settings and shared memory, as far as they are true here: what is set can be read, nothing can
 * be set (levels are given at the start, traces come from the events), and no region of memory is ever registered.
 * Pure; one table for REST and gRPC.
 */
import { FlyballError } from '../errors.ts';
import type { ServerMetadata } from './inference.ts';

const levels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace'];

export interface LogSettings {
  readonly log_file: string;
  readonly log_info: boolean;
  readonly log_warning: boolean;
  readonly log_error: boolean;
  readonly log_verbose_level: number;
  readonly log_format: string;
}

export function logSettings({ logLevel }: ServerMetadata): LogSettings {
  const level = levels.indexOf(logLevel ?? 'info');
  return {
    log_file: '',
    log_info: level >= 3,
    log_warning: level >= 2,
    log_error: level >= 1,
    log_verbose_level: Math.max(0, level - 3),
    log_format: 'default',
  };
}

/** No trace is written: spans leave as events, sampled by who subscribes. */
export const traceSettings = {
  trace_level: ['OFF'],
  trace_rate: '0',
  trace_count: '0',
  log_frequency: '0',
  trace_file: '',
  trace_mode: 'triton',
} as const;

/** Setting nothing is reading. Throws NOT_IMPLEMENTED with the keys. */
export function refuseToSet(what: 'log' | 'trace', keys: readonly string[]): void {
  if (keys.length === 0) return;
  const way = what === 'log' ? 'give `flyball up` the level of its logs' : 'collect events instead';
  throw new FlyballError(
    'NOT_IMPLEMENTED',
    `${what} settings cannot be changed while the server runs (${keys.slice(0, 10).join(', ')}); ${way}`,
  );
}

export function refuseSharedMemory(): never {
  throw new FlyballError(
    'NOT_IMPLEMENTED',
    'shared memory is not offered: send tensors in the request, binary ones cost no more than a copy',
  );
}
