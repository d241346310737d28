/** What GET /events takes, and what its events carry. */
import * as z from 'zod';
import { topics, type Topic } from './turn.ts';

export const eventsQuery = z.strictObject({
  topics: z
    .string()
    .max(200)
    .default(topics.join(','))
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(topics as unknown as [Topic, ...Topic[]])))
    .describe(`With commas: ${topics.join(', ')}.`),
  since: z.coerce
    .number()
    .int()
    .min(0)
    .optional()
    .describe('Number of the last journal entry that is known; `Last-Event-ID` counts for more.'),
});
export type EventsQuery = z.output<typeof eventsQuery>;
