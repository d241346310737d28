/**
 * Line protocol where there is no database: to a file and by UDP, as the documents say it, and beside sinks that hang, are
 * full or refuse, while requests go on as before.
 */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { groups } from '../../src/telemetry/influx/measurements.ts';
import { parseLines, type ParsedLine } from '../../src/testing/line-parser.ts';
import { ask } from '../support/ask.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';
import { body, infer, lookMs, requests, served, sinkOf } from '../support/sink-platform.ts';
import { startLoad } from '../support/steady-load.ts';

describe('sinks without a database', () => {
  const opened = new AsyncDisposableStack();
  let platform: Platform;
  let udp: Socket;
  const datagrams: Buffer[] = [];
  const linesOf = (): ParsedLine[] => parseLines(readFileSync(join(platform.folder, 'lines'), 'utf8'));

  before(async () => {
    udp = createSocket('udp4');
    opened.defer(() => void udp.close());
    udp.on('message', (message) => void datagrams.push(message));
    await new Promise<void>((resolve) => void udp.bind(0, '127.0.0.1', resolve));
    const hanging = net.createServer(() => {});
    const sockets = new Set<net.Socket>();
    hanging.on('connection', (socket) => void sockets.add(socket));
    await new Promise<void>((resolve) => void hanging.listen(0, '127.0.0.1', resolve));
    opened.defer(() => {
      for (const socket of sockets) socket.destroy();
      hanging.close();
    });
    const { port } = hanging.address() as net.AddressInfo;
    const intervalMs = 1000;
    platform = opened.use(
      await startPlatform(
        served([
          { kind: 'file', name: 'file', path: 'lines', intervalMs },
          { kind: 'udp', name: 'udp', port: udp.address().port, datagramBytesMax: 512, intervalMs },
          { kind: 'file', name: 'full', path: '/dev/full', bufferBytesMax: '64KiB', intervalMs },
          {
            kind: 'http',
            name: 'hanging',
            url: `http://127.0.0.1:${port}/write`,
            bufferBytesMax: '64KiB',
            timeoutMs: 500,
            intervalMs,
          },
        ]),
      ),
    );
    await platform.serving();
  });
  after(() => opened.disposeAsync());

  test('a file has whole lines of everything, and so have datagrams of 512 bytes', async () => {
    await infer(platform, requests);
    const measured = (lines: readonly ParsedLine[]): number =>
      lines
        .filter(({ measurement }) => measurement === 'flyball_requests')
        .reduce((most, { fields }) => Math.max(most, Number(fields['total'])), 0);
    await until('the requests in the file', () => (measured(linesOf()) === requests ? true : undefined), lookMs);
    await until(
      'and in datagrams',
      () => (measured(parseLines(datagrams.map(String).join(''))) === requests ? true : undefined),
      lookMs,
    );
    assert.ok(datagrams.every(({ length }) => length <= 512));
    // The buckets of a histogram don't fit into one datagram: they come in lines of fewer fields.
    const buckets = parseLines(datagrams.map(String).join('')).filter(
      ({ measurement }) => measurement === 'flyball_latency',
    );
    assert.ok(buckets.some(({ fields }) => 'le_0.0001' in fields) && buckets.some(({ fields }) => 'le_inf' in fields));
  });

  test('no tag has the name of a field beside it: InfluxQL could not tell them apart', () => {
    const names = new Map<string, { tags: Set<string>; fields: Set<string> }>();
    for (const { measurement, tags, fields } of linesOf()) {
      let found = names.get(measurement);
      if (found === undefined) names.set(measurement, (found = { tags: new Set(), fields: new Set() }));
      for (const tag of Object.keys(tags)) found.tags.add(tag);
      for (const field of Object.keys(fields)) found.fields.add(field);
    }
    for (const [measurement, { tags, fields }] of names) {
      assert.deepEqual(
        [...tags].filter((tag) => fields.has(tag)),
        [],
        measurement,
      );
    }
  });

  test('the table of the documents is what is sent, and every other field is a family of /metrics', async () => {
    const page = readFileSync(new URL('../../docs/telemetry.md', import.meta.url), 'utf8');
    const named = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
    const rows = [...page.matchAll(/^\| `(flyball_\w+)` +\|([^|]*)\|([^|]*)\|$/gm)].map(
      ([, name, tags = '', fields = '']) => ({
        name,
        tags: named(tags),
        fields: new Map(
          fields.split(';').flatMap((part) => {
            const type = /integer/.test(part) ? 'bigint' : /float/.test(part) ? 'number' : 'string';
            return named(part).map((field) => [field, type] as const);
          }),
        ),
      }),
    );
    assert.equal(rows.length, 5);
    const exposition = (await ask(`${platform.metrics}/metrics`)).body.toString('utf8');
    const families = new Set([...exposition.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
    const inGroups = new Set<string>(groups);
    const plain = (field: string): string => (field.startsWith('le_') ? 'le_…' : field);
    const histogram = rows.find(({ name }) => name === 'flyball_latency')?.fields;
    const seen = new Map<string, Set<string>>();
    for (const { measurement, tags, fields } of linesOf()) {
      const row = rows.find(({ name }) => name === measurement);
      const found = seen.get(measurement) ?? new Set();
      seen.set(measurement, found);
      for (const tag of Object.keys(tags))
        if (row !== undefined) assert.ok(row.tags.includes(tag), `${measurement} ${tag}`);
      for (const [field, value] of Object.entries(fields)) {
        const words = `${measurement} ${field}`;
        found.add(plain(field));
        if (row !== undefined) assert.equal(typeof value, row.fields.get(plain(field)), words);
        else if (inGroups.has(measurement)) {
          const family = `${measurement}_${field.replace(/_increase$/, '_total')}`;
          // One of a set has the value of its label in the field's name.
          assert.ok(families.has(family) || families.has(family.replace(/_[a-z]+$/, '')), words);
        } else if ('total' in fields)
          assert.ok(families.has(`${measurement}_total`) && ['total', 'increase'].includes(field), words);
        else if ('le_inf' in fields) assert.ok(histogram?.has(plain(field)), words);
        else assert.ok(families.has(measurement) && field === 'value', words);
      }
    }
    // And the other way round, but for what the governor had no cause to do here; a decision has the fields of an event.
    for (const { name = '', fields } of rows) {
      if (name === 'flyball_decision') continue;
      const missing = [...fields.keys()].filter(
        (field) => !['from', 'to'].includes(field) && seen.get(name)?.has(field) !== true,
      );
      assert.deepEqual(missing, [], name);
    }
  });

  test('a sink that hangs and one that is full lose what is over their bound, tell so, and cost no request anything', async () => {
    await using load = startLoad({
      url: `${platform.http}/v2/models/shop/infer`,
      method: 'POST',
      body,
      callers: 4,
      thinkMs: 0,
    });
    for (const name of ['full', 'hanging']) {
      const lost = await until(
        `losses of ${name}`,
        async () => {
          const found = await sinkOf(platform, name);
          return found.dropped.full > 0 ? found : undefined;
        },
        2 * lookMs,
      );
      assert.ok(lost.waitingBytes <= 65_536 && lost.state === 'failing');
    }
    await load.passed(200);
    const { failures } = await load.stop();
    assert.deepEqual(failures, []);
    const { warnings } = await platform.status();
    assert.ok(
      warnings.some((words) =>
        /^sink full \(file\) takes nothing: \/dev\/full could not be written \(ENOSPC\); \d+ wait, lost: \d+ full$/.test(
          words,
        ),
      ),
      warnings.join('\n'),
    );
    const exposition = (await ask(`${platform.metrics}/metrics`)).body.toString('utf8');
    assert.match(exposition, /^flyball_sink_failing\{sink="hanging",kind="http"\} 1$/m);
    assert.match(exposition, /^flyball_sink_items_dropped_total\{sink="full",kind="file",reason="full"\} [1-9]\d*$/m);
    // Of those that work nothing is lost.
    assert.deepEqual((await sinkOf(platform, 'file')).dropped, { full: 0, refused: 0, too_large: 0, closed: 0 });
  });
});
