/** Where telemetry is sent, as `GET /status` tells of it. */
import * as z from 'zod';

const count = z.int().min(0);

export const sinkView = z.object({
  name: z.string(),
  kind: z.string().describe('v1, v2, http, udp, file …'),
  state: z
    .enum(['idle', 'working', 'failing'])
    .describe('`idle`: nothing was sent yet; `working`: the last write was taken; `failing`: it was not.'),
  waiting: count.describe('Items (lines, spans …) that wait, with those of a write that is under way.'),
  waitingBytes: count,
  sent: count.describe('Items that were taken, since the sink was opened.'),
  dropped: z
    .object({
      full: count.describe(
        'There was no room: the oldest went. Of traces also the requests that gateways had no room for, each as one.',
      ),
      refused: count.describe('The receiver refused them as bad.'),
      too_large: count.describe('One alone was more than may be sent.'),
      closed: count,
    })
    .describe('Items that were lost, by reason.'),
  leftOut: count.describe('Values that the format cannot hold, such as NaN.'),
  lastError: z.string().optional().describe('Of the last write that was not wholly taken; it stays.'),
  lastErrorAt: z.int().optional(),
  lastSuccessAt: z.int().optional(),
  lastDropAt: z.int().optional(),
});

export type SinkView = z.infer<typeof sinkView>;
