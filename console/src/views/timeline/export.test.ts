import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JournalEntryView } from '../../../../src/api/schemas.ts';
import type { AskJournal } from './book.ts';
import { entriesBetween, exportedMax, sliceName } from './export.ts';

const journalOf =
  (count: number): AskJournal =>
  ({ after, limit }) =>
    Promise.resolve(
      Array.from(
        { length: Math.max(0, Math.min(Number(limit), count - Number(after))) },
        (_, index) => ({ id: Number(after) + index + 1 }) as JournalEntryView,
      ),
    );
const { signal } = new AbortController();

test('an export has every entry of the slice, each once and in order, and says when it ends early', async () => {
  for (const count of [0, 1, 999, 1000, 1001, exportedMax - 1, exportedMax, exportedMax + 1, exportedMax * 2]) {
    const { entries, isCut } = await entriesBetween({ from: 1, to: 2 }, journalOf(count), signal);
    assert.equal(entries.length, Math.min(count, exportedMax), `${count}`);
    assert.equal(isCut, count > exportedMax, `${count}`);
    assert.ok(entries.every(({ id }, index) => id === index + 1));
  }
});

test('its name is one that every file system takes', () => {
  const at = Date.UTC(2026, 10, 29, 14, 5, 7);
  assert.equal(
    sliceName({ from: at, to: at + 1000.5 }),
    'flyball-journal-2026-11-29T14-05-07-000Z-2026-11-29T14-05-08-001Z.ndjson',
  );
});
