/** A file that `flyball journal export`, or the console, has written: one entry a line. */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { JournalEntryView } from '../api/schemas.ts';
import { FlyballError } from '../errors.ts';

/** Oldest first, as they stand. Empty lines are passed over; what is not JSON is an error with its line. */
export async function* entriesOf(path: string): AsyncGenerator<JournalEntryView> {
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(path, 'utf8') })) {
    number += 1;
    if (line === '') continue;
    try {
      yield JSON.parse(line) as JournalEntryView;
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new FlyballError('INVALID_REQUEST', `${path}: line ${number} is not JSON`, { cause: error });
    }
  }
}
