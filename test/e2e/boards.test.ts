/**
 * A real Prometheus scrapes a platform under load as OpenMetrics: it keeps the exemplars, takes the shipped rules, and
 * answers every query of every shipped board with data. Grafana itself is not run here.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { NodeView } from '../../src/api/node-schemas.ts';
import type { WhyView } from '../../src/api/schemas.ts';
import { parseOpenMetrics } from '../../src/telemetry/openmetrics/parse.ts';
import { missingEngines, startPrometheus, type Engine } from '../support/alerting.ts';
import { boardQueries, ruleQueries } from '../support/board-queries.ts';
import { missingInfluxdb, startInfluxdb, type Influxdb } from '../support/influxdb.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';
import { promtool } from '../support/promtool.ts';

const missing = missingEngines();
const absent = missing ?? missingInfluxdb();
if (absent !== undefined && process.env['CI'] === 'true') throw new Error(absent);

const model = `
platform: simulated
simulated:
  inputs: [{ name: x, datatype: FP32, shape: [-1, 1] }]
  outputs: [{ name: y, datatype: FP32, shape: [-1, 1] }]
  serviceMs: 20
`;
const rules = readFileSync(new URL('../../deploy/prometheus/flyball.rules.yml', import.meta.url), 'utf8');
const input = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 1], data: [1] }] });
const openMetrics = { headers: { accept: 'application/openmetrics-text; version=1.0.0' } };
/** What is only there when somebody is believed, or when this kernel and machine have it. */
const mayBeAbsent = /flyball_governor_forecast\b|flyball_node_(?:waiting|oom|network|disk)|flyball_sink_/;

const mayBeAbsentThere = /waiting_seconds|oom_kills|network_|disk_/;

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
}

const sinkTo = ({ url, database, username }: Influxdb, passwordFile: string): object => ({
  kind: 'v1',
  name: 'boards',
  url,
  database,
  username,
  password: { file: passwordFile },
  intervalMs: 1000,
});

