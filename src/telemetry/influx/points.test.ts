import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JournalEntry } from '../../journal/entry.ts';
import type { MetricFamily } from '../metrics.ts';
import { toEvent } from './events.ts';
import { openIncreases } from './increases.ts';
import { encodePoint } from './line-protocol.ts';
import { openPoints } from './points.ts';
import { quantileOf } from './quantile.ts';

const at = 5n;
type Series = readonly [labels: Record<string, string>, value: number];
const of = (type: 'gauge' | 'counter', name: string, samples: readonly Series[]): MetricFamily => ({
  name,
  help: 'h',
  type,
  samples: samples.map(([labels, value]) => ({ labels, value })),
});
const gauge = (name: string, ...samples: readonly Series[]): MetricFamily => of('gauge', name, samples);
const counter = (name: string, ...samples: readonly Series[]): MetricFamily => of('counter', name, samples);
const histogram = (name: string, labels: Record<string, string>, counts: number[], sum: number): MetricFamily => ({
  name,
  help: 'h',
  type: 'histogram',
  bounds: [0.1, 1],
  samples: [{ labels, counts, sum }],
});
const linesOf = (families: MetricFamily[], increases: readonly MetricFamily[] = []): readonly string[] => {
  const points = openPoints({ site: 'lab' }, at);
  for (const family of families)
    points.add(
      family,
      increases.find(({ name }) => name === family.name),
    );
  return points.all().flatMap((point) => encodePoint(point).lines);
};

test('what is looked at together of a deployment stands in one line, workers and versions added up', () => {
  const d = { deployment: 'd' };
  assert.deepEqual(
    linesOf([
      gauge('flyball_replicas', [{ ...d, state: 'ready' }, 2], [{ ...d, state: 'draining' }, 1]),
      gauge('flyball_replicas_desired', [d, 3]),
      gauge('flyball_governor_target', [{ ...d, policy: 'slo' }, 4]),
      gauge(
        'flyball_queue_length',
        [{ ...d, version: '1', worker: '0' }, 5],
        [{ ...d, version: '1', worker: '1' }, 6],
        [{ ...d, version: '2', worker: '1' }, 7],
      ),
    ]),
    [
      'flyball_deployment,deployment=d,site=lab replicas_ready=2i,replicas_draining=1i,replicas_desired=3i,target=4i,queue_length=18i 5',
    ],
  );
});

test('a counter gives its total and what came since, whole numbers but for seconds', () => {
  const labels = { deployment: 'd', outcome: 'ok' };
  assert.deepEqual(
    linesOf(
      [
        counter('flyball_requests_total', [labels, 12]),
        counter('flyball_process_cpu_seconds_total', [{ role: 'gateway' }, 3]),
      ],
      [
        counter('flyball_requests_total', [labels, 2]),
        counter('flyball_process_cpu_seconds_total', [{ role: 'gateway' }, 1]),
      ],
    ),
    [
      'flyball_requests,deployment=d,outcome=ok,site=lab total=12i,increase=2i 5',
      'flyball_process,role=gateway,site=lab cpu_seconds_total=3,cpu_seconds_increase=1 5',
    ],
  );
});

test('a histogram gives its buckets as InfluxQL adds them up, and the quantiles of what came since', () => {
  const labels = { deployment: 'd', version: '1' };
  assert.deepEqual(
    linesOf(
      [histogram('flyball_request_duration_seconds', labels, [2, 3, 1], 4.5)],
      [histogram('flyball_request_duration_seconds', labels, [0, 2, 0], 1)],
    ),
    [
      'flyball_latency,deployment=d,site=lab,stage=total,version=1 le_0.1=2i,le_1=5i,le_inf=6i,count=6i,sum=4.5,increase=2i,sum_increase=1,p50=0.55,p95=0.955,p99=0.991 5',
    ],
  );
});

test('without a request since the last look there is no quantile, rather than a zero', () => {
  const families = [histogram('flyball_request_duration_seconds', {}, [2, 3, 1], 4.5)];
  const [line = ''] = linesOf(families, [histogram('flyball_request_duration_seconds', {}, [0, 0, 0], 0)]);
  assert.match(line, /increase=0i,sum_increase=0 5$/);
});

