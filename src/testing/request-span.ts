/** A span as a gateway makes one, for tests of what becomes of it. */
import type { RequestSpan } from '../telemetry/spans/span.ts';

export const requestSpan = (fields: Partial<RequestSpan> = {}): RequestSpan => ({
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  sampled: false,
  requestId: 'r',
  deployment: 'd',
  version: '1',
  protocol: 'rest',
  at: 1000,
  status: 'ok',
  totalMs: 30,
  readMs: 2,
  queueMs: 8,
  callMs: 19,
  waitMs: 1,
  inputMs: 2,
  computeMs: 15,
  batch: {
    id: 'p-1',
    rows: 3,
    requests: 2,
    sentMs: 10,
    mates: ['4bf92f3577b34da6a3ce929d0e0e4736'],
  },
  replica: 'd-1',
  kept: 'slow',
  ...fields,
});
