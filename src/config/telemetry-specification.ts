/**
 * `telemetry` of the specification: where metrics and events go by themselves. Each sink has a bounded buffer of its
 * own; no request ever waits for one. Secrets are never in it: only where they are.
 */
import * as z from 'zod';
import { secretPlace } from './alerts-specification.ts';
import { bytes } from './bytes.ts';
import { address } from './metrics-specification.ts';
import { name } from './names.ts';
import { otlpSettings } from './otlp-specification.ts';

const sink = {
  name: name.describe('What status and metrics call it; no two are called the same.'),
  intervalMs: z.int().min(1000).max(3_600_000).default(10_000).describe('Between two looks at all metrics.'),
  tags: z
    .record(
      z.string().regex(/^(?!time$)[A-Za-z][A-Za-z0-9_.-]{0,63}$/, 'expected a tag such as site, and not time'),
      z.string().regex(/^[^\r\n]{1,200}$/, 'expected 1 to 200 characters in one line'),
    )
    .refine((tags) => Object.keys(tags).length <= 20, { error: 'expected at most 20 tags' })
    .default({})
    .describe('Added to every line, as `site: lab`.'),
  bufferBytesMax: bytes
    .default('16MiB')
    .describe('Memory for what waits while the sink is slow or down; of more, the oldest is dropped and counted.'),
};

const kinds =
  "`v1`, `v2`: the write APIs of InfluxDB 1.x and of 2 and later; `http`: a POST of lines, as Telegraf's http_listener_v2 and influxdb_listener take; `udp`: datagrams, as its socket_listener takes; `file`: lines appended to a file, as its tail reads.";

const overHttp = {
  gzip: z.boolean().default(true).describe('Whether bodies are compressed.'),
  timeoutMs: z.int().min(100).max(60_000).default(10_000).describe('For one write; then it is tried again.'),
  batchLinesMax: z.int().min(1).max(50_000).default(5000).describe('Lines in one write.'),
};

const precision = z
  .enum(['ns', 'us', 'ms', 's'])
  .default('ns')
  .describe('Of times. Two events of one kind within one unit become one.');

const v1 = z.strictObject({
  ...sink,
  kind: z.literal('v1').describe(kinds),
  url: address.describe(
    'Of v1 and v2: where it listens, as http://influx.example:8086; a path of it is kept. Of http: the whole address, as http://127.0.0.1:8186/write.',
  ),
  database: z.string().min(1).max(200).describe('Of v1: its name; it has to be there.'),
  retentionPolicy: z.string().min(1).max(200).optional().describe("Of v1. Absent: the database's own."),
  username: z.string().min(1).max(200).optional().describe('Of v1 and http, with password.'),
  password: secretPlace.optional().describe('Of that user; read anew for each write.'),
  precision,
  ...overHttp,
});

const v2 = z.strictObject({
  ...sink,
  kind: z.literal('v2').describe(kinds),
  url: address.describe(
    'Of v1 and v2: where it listens, as http://influx.example:8086; a path of it is kept. Of http: the whole address, as http://127.0.0.1:8186/write.',
  ),
  org: z.string().min(1).max(200).describe('Of v2: name or id of the organisation.'),
  bucket: z.string().min(1).max(200).describe('Of v2: name or id.'),
  token: secretPlace.describe('Of v2: sent as `Authorization: Token …`; read anew for each write.'),
  precision,
  ...overHttp,
});

const http = z.strictObject({
  ...sink,
  kind: z.literal('http').describe(kinds),
  url: address.describe('The whole address, as http://127.0.0.1:8186/write or http://127.0.0.1:8080/telegraf.'),
  username: z.string().min(1).max(200).optional().describe('Of v1 and http, with password.'),
  password: secretPlace.optional().describe('Of that user; read anew for each write.'),
  bearer: secretPlace.optional().describe('Of http: sent as `Authorization: Bearer …`; read anew for each write.'),
  ...overHttp,
});

const udp = z.strictObject({
  ...sink,
  kind: z.literal('udp').describe(kinds),
  host: z.string().min(1).max(253).default('127.0.0.1').describe('Of udp.'),
  port: z.int().min(1).max(65_535).describe('Of udp.'),
  datagramBytesMax: z
    .int()
    .min(256)
    .max(65_507)
    .default(1400)
    .describe('Of udp: whole lines in a datagram; what is longer is cut into lines of fewer fields.'),
});

const file = z.strictObject({
  ...sink,
  kind: z.literal('file').describe(kinds),
  path: z.string().min(1).max(1000).describe('Of file: relative to this file; older ones are beside it, with .1, .2 …'),
  fileBytesMax: bytes.default('64MiB').describe('Of file: one that is larger is put aside.'),
  filesMax: z
    .int()
    .min(1)
    .max(100)
    .default(4)
    .describe('Of file: files in all, with the one that is written; older ones go.'),
});

const influxSink = z.discriminatedUnion('kind', [v1, v2, http, udp, file]);

export const telemetrySettings = z
  .strictObject({
    influx: z
      .array(influxSink)
      .max(8)
      .default([])
      .describe('Sinks that get metrics and events as InfluxDB line protocol.'),
    otlp: otlpSettings.optional().describe('A collector that gets traces, metrics and logs over OTLP/HTTP.'),
  })
  .prefault({});

export type TelemetrySettings = z.infer<typeof telemetrySettings>;
export type InfluxSettings = z.infer<typeof influxSink>;
export type InfluxSettingsOf<Kind extends InfluxSettings['kind']> = Extract<InfluxSettings, { readonly kind: Kind }>;
export type Precision = z.infer<typeof precision>;
