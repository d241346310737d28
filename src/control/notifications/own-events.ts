/** Events that come from no entry of the journal. Pure. */
import type { Message } from '../../core/notifications/channel.ts';
import type { NotificationEvent } from '../../core/notifications/event.ts';

/** Entries that were removed for their age before they were read: control was not there for as long. */
export function gapEvent(after: number, first: { readonly id: number; readonly at: number }): NotificationEvent {
  const missing = first.id - after - 1;
  return {
    entry: first.id,
    at: first.at,
    kind: 'journal-gap',
    severity: 'warning',
    key: 'journal-gap read',
    state: 'once',
    title: `${missing} entries of the journal were removed before they could be told`,
    text: `between ${after} and ${first.id}: they were older than journal.keepMs, or beyond journal.entriesMax`,
    by: 'upkeep',
  };
}

/** A message of one event, as the test of a channel sends it. */
export function testMessage(by: string, at: number): Message {
  const event: NotificationEvent = {
    entry: 0,
    at,
    kind: 'change',
    severity: 'info',
    key: 'test',
    state: 'once',
    title: 'A test of this channel',
    text: `${by} asked for it: messages from here come through`,
    by,
  };
  return {
    id: 0,
    group: { kind: event.kind, severity: event.severity, waiting: [{ event, repeats: 0 }], more: 0, dueAt: at },
    leftOut: {},
  };
}
