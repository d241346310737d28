/**
 * Metrics and events as InfluxDB line protocol, from a whole platform into a real InfluxDB 1.x and read back by InfluxQL;
 * and while it hangs and is down requests go on as before.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import fc from 'fast-check';
import { telemetrySettings } from '../../src/config/telemetry-specification.ts';
import { writeOverHttp } from '../../src/telemetry/influx/http-output.ts';
import { encodePoint, float, integer, text, type Point } from '../../src/telemetry/influx/line-protocol.ts';
import { ask } from '../support/ask.ts';
import { missingInfluxdb, startInfluxdb, type Influxdb } from '../support/influxdb.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';
import { body, infer, lookMs, requests, served, sinkOf } from '../support/sink-platform.ts';
import { startLoad } from '../support/steady-load.ts';

const missing = missingInfluxdb();
if (missing !== undefined && process.env['CI'] === 'true') throw new Error(`this has to run in CI: ${missing}`);

describe('a real InfluxDB 1.x', { skip: missing ?? false }, () => {
  const opened = new AsyncDisposableStack();
  let influxdb: Influxdb;
  let platform: Platform;

  before(async () => {
    influxdb = opened.use(await startInfluxdb());
    const folder = await mkdtemp(join(tmpdir(), 'flyball-influx-'));
    opened.defer(() => rm(folder, { recursive: true }));
    writeFileSync(join(folder, 'password'), `${influxdb.password}\n`);
    const { url, database, username } = influxdb;
    const password = { file: join(folder, 'password') };
    const tags = { site: 'lab one, "left"' };
    const sink = {
      kind: 'v1',
      name: 'team',
      url,
      database,
      username,
      password,
      tags,
      intervalMs: 1000,
      timeoutMs: 2000,
    };
    platform = opened.use(await startPlatform(served([sink])));
    await platform.serving();
  });
  after(() => opened.disposeAsync());

  test('requests come back by InfluxQL: as many as there were, with their tags, in the right types', async () => {
    // The first look gives no increase: since when a gateway counts is not known then.
    await until('a first look', async () => ((await sinkOf(platform, 'team')).sent > 0 ? true : undefined), lookMs);
    await infer(platform, requests);
    const counted = await until(
      'the requests to be counted',
      async () => {
        const [series] = await influxdb.query(
          'SELECT sum(increase), last(total) FROM flyball_requests WHERE time > 0 GROUP BY deployment, outcome, protocol, site, version',
        );
        return series !== undefined && series.values[0]?.[2] === requests ? series : undefined;
      },
      lookMs,
    );
    assert.deepEqual(counted.tags, {
      deployment: 'shop',
      outcome: 'ok',
      protocol: 'rest',
      site: 'lab one, "left"',
      version: '1',
    });
    assert.equal(counted.values[0]?.[1], requests, 'what came in each look adds up to what there was');

    const [latency] = await influxdb.query(
      "SELECT max(p99), sum(increase), last(le_inf) FROM flyball_latency WHERE stage = 'total' AND deployment = 'shop' AND time > 0",
    );
    const [, p99, increase, all] = latency?.values[0] ?? [];
    assert.ok(typeof p99 === 'number' && p99 >= 0.002 && p99 < 60, String(p99));
    assert.deepEqual([increase, all], [requests, requests]);

    const [fleet] = await influxdb.query(
      "SELECT last(replicas_ready), last(replicas_desired), last(replicas_max), last(target) FROM flyball_deployment WHERE deployment = 'shop' AND time > 0",
    );
    assert.deepEqual(fleet?.values[0]?.slice(1), [1, 1, 3, 1]);

    const types = await influxdb.query('SHOW FIELD KEYS FROM flyball_requests, flyball_deployment, flyball_latency');
    const typeOf = Object.fromEntries(
      types.flatMap(({ name, values }) => values.map(([field, type]) => [`${name}.${String(field)}`, type])),
    );
    assert.partialDeepStrictEqual(typeOf, {
      'flyball_requests.total': 'integer',
      'flyball_requests.increase': 'integer',
      'flyball_deployment.replicas_ready': 'integer',
      'flyball_deployment.slo_availability_ratio': 'float',
      'flyball_latency.p99': 'float',
      'flyball_latency.sum': 'float',
      'flyball_latency.count': 'integer',
    });
  });

  test('what happened is an event at the time at which the journal has it', async () => {
    const { json } = await ask(`${platform.control}/api/v1/deployments/shop/scale`, {
      body: JSON.stringify({ replicas: 2, by: 'somebody' }),
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(json()['kind'], 'scale');
    const [events] = await until(
      'the event',
      async () => {
        const found = await influxdb.query(`SELECT * FROM flyball_event WHERE "by" = 'somebody' AND subject = 'shop'`);
        return found.length > 0 ? found : undefined;
      },
      lookMs,
    );
    const row = Object.fromEntries(events?.columns.map((column, index) => [column, events.values[0]?.[index]]) ?? []);
    const answer = await ask(`${platform.control}/api/v1/journal/${String(row['entry'])}`);
    assert.equal(answer.status, 200, answer.body.toString());
    const entry = answer.json();
    assert.deepEqual([row['action'], row['kind']], ['scale', entry['kind']]);
    assert.equal(Math.floor(Number(row['time']) / 1e6), entry['at']);
  });

  test('nothing was refused: every field has kept its type', async () => {
    const { dropped, leftOut, state } = await sinkOf(platform, 'team');
    assert.deepEqual([dropped, leftOut, state], [{ full: 0, refused: 0, too_large: 0, closed: 0 }, 0, 'working']);
  });

  test('while it hangs and while it is down no request fails; what waited is there when it is back', async () => {
    await using load = startLoad({ url: `${platform.http}/v2/models/shop/infer`, method: 'POST', body, callers: 2 });
    influxdb.freeze();
    await until(
      'the hang to be told',
      async () => ((await sinkOf(platform, 'team')).state === 'failing' ? true : undefined),
      lookMs,
    );
    await load.passed(200);
    await influxdb.kill();
    const refused = await until(
      'the refusal to be told',
      async () => {
        const found = await sinkOf(platform, 'team');
        return found.lastError?.includes('ECONNREFUSED') === true ? found : undefined;
      },
      lookMs,
    );
    assert.ok(refused.waiting > 0);
    const { warnings } = await platform.status();
    assert.ok(
      warnings.some((words) => words.startsWith('sink team (v1) takes nothing: it could not be reached')),
      warnings.join('\n'),
    );
    await load.passed(200);
    const { failures, ok } = await load.stop();
    assert.deepEqual(failures, []);
    await influxdb.start();
    await until(
      'every request to be counted there',
      async () => {
        const [series] = await influxdb.query(
          "SELECT sum(increase) FROM flyball_requests WHERE deployment = 'shop' AND time > 0",
        );
        return Number(series?.values[0]?.[1]) >= ok + requests ? true : undefined;
      },
      2 * lookMs,
    );
    const { dropped, lastError } = await sinkOf(platform, 'team');
    assert.equal(dropped.full + dropped.refused, 0);
    assert.match(lastError ?? '', /could not be reached|no answer/, 'what was wrong stays to be read');
  });

  test('every name and value that can be written comes back from it as it was', async () => {
    const { url, database, username } = influxdb;
    const [settings] = telemetrySettings.parse({
      influx: [{ kind: 'v1', name: 'a', url, database, username, password: { env: 'P' } }],
    }).influx;
    assert.ok(settings?.kind === 'v1');
    const rough = fc.string({
      unit: fc.constantFrom('a', 'é', '😀', ',', '=', ' ', '\\', '"', "'", '\n', '#', 'i'),
      minLength: 1,
      maxLength: 8,
    });
    // What the format cannot say is changed, which the tests of the encoder hold.
    const tag = rough.map((found) => `n${found.replaceAll('\n', '').replace(/\\(?=[\\,= ])/g, '')}x`);
    const name = tag.map((found) => found.replaceAll('\\', ''));
    const pointOf = fc.record({
      tags: fc.dictionary(tag, tag, { maxKeys: 3, noNullPrototype: true }),
      word: rough,
      number: fc.double({ noNaN: true, noDefaultInfinity: true }),
      whole: fc.maxSafeInteger(),
      truth: fc.boolean(),
      field: name,
      measurement: name,
    });
    const sampled = fc.sample(pointOf, { numRuns: 200, seed: 7 }).map((found, index) => ({
      found,
      point: {
        // Its own, since a field has one type in a measurement.
        measurement: `roundtrip ${index} ${found.measurement}`,
        tags: found.tags,
        fields: {
          [found.field]: text(found.word),
          a: float(found.number),
          b: integer(found.whole),
          c: { kind: 'boolean', value: found.truth },
        },
        at: BigInt(1_700_000_000) * 1_000_000_000n + BigInt(index),
      } satisfies Point,
    }));
    const lines = sampled.flatMap(({ point }) => encodePoint(point).lines);
    const { signal } = new AbortController();
    const outcome = await writeOverHttp(
      settings,
      async () => influxdb.password,
      lines,
      signal,
      () => 0,
    );
    assert.deepEqual(outcome, { kind: 'accepted' });
    const back = await influxdb.query('SELECT * FROM /^roundtrip/ GROUP BY *');
    const byName = new Map(back.map((series) => [series.name, series]));
    for (const { point, found } of sampled) {
      const series = byName.get(point.measurement);
      assert.ok(series !== undefined, point.measurement);
      const row = Object.fromEntries(series.columns.map((column, index) => [column, series.values[0]?.[index]]));
      // A tag of all series is in each of them, empty where it is none of its own.
      assert.deepEqual(
        Object.fromEntries(Object.entries(series.tags ?? {}).filter(([, value]) => value !== '')),
        point.tags,
      );
      const { field, word, number, whole, truth } = found;
      assert.deepEqual([row[field], row['b'], row['c']], [word, whole, truth]);
      assert.ok(row['a'] === number, `${String(row['a'])}, expected ${number}`);
    }
  });
});
