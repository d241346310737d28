/** The API's shapes for single requests: what gateways remember of the slow, the failed and a sample of them. */
import * as z from 'zod';

const ms = z.number().describe('Milliseconds.');

export const requestsQuery = z.strictObject({
  from: z.coerce.number().int().min(0).optional().describe('Unix milliseconds; default an hour before `to`.'),
  to: z.coerce.number().int().min(0).optional().describe('Unix milliseconds; default now.'),
  limit: z.coerce.number().int().min(1).max(1000).default(50),
});

export const requestView = z.object({
  traceId: z.string().describe('W3C trace id: what the answer named in `x-trace-id`.'),
  spanId: z.string(),
  parentId: z.string().optional().describe("The caller's span."),
  requestId: z.string(),
  deployment: z.string(),
  version: z.string(),
  protocol: z.enum(['rest', 'grpc', 'torchserve']),
  at: z.number().describe('Of its arrival; Unix milliseconds.'),
  status: z.string().describe('`ok`, or the code of the error.'),
  message: z.string().optional(),
  totalMs: ms,
  readMs: ms.optional().describe('Until it was handed to the queue: read and parsed; milliseconds.'),
  queueMs: ms,
  callMs: ms.optional().describe('From the batch’s way out to its answer; milliseconds.'),
  waitMs: ms.optional().describe('Of that, behind other calls in the replica; milliseconds.'),
  inputMs: ms.optional().describe('Of that, decoding and preprocessing; milliseconds.'),
  computeMs: ms.optional().describe("Of that, the runtime's own; milliseconds."),
  batch: z
    .object({
      id: z.string().describe('The same for all requests of the batch.'),
      rows: z.int(),
      requests: z.int(),
      sentMs: ms.describe('From the request’s arrival until the batch was sent; milliseconds.'),
      mates: z.array(z.string()).describe('Trace ids of other requests in it, of 32 at most.'),
    })
    .optional()
    .describe('The last that it was part of; absent where it was part of none.'),
  replica: z.string().optional(),
  by: z.string().optional().describe('Whose key it came with.'),
  kept: z
    .enum(['failed', 'slow', 'asked', 'sample'])
    .describe(
      'Why it is remembered: it failed, was among the slowest of its minute, its caller records it, or by chance.',
    ),
  decision: z
    .int()
    .nullable()
    .describe('The journal entry of the decision in force when it came; null where the journal holds none.'),
});

export const traceView = z.object({
  traceId: z.string(),
  requests: z.array(requestView).describe('Those of this trace that are remembered, oldest first.'),
});

export type RequestsQuery = z.output<typeof requestsQuery>;
export type RequestView = z.infer<typeof requestView>;
export type TraceView = z.infer<typeof traceView>;
