/**
 * Typed events on node:diagnostics_channel. Code that does something publishes what it did; the telemetry module turns
 * it into log lines and metrics. Publishing without a subscriber costs nothing.
 */
import { channel, type Channel } from 'node:diagnostics_channel';
import type { ErrorCode } from '../errors.ts';
import type { InferenceTiming, UnfinishedTiming } from '../protocol/inference.ts';

/** Milliseconds of a cold start, in the order in which they pass; together they are the total. */
export interface ColdStartStages {
  /** Until control knew. */
  readonly detectMs: number;
  /** Until a replica was ordered. */
  readonly decideMs: number;
  readonly startMs: number;
  readonly loadMs: number;
  readonly warmMs: number;
  /** Until the first answer. */
  readonly answerMs: number;
}

export interface EventMap {
  /** One inference request has ended at the gateway. Durations in milliseconds. */
  'flyball:request': {
    readonly deployment: string;
    readonly version: string;
    readonly protocol: 'rest' | 'grpc' | 'torchserve';
    readonly outcome: 'ok' | ErrorCode;
    readonly queueMs: number;
    readonly computeMs: number;
    readonly totalMs: number;
    readonly requestId: string;
    /** 32 hexadecimal digits: the caller's trace, or one of its own. */
    readonly traceId: string;
    /** As far as it got; absent where it never reached a queue. */
    readonly timing?: InferenceTiming | UnfinishedTiming;
    /** Milliseconds from its arrival until it was handed to the queue: its body was read and parsed. */
    readonly readMs?: number;
    /** Whose key it came with, where keys are required. */
    readonly by?: string;
    readonly traceparent?: string;
    readonly replica?: string;
    readonly message?: string;
  };
  /** One call of a replica has ended. */
  'flyball:batch': {
    readonly deployment: string;
    readonly version: string;
    readonly replica: string;
    readonly rows: number;
    readonly requests: number;
    readonly computeMs: number;
    readonly ok: boolean;
  };
  'flyball:replica': {
    readonly deployment: string;
    readonly version: string;
    readonly replica: string;
    readonly state:
      | 'starting'
      | 'loading'
      | 'warming'
      | 'ready'
      | 'draining'
      | 'stopped'
      | 'failed'
      | 'adopted'
      | 'ejected'
      | 'readmitted';
    readonly reason: string;
    readonly where?: string;
    /** From the order to ready, with its stages; only on `ready`. */
    readonly coldStartMs?: number;
    readonly stages?: Readonly<Record<string, number>>;
  };
  /** The first answer after a wait for a replica, from the arrival of its request, by stage. */
  'flyball:cold-start': {
    readonly deployment: string;
    readonly version: string;
    readonly replica: string;
    readonly totalMs: number;
  } & ColdStartStages;
  'flyball:process': {
    readonly role: 'supervisor' | 'gateway' | 'control' | 'runner';
    readonly state: 'started' | 'standby' | 'exited' | 'restarting' | 'draining' | 'stopped';
    readonly pid: number;
    readonly reason: string;
  };
  'flyball:control': {
    readonly action: string;
    readonly subject: string;
    readonly by: string;
    readonly reason: string;
    /** It was written to the journal with the change itself. */
    readonly journalled?: true;
  };
  /** Somebody was turned away for the key: without a good one, over its rate, or outside its scopes. */
  'flyball:refusal': {
    readonly listener: 'http' | 'grpc' | 'metrics' | 'control' | 'management';
    readonly code: ErrorCode;
    /** Whose key it is, where it is somebody's. */
    readonly by: string | undefined;
  };
  /** A webhook was taken, or why not. */
  'flyball:webhook': {
    readonly sender: 'grafana' | 'alertmanager' | 'other';
    readonly outcome: 'accepted' | ErrorCode;
  };
  /** Somebody began or ceased to watch the event stream; `open`: how many watch now. */
  'flyball:stream': { readonly outcome: 'opened' | 'closed' | 'dropped' | 'revoked'; readonly open: number };
  /** What a playbook did, or why not. */
  'flyball:playbook': { readonly playbook: string; readonly action: string; readonly outcome: string };
  /** A message of a channel was sent, or could not be. */
  'flyball:notification': { readonly channel: string; readonly outcome: 'sent' | 'failed' };
  'flyball:fault': { readonly where: string; readonly message: string; readonly error?: unknown };
}

const channels = new Map<string, Channel>();

function channelOf(name: string): Channel {
  let found = channels.get(name);
  if (found === undefined) {
    found = channel(name);
    channels.set(name, found);
  }
  return found;
}

export function publish<Name extends keyof EventMap>(name: Name, event: EventMap[Name]): void {
  const target = channelOf(name);
  if (target.hasSubscribers) target.publish(event);
}

/** Returns the unsubscribe. */
export function subscribe<Name extends keyof EventMap>(
  name: Name,
  listener: (event: EventMap[Name]) => void,
): () => void {
  const handler = (message: unknown): void => listener(message as EventMap[Name]);
  const target = channelOf(name);
  target.subscribe(handler);
  return () => target.unsubscribe(handler);
}
