/**
 * A case for a ticket: a slice of the journal around a decision, as `flyball journal export` writes it, so that whoever
 * gets the file can hold its chain and make its decisions again without the platform.
 */
import type { JournalEntryView } from '../../../../src/api/schemas.ts';
import { askFor } from '../../api/client.ts';
import { isoWithOffset } from '../../format/time.ts';

/** Before and after the moment. */
export const aroundMs = 600_000;
const pageLength = 1000;
/** More than twenty minutes of a busy platform; beyond it the file says where it ends by ending there. */
const pagesMax = 10;

export const caseName = (deployment: string, at: number): string =>
  `flyball-${deployment}-${isoWithOffset(at, 'UTC').replace(/[:.]/g, '-')}.ndjson`;

/** One entry a line, oldest first: every subject, since a chain with gaps cannot be held. */
export const caseText = (entries: readonly JournalEntryView[]): string =>
  entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');

export async function caseAround(at: number, signal?: AbortSignal): Promise<readonly JournalEntryView[]> {
  const all: JournalEntryView[] = [];
  for (let page = 0, after = 0; page < pagesMax; page += 1) {
    const { value } = await askFor<JournalEntryView[]>('/journal', {
      query: { since: Math.round(at - aroundMs), until: Math.round(at + aroundMs), after, limit: pageLength },
      ...(signal !== undefined && { signal }),
    });
    all.push(...value);
    if (value.length < pageLength) break;
    after = value.at(-1)?.id ?? after;
  }
  return all;
}

export function download(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: 'application/x-ndjson' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
