/**
 * Server-sent events as text (WHATWG HTML, "Server-sent events"):
 *
 *     stream = *event ;  event = *( comment / field ) LF ;  comment = ":" any LF ;  field = name ":" [SP] any LF
 *
 * Data here is JSON on one line, so that no line has to be split.
 */
import type { JournalEntry } from '../../journal/entry.ts';

/** How long a browser waits before it comes back, in milliseconds. */
const retryMs = 1000;

export interface Hello {
  /** Of this software. */
  readonly version: string;
  /** Of the API: a console that knows another one says so. */
  readonly api: 1;
  /** Number of the last journal entry. */
  readonly seq: number;
  /** Unix milliseconds here, by which ages are told. */
  readonly now: number;
}

/** Why a client must ask for everything again: what it last had is no longer held, never was, or it was too slow. */
export type ResyncReason = 'gone' | 'unknown' | 'slow';

export const keepAlive = ':\n\n';

export function helloFrame(hello: Hello): string {
  return `retry: ${retryMs}\nevent: hello\ndata: ${JSON.stringify(hello)}\n\n`;
}

/** `json`: the body of GET /status. */
export function statusFrame(json: string): string {
  return `event: status\ndata: ${json}\n\n`;
}

/** With its number, which a browser gives back when it comes again. */
export function journalFrame(entry: JournalEntry): string {
  return `event: journal\nid: ${entry.id}\ndata: ${JSON.stringify(entry)}\n\n`;
}

export function resyncFrame(seq: number, reason: ResyncReason): string {
  return `event: resync\nid: ${seq}\ndata: ${JSON.stringify({ seq, reason })}\n\n`;
}
