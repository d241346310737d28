/**
 * What a client of the event stream is sent now, given where it is, what there is, and how much of what was written to
 * it still waits. Pure: no socket and no clock.
 *
 *   reads ──the buffer is full──▶ behind ──it is read──▶ reads, from its cursor or by a resync
 *                                    └──for stalledMs──▶ dropped
 *
 * Invariants: nothing is written to a client whose buffer is full, so that one holds at most `bufferedMax` and one
 * event; every journal entry of the client's deployments is sent once and in order, or a resync says that some were not.
 */
import { keepAlive, resyncFrame, type ResyncReason } from './frames.ts';
import { entriesAfter, heldAfter, type JournalWindow } from './journal-window.ts';

export const topics = ['status', 'journal'] as const;
export type Topic = (typeof topics)[number];

export interface Client {
  readonly topics: readonly Topic[];
  /** Number of the last journal entry that it was sent, or that is none of its business. */
  readonly cursor: number;
  /** Why it must begin anew, when it has not been told yet. */
  readonly resync?: ResyncReason | undefined;
  /** Revision of the status that it has; 0 for none. */
  readonly status: number;
  /** When something was last written to it; milliseconds of any clock that only grows. */
  readonly wroteAt: number;
  /** Since when its buffer has been full. */
  readonly fullSince?: number | undefined;
}

/** What there is to be sent. */
export interface Current {
  readonly journal: JournalWindow;
  /** As this client may see it; absent until it is known. */
  readonly status?: { readonly revision: number; readonly frame: string } | undefined;
}

export interface TurnLimits {
  /** Bytes that may wait to be read before nothing more is written. */
  readonly bufferedMax: number;
  /** How long a buffer may stay full before the client is given up. */
  readonly stalledMs: number;
  /** A comment after so much silence keeps the connection open. */
  readonly keepAliveMs: number;
}

export type Turn =
  | { readonly kind: 'go on'; readonly client: Client; readonly frames: readonly string[] }
  | { readonly kind: 'drop' };

/** `since`: number of the last entry that it had; absent: it begins with the next one. */
export function newClient(
  wanted: { readonly topics: readonly Topic[]; readonly since?: number | undefined },
  journal: JournalWindow,
  at: number,
): Client {
  const { since } = wanted;
  const base = { topics: wanted.topics, status: 0, wroteAt: at };
  if (since === undefined) return { ...base, cursor: journal.last };
  // A number that was never given: the store is another one, or an older copy of it.
  if (!Number.isInteger(since) || since < 0 || since > journal.last)
    return { ...base, cursor: journal.last, resync: 'unknown' };
  if (since < heldAfter(journal)) return { ...base, cursor: journal.last, resync: 'gone' };
  return { ...base, cursor: since };
}

export function turn(
  client: Client,
  current: Current,
  state: { readonly at: number; readonly buffered: number; readonly covers: (deployment: string) => boolean },
  limits: TurnLimits,
): Turn {
  const { at, covers } = state;
  const { journal, status } = current;
  if (state.buffered >= limits.bufferedMax) {
    const fullSince = client.fullSince ?? at;
    if (at - fullSince >= limits.stalledMs) return { kind: 'drop' };
    return { kind: 'go on', client: { ...client, fullSince }, frames: [] };
  }
  const frames: string[] = [];
  let room = limits.bufferedMax - state.buffered;
  const send = (frame: string): void => {
    frames.push(frame);
    room -= frame.length;
  };
  let { cursor, resync } = client;
  if (client.topics.includes('journal')) {
    if (resync === undefined && cursor < heldAfter(journal)) {
      resync = 'slow';
      cursor = journal.last;
    }
    if (resync !== undefined) send(resyncFrame(cursor, resync));
    for (const { id, subject, frame } of entriesAfter(journal, cursor)) {
      if (room <= 0) break;
      if (covers(subject)) send(frame);
      cursor = id;
    }
  }
  let seen = client.status;
  if (client.topics.includes('status') && status !== undefined && status.revision > seen && room > 0) {
    send(status.frame);
    seen = status.revision;
  }
  if (frames.length === 0 && at - client.wroteAt >= limits.keepAliveMs) send(keepAlive);
  const wroteAt = frames.length === 0 ? client.wroteAt : at;
  return { kind: 'go on', client: { topics: client.topics, cursor, status: seen, wroteAt }, frames };
}
