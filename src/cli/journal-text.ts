/** The journal as text for people: a line an entry, and the verdict on its chain. Pure. */
import type { JournalEntryView, JournalVerdict } from '../api/schemas.ts';
import type { StatusStyle } from './status-text.ts';
import { dateTime } from '../units.ts';
import { cut } from './wrap.ts';

/** `5123  2026-11-23 14:04:46 UTC  digits  4 → 6  governor: 420 req/s are expected`. */
export function entryLine(entry: JournalEntryView, style: StatusStyle): string {
  const { id, at, subject, action, by, reason } = entry;
  const time = `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  const line = `${id}  ${time}  ${subject}  ${action.replace('→', style.arrow)}  ${by}: ${reason}`;
  return style.columns === undefined ? line : cut(line, style.columns, style.ellipsis);
}

export function verdictText({ entries, last, checkpoint, bad }: JournalVerdict): string {
  const from =
    checkpoint === undefined
      ? 'from the first on'
      : `from entry ${checkpoint.id + 1} on (those before were removed: ${checkpoint.retention})`;
  if (bad === undefined) {
    return `ok  ${entries} entries, ${from}, to ${last.id}: each is as it was written (${dateTime(Date.now())})\n`;
  }
  return `!!  entry ${bad.id}: ${bad.problem}\n    ${entries} entries before it, ${from}, are as they were written\n`;
}
