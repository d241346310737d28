import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JournalEntry } from '../journal/entry.ts';
import type { JournalQuery } from '../store/store.ts';
import type { RequestSpan, SpanQuery } from '../telemetry/spans/span.ts';
import { requestSpan } from '../testing/request-span.ts';
import type { Deployment } from './deployments.ts';
import { requestService } from './request-service.ts';

/** `decisions`: their times; every third entry of the journal is a verdict, which decides nothing. */
function service(decisions: readonly number[], spans: readonly RequestSpan[]) {
  const asked: SpanQuery[] = [];
  const entries = decisions.map((at, index): JournalEntry => {
    const details = index % 3 === 2 ? { of: index } : { decision: {} };
    const words = { action: '', by: 'governor', reason: '', before: '', hash: '' };
    return { id: index + 1, at, kind: 'decision', subject: 'd', details, ...words };
  });
  return {
    asked,
    entries,
    service: requestService({
      channel: { spans: async (query) => (asked.push(query), { spans, silent: 0 }) },
      deployments: { get: (name) => ({ name }) as Deployment },
      store: {
        journal: async ({ until = Infinity, limit = 100 }: JournalQuery) =>
          entries
            .filter(({ at }) => at <= until)
            .toReversed()
            .slice(0, limit),
      },
      clock: { wall: () => 10_000_000 },
    }),
  };
}

test('each request is told with the decision in force when it came', async () => {
  const times = fc.array(fc.nat({ max: 3000 }), { maxLength: 700 }).map((all) => all.toSorted((a, b) => a - b));
  await fc.assert(
    fc.asyncProperty(times, fc.array(fc.nat({ max: 3500 }), { maxLength: 20 }), async (decisions, arrivals) => {
      const spans = arrivals.map((at) => requestSpan({ at: at + 0.25 }));
      const { service: requests, entries } = service(decisions, spans);
      const found = await requests.requests('d', { limit: 50 });
      for (const { at, decision } of found) {
        const inForce = entries.findLast((entry) => entry.at <= at && 'decision' in (entry.details as object));
        assert.equal(decision, inForce?.id ?? null, `${at}`);
      }
    }),
    { numRuns: 50 },
  );
});

test('an hour is looked at unless something else is asked for', async () => {
  const { service: requests, asked } = service([], []);
  await requests.requests('d', { limit: 50 });
  await requests.requests('d', { from: 5, to: 9, limit: 2 });
  const hour = { deployment: 'd', from: 6_400_000, to: 10_000_000, limit: 50 };
  assert.deepEqual(asked, [hour, { deployment: 'd', from: 5, to: 9, limit: 2 }]);
  await assert.rejects(requests.requests('d', { from: 9, to: 9, limit: 2 }), { code: 'INVALID_REQUEST' });
});

test('a trace shows only the deployments that its reader may know, and is not there when none is left', async () => {
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const spans = [requestSpan({ at: 9 }), requestSpan({ at: 5 }), requestSpan({ deployment: 'secret' })];
  const { service: requests } = service([4, 8], spans);
  const seen = await requests.trace(traceId, (name) => name === 'd');
  assert.deepEqual(
    seen.requests.map(({ at, decision }) => [at, decision]),
    [
      [5, 1],
      [9, 2],
    ],
  );
  await assert.rejects(
    requests.trace(traceId, () => false),
    { code: 'REQUEST_NOT_FOUND' },
  );
  await assert.rejects(
    requests.trace('x', () => true),
    { code: 'INVALID_REQUEST' },
  );
});