describe('a real Prometheus that scrapes OpenMetrics', { skip: missing ?? false, timeout: 240_000 }, () => {
  const opened = new AsyncDisposableStack();
  const traceIds = new Set<string>();
  let platform: Platform;
  let prometheus: Engine;
  let influxdb: Influxdb | undefined;
  let loading = true;

  /** One caller: mostly well, now and then something that is no tensor. */
  async function call(index: number): Promise<void> {
    for (let count = 0; loading; count += 1) {
      const body = count % 20 === 7 ? '{"inputs": 3}' : input;
      const answer = await fetch(`${platform.http}/v2/models/worker/infer`, { method: 'POST', body }).catch(
        () => undefined,
      );
      traceIds.add(answer?.headers.get('x-trace-id') ?? '');
      await answer?.text();
      if (index > 0) await new Promise((resolve) => void setTimeout(resolve, 20));
    }
  }

  async function ask<Data>(path: string, parameters: Readonly<Record<string, string>> = {}): Promise<Data> {
    const answer = await fetch(`${prometheus.url}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`);
    const { status, data, error } = (await answer.json()) as { status: string; data: Data; error?: string };
    assert.equal(status, 'success', `${parameters['query'] ?? path}: ${error}`);
    return data;
  }

  const query = async (text: string, isInstant: boolean): Promise<readonly Series[]> => {
    const now = Date.now() / 1000;
    const range = { start: String(now - 20), end: String(now), step: '1' };
    const path = isInstant ? 'query' : 'query_range';
    return (await ask<{ result: readonly Series[] }>(path, { query: text, ...(isInstant ? {} : range) })).result;
  };

  before(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flyball-boards-'));
    opened.defer(() => rmSync(folder, { recursive: true }));
    influxdb = missingInfluxdb() === undefined ? opened.use(await startInfluxdb()) : undefined;
    writeFileSync(join(folder, 'password'), `${influxdb?.password}\n`);
    const sinks = influxdb === undefined ? [] : [sinkTo(influxdb, join(folder, 'password'))];
    platform = opened.use(
      await startPlatform({
        models: { 'slow/1/model.yaml': model, 'slow/model.yaml': model },
        specification: {
          models: { slow: { path: './models/slow' } },
          telemetry: { influx: sinks },
          deployments: {
            worker: {
              model: 'slow',
              replicas: { min: 1, max: 3 },
              slo: { p99Ms: 25 },
              scaling: {
                policy: 'thresholds',
                // Replicas that only sleep use next to nothing: the rule takes the second one away again.
                parameters: { sustainedSeconds: 5 },
                mode: 'auto',
                modeReason: 'a test',
              },
            },
          },
        },
      }),
    );
    await platform.serving();
    // Rules over days are computed every two minutes, from a moment that the group's name decides.
    prometheus = opened.use(
      await startPrometheus({ scraped: platform.metrics, ruleFile: rules.replaceAll('interval: 2m', 'interval: 1s') }),
    );
    for (let index = 0; index < 6; index += 1) void call(index);
    opened.defer(() => void (loading = false));
    const scale = {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ replicas: 2 }),
    };
    const scaled = await fetch(`${platform.control}/api/v1/deployments/worker/scale`, scale);
    assert.ok(scaled.ok, await scaled.text());
    await until('the long windows to be recorded', async () => {
      const recorded = await query('deployment_slo:flyball_burn:rate3d{slo="latency"} > 0', true);
      return recorded.length > 0 ? true : undefined;
    });
  });
  after(() => opened.disposeAsync());

  test('what is exposed is valid to promtool, and to a strict reader of OpenMetrics', async () => {
    const text = await (await fetch(`${platform.metrics}/metrics`)).text();
    const { code, output } = promtool(['check', 'metrics'], { input: text });
    assert.deepEqual([code, output], [0, '']);
    const answer = await fetch(`${platform.metrics}/metrics`, openMetrics);
    assert.equal(answer.headers.get('content-type'), 'application/openmetrics-text; version=1.0.0; charset=utf-8');
    const families = parseOpenMetrics(await answer.text());
    const latency = families.find(({ name }) => name === 'flyball_request_duration_seconds');
    assert.deepEqual([latency?.type, latency?.unit], ['histogram', 'seconds']);
  });

  test('an exemplar leads from a slow bucket to a request that was made', async () => {
    const found = await until('exemplars to be stored', async () => {
      const now = Date.now() / 1000;
      const exemplars = await ask<
        readonly { readonly exemplars: readonly { readonly labels: { readonly trace_id: string } }[] }[]
      >('query_exemplars', {
        query: 'flyball_request_duration_seconds_bucket',
        start: String(now - 60),
        end: String(now + 5),
      });
      return exemplars.length > 0 ? exemplars : undefined;
    });
    const ids = found.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels.trace_id));
    assert.ok(
      ids.some((id) => traceIds.has(id)),
      `${ids.join()} of ${traceIds.size}`,
    );
  });

  test('every rule that is shipped is evaluated, and every alert has a value while all is well', async () => {
    const { groups } = await ask<{
      readonly groups: readonly {
        readonly rules: readonly { readonly name: string; readonly health: string; readonly lastError?: string }[];
      }[];
    }>('rules');
    for (const { name, health, lastError } of groups.flatMap((group) => group.rules))
      assert.equal(health, 'ok', `${name}: ${lastError}`);
    const asked = ruleQueries();
    assert.ok(asked.length > 15);
    // To Grafana no data is an alert of its own.
    for (const [title, expr] of asked)
      assert.ok((await query(expr, true)).length > 0, `${title} has no value: ${expr}`);
  });

  test('every query of every board returns data', async () => {
    const queries = boardQueries('prometheus', { interval: '10s' });
    assert.ok(queries.length > 50, `${queries.length}`);
    const empty = async (): Promise<readonly string[]> => {
      const found: string[] = [];
      for (const { where, text, isInstant } of queries)
        if ((await query(text, isInstant)).length === 0 && !mayBeAbsent.test(text)) found.push(`${where}: ${text}`);
      return found;
    };
    // A rate needs two scrapes, and the first change that is seen may be the one that the rule makes.
    await until('data', async () => ((await empty()).length === 0 ? true : undefined)).catch(() => {});
    assert.deepEqual(await empty(), []);
  });

  test('every query of every board of InfluxDB is InfluxQL that a real one answers with data', async (context) => {
    const at = influxdb;
    if (at === undefined) return context.skip(missingInfluxdb());
    const queries = boardQueries('influxdb', { interval: '5s', timeFilter: 'time > now() - 5m' });
    assert.ok(queries.length > 30, `${queries.length}`);
    const empty = async (): Promise<readonly string[]> => {
      const found: string[] = [];
      for (const { where, text } of queries)
        if ((await at.query(text)).length === 0 && !mayBeAbsentThere.test(text)) found.push(`${where}: ${text}`);
      return found;
    };
    // A rate needs two looks at what is counted.
    await until('data', async () => ((await empty()).length === 0 ? true : undefined)).catch(() => {});
    assert.deepEqual(await empty(), []);
  });

  test('the node is told by the control API, and the CPU rule of the thesis has its signal with no agent', async () => {
    const node = await until('two looks at the node', async () => {
      const [first] = (await (await fetch(`${platform.control}/api/v1/nodes`)).json()) as readonly NodeView[];
      return first !== undefined && first.cpu.busyShare !== null && first.replicas[0]?.cpuShare != null
        ? first
        : undefined;
    });
    assert.ok(
      (node.cpu.cores ?? Number.NaN) >= 1 && (node.cpu.busyShare ?? 2) <= 1 && (node.memory.totalBytes ?? 0) > 1e8,
    );
    assert.equal(node.replicas[0]?.deployment, 'worker');
    await until('the rule to take a replica away for its CPU', async () => {
      const journal = await (await fetch(`${platform.control}/api/v1/journal?limit=200`)).text();
      return /CPU is at \d+ %, below 40 % for 5 s/.test(journal) ? true : undefined;
    });
    const why = (await (await fetch(`${platform.control}/api/v1/deployments/worker/why`)).json()) as WhyView;
    assert.match(JSON.stringify(why.decision), /CPU is at/);
  });
});
