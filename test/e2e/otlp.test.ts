/**
 * OpenTelemetry from the real platform: traces, metrics and logs at a collector, held against the published definitions;
 * and a collector that hangs, which nobody feels.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startLineReceiver, type LineReceiver } from '../../src/testing/line-receiver.ts';
import { ask, v2 } from '../support/ask.ts';
import { decodeOtlp, otlpPython } from '../support/otlp.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';
import { childPid } from '../support/processes.ts';

const model = `
platform: simulated
simulated:
  inputs: [{ name: x, datatype: FP32, shape: [-1, 1] }]
  outputs: [{ name: y, datatype: FP32, shape: [-1, 1] }]
  serviceMs: 20
`;
const body = v2({ name: 'x', datatype: 'FP32', shape: [1, 1], data: [1] });
const traceId = '0af7651916cd43dd8448eb211c80319c';

interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
}

describe('telemetry over OTLP', () => {
  let collector: LineReceiver;
  let platform: Platform;
  before(async () => {
    collector = await startLineReceiver();
    collector.answer = (_, response) => void response.writeHead(200).end('{}');
    platform = await startPlatform({
      models: { 'slow/1/model.yaml': model, 'slow/model.yaml': model },
      specification: {
        name: 'lab',
        models: { slow: { path: './models/slow' } },
        deployments: {
          slow: {
            model: 'slow',
            replicas: { min: 1, max: 3 },
            slo: { p99Ms: 5000 },
            scaling: { policy: 'kpa', parameters: { target: 1 } },
          },
        },
        telemetry: {
          otlp: {
            endpoint: collector.url,
            headers: { authorization: { env: 'OTLP_AUTHORIZATION' } },
            intervalMs: 1000,
            timeoutMs: 1000,
          },
        },
      },
      env: { OTLP_AUTHORIZATION: 'Bearer of-the-collector' },
    });
    await platform.serving();
  });
  after(async () => {
    await platform[Symbol.asyncDispose]();
    await collector[Symbol.asyncDispose]();
  });

  const infer = (headers: Record<string, string> = {}) =>
    ask(`${platform.http}/v2/models/slow/infer`, { body, headers });
  const parsed = (signal: string, outer: string, scope: string, each: string): unknown[] =>
    collector.requests
      .filter(({ path }) => path === `/v1/${signal}`)
      .flatMap(
        (request) =>
          (JSON.parse(request.body) as Record<string, Record<string, Record<string, unknown[]>[]>[]>)[outer] ?? [],
      )
      .flatMap((resource) => resource[scope] ?? [])
      .flatMap((found) => found[each] ?? []);
  const spans = (): Span[] => parsed('traces', 'resourceSpans', 'scopeSpans', 'spans') as Span[];
  const names = (): Set<string> => new Set(spans().map(({ name }) => name));

  test(
    'a request, a decision, all metrics and the log reach the collector, as the published definitions read them',
    { skip: otlpPython.skip },
    async () => {
      // Fetching begins with the first look.
      await until('the first look', () => (collector.requests.length > 0 ? true : undefined));
      const traceparent = `00-${traceId}-b7ad6b7169203331-01`;
      await until('the trace of a request and of a cycle', async () => {
        await Promise.all([infer({ traceparent }), infer(), infer(), infer()]);
        const found = names();
        return ['infer slow', 'queue', 'batch', 'compute', 'govern slow', 'constrain'].every((name) =>
          found.has(name),
        ) &&
          spans().some((span) => span.traceId === traceId) &&
          spans().some(({ links = [] }) => links.length > 0)
          ? true
          : undefined;
      });
      const own = spans().find((span) => span.traceId === traceId && span.name === 'infer slow');
      assert.equal(own?.parentSpanId, 'b7ad6b7169203331');
      assert.ok(!names().has('execute'), 'the mode is advise: nothing was done');
      const linked = spans().find(({ links = [] }) => links.length > 0);
      assert.equal(linked?.name, 'batch');

      await until('a log line', () =>
        parsed('logs', 'resourceLogs', 'scopeLogs', 'logRecords').length > 0 ? true : undefined,
      );
      const metrics = parsed('metrics', 'resourceMetrics', 'scopeMetrics', 'metrics') as { readonly name: string }[];
      for (const name of [
        'flyball_requests_total',
        'flyball_request_duration_seconds',
        'flyball_process_resident_memory_bytes',
      ])
        assert.ok(
          metrics.some((metric) => metric.name === name),
          name,
        );
      assert.equal(collector.requests[0]?.headers['authorization'], 'Bearer of-the-collector');

      const all = [...collector.requests];
      const decoded = await decodeOtlp(all);
      assert.equal(decoded.length, all.length);
      assert.deepEqual(new Set(decoded.map(({ signal }) => signal)), new Set(['traces', 'metrics', 'logs']));

      const { sinks = [] } = await platform.status();
      assert.deepEqual(
        sinks.map(({ name, kind, state }) => [name, kind, state]),
        ['traces', 'metrics', 'logs'].map((signal) => [`otlp-${signal}`, 'otlp', 'working']),
      );
    },
  );

  test('a collector that hangs delays no request, and what is lost is counted and shown', async () => {
    collector.answer = () => {};
    const began = performance.now();
    const answers = await Promise.all(Array.from({ length: 40 }, () => infer()));
    assert.ok(answers.every(({ status }) => status === 200));
    assert.ok(performance.now() - began < 10_000);
    const warnings = await until('a warning', async () => {
      const { warnings: all } = await platform.status();
      const own = all.filter((words) => words.startsWith('sink otlp-'));
      return own.length > 0 ? own : undefined;
    });
    assert.match(warnings[0] ?? '', /takes nothing: no answer in 1000 ms/);
    const { text } = await fetch(`${platform.metrics}/metrics`).then(async (answer) => ({ text: await answer.text() }));
    assert.match(text, /flyball_sink_failing\{sink="otlp-metrics",kind="otlp"\} 1/);
    assert.match(text, /flyball_sink_items_dropped_total\{sink="otlp-traces",kind="otlp",reason="full"\} 0/);
    assert.equal((await infer()).status, 200);
    collector.answer = (_, response) => void response.writeHead(200).end('{}');
    await until('it to be over', async () => {
      const { sinks = [] } = await platform.status();
      return sinks.every(({ state }) => state === 'working') ? true : undefined;
    });
  });

  test('the spans that control held when it was killed reach the collector from the next one', async () => {
    const held = '4bf92f3577b34da6a3ce929d0e0e4736';
    const hasIt = (from: number): boolean =>
      collector.requests.slice(from).some((request) => request.path === '/v1/traces' && request.body.includes(held));
    collector.answer = () => {};
    assert.equal((await infer({ traceparent: `00-${held}-b7ad6b7169203331-01` })).status, 200);
    // On its way, and taken by nobody.
    await until('control to send it', () => hasIt(0) || undefined);
    process.kill(childPid(platform, 'control'), 'SIGKILL');
    const from = collector.requests.length;
    collector.answer = (_, response) => void response.writeHead(200).end('{}');
    await until('the next control to send it again', () => hasIt(from) || undefined, 120_000);
  });
});
