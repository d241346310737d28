import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { publish } from './events.ts';
import { mergeFamilies, observe, openRegistry } from './registry.ts';
import { recordRequests } from './request-metrics.ts';
import { printFamilies } from './text.ts';

const request = {
  deployment: 'digits',
  version: '1',
  protocol: 'rest',
  outcome: 'ok',
  queueMs: 1,
  computeMs: 2,
  totalMs: 4,
  requestId: 'r',
  traceId: '0af7651916cd43dd8448eb211c80319c',
} as const;

test('a request that ended shows in the counter and in the three histograms', () => {
  const registry = openRegistry();
  const stop = recordRequests(registry);
  publish('flyball:request', request);
  publish('flyball:request', { ...request, outcome: 'QUEUE_FULL' });
  publish('flyball:request', { ...request, deployment: 'other', outcome: 'INVALID_TENSOR' });
  stop();
  publish('flyball:request', request);
  const text = printFamilies(registry.families());
  assert.match(text, /flyball_requests_total\{deployment="digits",version="1",protocol="rest",outcome="ok"\} 1\n/);
  assert.match(text, /outcome="QUEUE_FULL"\} 1\n/);
  assert.match(text, /flyball_requests_bad_total\{deployment="digits",version="1"\} 1\n/);
  assert.match(text, /flyball_requests_bad_total\{deployment="other",version="1"\} 0\n/);
  assert.match(text, /flyball_request_duration_seconds_count\{deployment="digits",version="1"\} 2\n/);
  assert.match(text, /flyball_queue_duration_seconds_count\{deployment="digits",version="1"\} 1\n/);
  assert.match(text, /flyball_request_duration_seconds_bucket\{deployment="digits",version="1",le="0.005"\} 2\n/);
});

test('label values are escaped, so that a hostile name cannot forge a line', () => {
  const registry = openRegistry();
  registry.counter({ name: 'c_total', help: 'h', labels: ['name'] })('a"} 1\nevil 2\\').value += 1;
  assert.match(printFamilies(registry.families()), /^c_total\{name="a\\"\} 1\\nevil 2\\\\"\} 1$/m);
});

test('series beyond the limit are counted under `other` and none is lost', () => {
  const registry = openRegistry();
  const counter = registry.counter({ name: 'c_total', help: 'h', labels: ['name'] });
  for (let index = 0; index < 10_050; index += 1) counter(`n${index}`).value += 1;
  const [family] = registry.families();
  assert.ok(family?.type === 'counter' && family.samples.length === 10_001);
  assert.equal(family.samples.find((sample) => sample.labels['name'] === 'other')?.value, 50);
});

test('merging adds up: counts and sums of the whole are those of the parts', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.double({ min: 0, max: 20, noNaN: true }), { maxLength: 20 }), { maxLength: 4 }),
      (parts) => {
        const families = parts.map((values) => {
          const registry = openRegistry();
          const series = registry.histogram({ name: 'h', help: 'h', labels: [], bounds: [1, 5, 10] })();
          for (const value of values) observe(series, value);
          return registry.families();
        });
        const [merged] = mergeFamilies(families);
        if (merged === undefined) return parts.length === 0;
        assert.ok(merged.type === 'histogram');
        const counted = merged.samples.flatMap((sample) => sample.counts).reduce((sum, count) => sum + count, 0);
        return counted === parts.flat().length;
      },
    ),
  );
});
