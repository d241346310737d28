/** The API's shapes for an inference that control passes on to a gateway. */
import * as z from 'zod';
import { problem } from './schemas.ts';

/** Of the body, and of an answer. */
export const playgroundBytesMax = 16 * 1_048_576;

export const playgroundTiming = z.object({
  traceId: z.string(),
  totalMs: z.number().describe('At the gateway, from its arrival to its answer; milliseconds.'),
  queueMs: z.number(),
  callMs: z.number().nullable().describe('At the replica and on the way there and back; null where it reached none.'),
  computeMs: z.number().nullable(),
  batchRows: z.int().nullable(),
  batchRequests: z.int().nullable(),
  replica: z.string().nullable(),
  version: z.string(),
});

export const playgroundView = z.object({
  status: z.int(),
  body: z.unknown().describe('What the gateway answered: JSON as a value, any other text as a string.'),
  timing: playgroundTiming.nullable().describe('null: the gateway that answered has gone since.'),
});

export const playgroundProblem = problem.extend({ timing: playgroundTiming.nullable() });

export type PlaygroundTiming = z.infer<typeof playgroundTiming>;