test('a family that nobody has named is there all the same', () => {
  assert.deepEqual(
    linesOf([
      gauge('flyball_node_memory_used_bytes', [{ node: 'n' }, 7]),
      gauge('flyball_node_load', [{ node: 'n' }, 7]),
      gauge('flyball_new_thing', [{}, 7]),
      counter('flyball_new_thing_total', [{ a: 'b' }, 7]),
    ]),
    [
      'flyball_node,node=n,site=lab memory_used_bytes=7i,load=7 5',
      'flyball_new_thing,site=lab value=7 5',
      'flyball_new_thing,a=b,site=lab total=7i 5',
    ],
  );
});

test('increases: the first look gives none, a process that starts anew counts from zero, a silent one is left alone', () => {
  const increases = openIncreases();
  const look = (parts: Record<string, number | undefined>): number | undefined => {
    const families = increases.look(
      Object.entries(parts).map(([source, value]) => ({
        source,
        families:
          value === undefined ? [] : [counter('c_total', [{}, value]), histogram('h', {}, [value, 0, 0], value)],
      })),
    );
    const [c, h] = families;
    if (c === undefined) return undefined;
    assert.ok(c.type === 'counter' && h?.type === 'histogram');
    const value = c.samples[0]?.value;
    assert.deepEqual([h.samples[0]?.counts[0], h.samples[0]?.sum], [value, value]);
    return value;
  };
  assert.equal(look({ a: 1000, b: 1000 }), undefined);
  assert.equal(look({ a: 1010, b: 1001 }), 11);
  assert.equal(look({ a: undefined, b: 1002 }), 1);
  assert.equal(look({ a: 5, b: 1002 }), 5);
  assert.equal(look({ a: 7, b: 1002, c: 400 }), 2);
  assert.equal(look({ a: 7, b: 1002, c: 401 }), 1);
});

test('a series that is new in a process that is known counts from zero', () => {
  const increases = openIncreases();
  increases.look([{ source: 'a', families: [counter('c_total')] }]);
  const [family] = increases.look([{ source: 'a', families: [counter('c_total', [{ x: '1' }, 3])] }]);
  assert.equal(family?.type === 'counter' ? family.samples[0]?.value : undefined, 3);
});

test('quantiles lie within their bucket, evenly; beyond the last bound there is only that bound', () => {
  const bounds = [1, 2, 4];
  assert.equal(quantileOf(bounds, [0, 10, 0, 0], 0.5), 1.5);
  assert.equal(quantileOf(bounds, [10, 0, 0, 0], 1), 1);
  assert.equal(quantileOf(bounds, [1, 0, 1, 0], 0.99), 3.96);
  assert.equal(quantileOf(bounds, [0, 0, 0, 5], 0.5), 4);
  assert.equal(quantileOf(bounds, [0, 0, 0, 0], 0.5), undefined);
});

const entry = (more: Partial<JournalEntry>): JournalEntry => ({
  id: 42,
  at: 1_700_000_000_000,
  kind: 'decision',
  action: '4 → 6',
  subject: 'd',
  by: 'governor',
  reason: 'p99 of 120 ms, "slo" 50',
  before: '',
  hash: '',
  ...more,
});

test('a decision is a point at its own time, with what it moved as numbers', () => {
  assert.deepEqual(encodePoint(toEvent(entry({}), { site: 'lab' })).lines, [
    String.raw`flyball_decision,by=governor,deployment=d,site=lab entry=42i,action="4 → 6",reason="p99 of 120 ms, \"slo\" 50",from=4i,to=6i 1700000000000000042`,
  ]);
});

test('whatever else happens is an event by kind; what was only advised has moved nothing', () => {
  const [change = ''] = encodePoint(toEvent(entry({ kind: 'change', action: 'scale', subject: 'd' }), {})).lines;
  assert.match(change, /^flyball_event,by=governor,kind=change,subject=d entry=42i,action="scale",/);
  const [advised = ''] = encodePoint(toEvent(entry({ action: 'advise 4 → 6' }), {})).lines;
  assert.doesNotMatch(advised, /from=|to=/);
});

test('two entries of one millisecond are two points', () => {
  assert.notEqual(toEvent(entry({ id: 1 }), {}).at, toEvent(entry({ id: 2 }), {}).at);
});
