/** The sink for OpenTelemetry against collectors that take it, refuse it, hang, and close; and what it sends of what. */
import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../clock.ts';
import { otlpSettings } from '../../config/otlp-specification.ts';
import { chained, journalStart, type JournalEntry } from '../../journal/entry.ts';
import { seededRng } from '../../rng.ts';
import type { FamiliesOf, MetricFamily } from '../../telemetry/metrics.ts';
import type { RequestSpan } from '../../telemetry/spans/span.ts';
import { startLineReceiver } from '../../testing/line-receiver.ts';
import { requestSpan } from '../../testing/request-span.ts';
import { until } from '../../testing/until.ts';
import { openOtlpSink } from './otlp-sink.ts';

/** Bodies of one signal, whatever they hold. */
// oxlint-disable-next-line typescript/no-explicit-any
type Body = Record<string, any>;

async function world(fields: object = {}) {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'fb-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const receiver = stack.use(await startLineReceiver());
  receiver.answer = (_, response) => void response.writeHead(200).end('{}');
  const logPath = join(folder, 'flyball.log');
  writeFileSync(logPath, '{"level":"info","msg":"before"}\n');
  const entries: JournalEntry[] = [];
  let waiting: RequestSpan[] = [];
  let lost = 0;
  const asked: boolean[] = [];
  const sink = openOtlpSink(otlpSettings.parse({ endpoint: receiver.url, headers: { 'x-tenant': 'lab' }, ...fields }), {
    name: 'test',
    version: '0.1.0',
    startedAt: 1000,
    async spans(isFull) {
      asked.push(isFull);
      return { spans: waiting.splice(0), lost };
    },
    entry: async (id) => entries.find((entry) => entry.id === id),
    logPath,
    readSecret: async () => 'open sesame',
    clock: systemClock,
    rng: seededRng(1),
  });
  stack.defer(() => sink.close(0));
  const resources = stack.move();
  return {
    receiver,
    sink,
    logPath,
    entries,
    asked,
    lose: (count: number) => (lost = count),
    put: (...spans: readonly RequestSpan[]) => void waiting.push(...spans),
    tell: (parts: readonly FamiliesOf[] = [], wall = 60_000) =>
      sink.tell({ parts, families: [], wall }, entries.splice(0, 0)),
    tellOf: (...told: readonly JournalEntry[]) => sink.tell({ parts: [], families: [], wall: 60_000 }, told),
    bodies: (signal: string): Body[] =>
      receiver.requests.filter(({ path }) => path === `/v1/${signal}`).map(({ body }) => JSON.parse(body) as Body),
    view: (signal: string) => sink.views().find(({ name }) => name === `otlp-${signal}`),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

const counter = (value: number): MetricFamily => ({
  name: 'flyball_requests_total',
  help: 'h',
  type: 'counter',
  samples: [{ labels: { deployment: 'd' }, value }],
});
const cpu = (value: number): MetricFamily => ({
  name: 'flyball_process_cpu_seconds_total',
  help: 'h',
  type: 'counter',
  samples: [{ labels: {}, value }],
});
const part = (requests: number, seconds: number): FamiliesOf => ({
  source: 'gateway 0',
  families: [counter(requests), cpu(seconds)],
});
const pointsOf = (body: Body | undefined): Body[] =>
  ((body?.['resourceMetrics'] ?? []) as Body[])[0]?.['scopeMetrics'][0].metrics.flatMap(
    (metric: Body) => metric['sum']?.dataPoints ?? metric['gauge']?.dataPoints ?? metric['histogram']?.dataPoints,
  );

test('requests become traces with a resource that says whose they are, and headers go with each export', async () => {
  await using w = await world({
    resource: { 'deployment.environment.name': 'lab' },
    headers: { authorization: { env: 'X' } },
  });
  w.put(requestSpan());
  w.lose(3);
  await w.tell();
  await until('an export', () => w.bodies('traces').length > 0);
  const [traces] = w.bodies('traces');
  const { resource, scopeSpans } = traces!['resourceSpans'][0];
  assert.deepEqual(
    resource.attributes.map(({ key, value }: Body) => [key, value.stringValue]),
    [
      ['service.name', 'flyball'],
      ['service.version', '0.1.0'],
      ['service.instance.id', 'test'],
      ['deployment.environment.name', 'lab'],
    ],
  );
  assert.equal(scopeSpans[0].spans.length, 4);
  const { headers } = w.receiver.requests[0]!;
  assert.deepEqual([headers['authorization'], headers['content-type']], ['open sesame', 'application/json']);
  assert.equal(w.view('traces')?.dropped.full, 3, 'requests that gateways had no room for are among the lost');
});

test('a decision is a trace of its stages, and the verdict of later joins it', async () => {
  await using w = await world({ signals: ['traces'] });
  const known = { kind: 'fresh', value: 5, ageMs: 100 };
  const details = {
    mode: 'auto',
    done: { kind: 'moved', why: 'the mode is auto' },
    decision: {
      held: 1,
      target: 3,
      by: 'slo',
      reason: 'more',
      wished: 4,
      said: [{ policy: 'slo', target: 4, reason: 'more' }],
      cuts: [{ stage: 'rate', from: 4, to: 3, reason: 'two a minute' }],
      unsound: [],
    },
    inputs: {
      spanMs: 1000,
      fleet: { target: 1, ready: 1, starting: 0 },
      min: 1,
      max: 8,
      objective: { latencyMs: 50, deadlineMs: 1000 },
      signals: { arrivals: known, cpu: { kind: 'absent', value: null, ageMs: null } },
      capacity: {},
    },
    others: [],
    forecasts: { horizons: [{ seconds: 10, perSecond: 4, by: 'holt', authority: 0.5 }] },
  };
  const words = { kind: 'decision', subject: 'd', by: 'governor', reason: 'more' } as const;
  const [decision, verdict] = chained(journalStart, [
    { ...words, action: '1 → 3', details, at: 50_000 },
    { ...words, action: 'helped', details: { of: 1, from: 1, to: 3 }, at: 59_000 },
  ]) as [JournalEntry, JournalEntry];
  w.entries.push(decision);
  await w.tellOf(decision);
  await w.tellOf(verdict);
  const spans = (): Body[] =>
    w.bodies('traces').flatMap((body) => body['resourceSpans'][0].scopeSpans[0].spans as Body[]);
  await until('both exports', () => spans().length >= 8);
  const names = ['govern d', 'observe', 'predict', 'propose', 'reconcile', 'constrain', 'execute', 'verify'];
  assert.deepEqual(
    spans().map(({ name }) => name as string),
    names,
  );
  const [root, ...stages] = spans();
  for (const stage of stages)
    assert.deepEqual([stage['traceId'], stage['parentSpanId']], [root!['traceId'], root!['spanId']]);
  assert.equal(new Set(spans().map(({ spanId }) => spanId as string)).size, 8);
  const cut = stages.find(({ name }) => name === 'constrain')!['events'][0];
  assert.deepEqual(cut.attributes[0], { key: 'flyball.cut.by', value: { stringValue: 'rate' } });
  const verify = stages.at(-1)!;
  assert.deepEqual([verify['startTimeUnixNano'], verify['endTimeUnixNano']], ['50000000000', '59000000000']);

  const { forecasts: _, ...blind } = details;
  const said = { ...blind, done: { kind: 'advised', why: 'the mode is advise' } };
  const [advice] = chained(journalStart, [{ ...words, action: 'advise 1 → 3', details: said, at: 70_000 }]);
  await w.tellOf(advice as JournalEntry);
  await until('its export', () => spans().length >= 13);
  const came = spans().slice(8);
  assert.deepEqual(
    came.map(({ name }) => name as string),
    names.filter((name) => !['predict', 'execute', 'verify'].includes(name)),
    'nothing was predicted, and nothing done',
  );
});

test('sums count since the start of the process that counts; one that is another begins anew', async () => {
  await using w = await world({ signals: ['metrics'] });
  await w.tell([part(5, 10)], 60_000);
  await until('the first', () => w.bodies('metrics').length === 1);
  await w.tell([part(9, 12)], 70_000);
  await until('the second', () => w.bodies('metrics').length === 2);
  await w.tell([part(2, 1)], 80_000);
  await until('the third', () => w.bodies('metrics').length === 3);
  const seen = w.bodies('metrics').map((body) => {
    const [point] = pointsOf(body);
    return [point?.['asDouble'], point?.['startTimeUnixNano'], point?.['timeUnixNano']];
  });
  assert.deepEqual(seen, [
    [5, '1000000000', '60000000000'],
    [9, '1000000000', '70000000000'],
    [2, '70000000000', '80000000000'],
  ]);
});

test('as deltas they count since the last export, and the first look gives none', async () => {
  await using w = await world({ signals: ['metrics'], temporality: 'delta' });
  await w.tell([part(5, 10)], 60_000);
  await w.tell([part(9, 12)], 70_000);
  await until('an export', () => w.bodies('metrics').length === 1);
  const [body] = w.bodies('metrics');
  assert.equal(body!['resourceMetrics'][0].scopeMetrics[0].metrics[0].sum.aggregationTemporality, 1);
  const [point] = pointsOf(body);
  assert.deepEqual([point?.['asDouble'], point?.['startTimeUnixNano']], [4, '60000000000']);
});

test('log lines go from where it began, also over the turn of the file; what is no JSON goes as it is', async () => {
  await using w = await world({ signals: ['logs'] });
  await w.tell();
  appendFileSync(
    w.logPath,
    '{"level":"warn","time":"2026-11-29T12:00:00.000Z","msg":"replica","role":"control","err":{"type":"Error","message":"gone"}}\n',
  );
  await w.tell();
  appendFileSync(w.logPath, 'Segmentation fault\n{"level":"info","msg":"la');
  renameSync(w.logPath, `${w.logPath}.1`);
  writeFileSync(w.logPath, '{"level":"info","msg":"fresh"}\n');
  await w.tell();
  const records = (): Body[] =>
    w.bodies('logs').flatMap((body) => body['resourceLogs'][0].scopeLogs[0].logRecords as Body[]);
  await until('all', () => records().length === 3);
  assert.deepEqual(
    records().map(({ body, severityNumber }) => [body.stringValue, severityNumber]),
    [
      ['replica', 13],
      ['Segmentation fault', 0],
      ['fresh', 9],
    ],
  );
  const attributes = records()[0]!['attributes'].map(({ key }: Body) => key as string);
  assert.deepEqual(attributes, ['role', 'exception.type', 'exception.message']);
});

test('what a collector refuses is dropped and counted; what it may take later is tried again, when it says', async () => {
  await using w = await world({ signals: ['traces'] });
  const answers: (readonly [number, Record<string, string>, string])[] = [
    [400, {}, '{"message":"malformed"}'],
    [503, { 'retry-after': '1' }, ''],
    [200, {}, '{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}'],
  ];
  const at: number[] = [];
  w.receiver.answer = (_, response) => {
    at.push(Date.now());
    const [status, headers, body] = answers.shift() ?? [200, {}, '{}'];
    response.writeHead(status, headers).end(body);
  };
  w.put(requestSpan());
  await w.tell();
  await until('the refusal', () => w.view('traces')?.dropped.refused === 4);
  assert.match(String(w.view('traces')?.lastError), /400: malformed/);
  w.put(requestSpan());
  await w.tell();
  await until('the part that was taken', () => w.view('traces')?.sent === 1, 10_000);
  assert.ok(at[2]! - at[1]! >= 990, `it came again after ${at[2]! - at[1]!} ms`);
  assert.equal(w.view('traces')?.dropped.refused, 7);
  assert.match(String(w.view('traces')?.lastError), /too old/);
});

test('until those of the last look are sent, or lost and counted, gateways are asked for none', async () => {
  await using w = await world({ signals: ['traces'] });
  let answer = (): void => {};
  w.receiver.answer = (_, response) => (answer = () => void response.writeHead(400).end());
  w.put(requestSpan());
  await w.tell();
  await until('the export', () => w.bodies('traces').length === 1);
  await w.tell();
  answer();
  await until('the refusal', () => w.view('traces')?.dropped.refused === 4);
  await w.tell();
  assert.deepEqual(w.asked, [false, true, false]);
});

for (const [what, answer] of [
  ['hangs', () => {}],
  ['closes', (_: unknown, response: { destroy(): void }) => response.destroy()],
  ['answers 502', (_: unknown, response: ServerResponse) => void response.writeHead(502).end()],
] as const) {
  test(`a collector that ${what} takes no more memory than its buffer, and who tells it does not wait`, async () => {
    await using w = await world({ signals: ['traces'], bufferBytesMax: 65_536, timeoutMs: 300 });
    w.receiver.answer = answer;
    let longestMs = 0;
    for (let round = 0; round < 20; round += 1) {
      w.put(...Array.from({ length: 50 }, () => requestSpan()));
      const began = performance.now();
      await w.tell();
      longestMs = Math.max(longestMs, performance.now() - began);
    }
    await until('a failure', () => w.view('traces')?.state === 'failing', 10_000);
    const view = w.view('traces')!;
    assert.ok(view.waitingBytes <= 65_536, String(view.waitingBytes));
    assert.equal(view.dropped.full + view.waiting, 4000);
    assert.ok(longestMs < 5000, `${longestMs} ms`);
    assert.equal(view.sent, 0);
  });
}
