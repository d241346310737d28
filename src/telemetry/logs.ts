/**
 * Events → JSON log lines (pino) on standard output, which the supervisor collects into one file.
 * What succeeded is `debug`, what a caller got wrong too: a flood of bad requests must not become a flood of lines.
 */
import { pino, type Logger } from 'pino';
import { subscribe } from './events.ts';
import { catalogue, type ErrorCode } from '../errors.ts';

export type { Logger } from 'pino';

export interface LogOptions {
  readonly role: string;
  readonly worker: number;
  readonly level: string;
  /** Where lines go; standard output by default. */
  readonly sink?: ((line: string) => void) | undefined;
}

export function openLog({ role, worker, level, sink }: LogOptions): Logger {
  return pino(
    {
      level,
      base: { role, worker, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: ['headers.authorization', 'apiKey'],
    },
    sink === undefined ? pino.destination({ dest: 1, sync: true }) : { write: sink },
  );
}

function levelOf(outcome: 'ok' | ErrorCode): 'debug' | 'warn' {
  if (outcome === 'ok') return 'debug';
  const { status } = catalogue[outcome];
  return status === 500 || status === 502 ? 'warn' : 'debug';
}

/** Subscribes; returns the unsubscribe. */
export function logEvents(log: Logger): () => void {
  const unsubscribes = [
    subscribe('flyball:request', (event) => {
      const level = levelOf(event.outcome);
      if (!log.isLevelEnabled(level)) return;
      const { timing, readMs: _, ...line } = event;
      const { call } = timing ?? {};
      log[level](call === undefined ? line : { ...line, call: call.number, rows: call.rows }, 'request');
    }),
    subscribe('flyball:replica', (event) => {
      const level = event.state === 'failed' || event.state === 'ejected' ? 'warn' : 'info';
      log[level](event, 'replica');
    }),
    subscribe('flyball:cold-start', (event) => log.info(event, 'cold start')),
    subscribe('flyball:process', (event) => log.info(event, 'process')),
    subscribe('flyball:control', (event) => log.info(event, 'control')),
    subscribe('flyball:refusal', (event) => log.debug(event, 'refused')),
    subscribe('flyball:stream', (event) => log.debug(event, 'event stream')),
    subscribe('flyball:webhook', (event) => log.debug(event, 'webhook')),
    subscribe('flyball:playbook', (event) => log.info(event, 'playbook')),
    subscribe('flyball:notification', (event) => log.info(event, 'notification')),
    subscribe('flyball:fault', ({ error, ...event }) => log.error({ ...event, err: error }, 'fault')),
  ];
  return () => {
    for (const unsubscribe of unsubscribes) unsubscribe();
  };
}
