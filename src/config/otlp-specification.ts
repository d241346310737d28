/** `telemetry.otlp` of the specification: traces, metrics and logs to an OpenTelemetry collector. */
import * as z from 'zod';
import { secretPlace } from './alerts-specification.ts';
import { bytes } from './bytes.ts';
import { address } from './metrics-specification.ts';

export const otlpSignals = ['traces', 'metrics', 'logs'] as const;
export type OtlpSignal = (typeof otlpSignals)[number];

const oneLine = z.string().regex(/^[^\r\n]{1,1000}$/, 'expected 1 to 1000 characters in one line');
/** Of the request itself. */
const own: ReadonlySet<string> = new Set(['content-type', 'content-length', 'content-encoding', 'host', 'connection']);

const header = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,64}$/, 'expected the name of an HTTP header')
  .refine((name) => !own.has(name.toLowerCase()), { error: 'expected a header that is not set by the export itself' });

export const otlpSettings = z.strictObject({
  endpoint: address.describe(
    'Of a collector that takes OTLP over HTTP, as http://127.0.0.1:4318; /v1/traces, /v1/metrics and /v1/logs are added.',
  ),
  headers: z
    .record(header, z.union([oneLine, secretPlace]))
    .refine((headers) => Object.keys(headers).length <= 20, { error: 'expected at most 20 headers' })
    .default({})
    .describe('Sent with each export: a value, or where a secret is (`authorization: {env: OTLP_AUTHORIZATION}`).'),
  signals: z
    .array(z.enum(otlpSignals))
    .min(1)
    .refine((all) => new Set(all).size === all.length, { error: 'expected each signal once' })
    .default([...otlpSignals])
    .describe('What is sent.'),
  intervalMs: z.int().min(1000).max(3_600_000).default(10_000).describe('Between two exports.'),
  temporality: z
    .enum(['cumulative', 'delta'])
    .default('cumulative')
    .describe('Of sums and histograms: since the start of the process, or since the last export.'),
  resource: z
    .record(z.string().regex(/^[A-Za-z][A-Za-z0-9_.-]{0,99}$/, 'expected the name of an attribute'), oneLine)
    .refine((all) => Object.keys(all).length <= 20, { error: 'expected at most 20 attributes' })
    .default({})
    .describe('Attributes of the resource besides service.name, service.version and service.instance.id.'),
  gzip: z.boolean().default(true).describe('Whether bodies are compressed.'),
  timeoutMs: z.int().min(100).max(60_000).default(10_000).describe('For one export; then it is tried again.'),
  bufferBytesMax: bytes
    .default('16MiB')
    .describe('Memory for what of each signal waits; of more, the oldest is dropped and counted.'),
});

export type OtlpSettings = z.infer<typeof otlpSettings>;
