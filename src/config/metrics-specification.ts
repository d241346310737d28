/** `scaling.metrics` of a deployment: figures of other systems, asked of a Prometheus, and what they mean for its size. */
import * as z from 'zod';
import { secretPlace } from './alerts-specification.ts';
import { name } from './names.ts';

export const address = z
  .string()
  .regex(/^https?:\/\/[^\s@]+$/, 'expected an http:// or https:// address without a name or password in it')
  .max(2000);

const metric = z
  .strictObject({
    url: z
      .union([address, z.array(address).min(1).max(2)])
      .describe('Of a Prometheus, or of two that see the same: where they disagree, nothing is lowered.'),
    query: z.string().min(1).max(2000).describe('PromQL that gives one number.'),
    intervalMs: z.int().min(1000).max(3_600_000).default(15_000).describe('Between two questions.'),
    timeoutMs: z.int().min(100).max(60_000).default(5000).describe('For one answer.'),
    bearer: secretPlace.optional().describe('Sent as `Authorization: Bearer …`; read anew for each question.'),
    perReplica: z
      .number()
      .min(0.000_001)
      .optional()
      .describe('What one replica can take of it: for the policies hpa and keda, as their external metric.'),
    multiplier: z
      .strictObject({
        min: z.number().min(0).max(100).default(1).describe('Less than this counts as this.'),
        max: z.number().min(0.01).max(100).default(10).describe('More than this counts as this.'),
      })
      .refine(({ min, max }) => min <= max, { error: 'multiplier.min must not be above multiplier.max' })
      .optional()
      .describe('The load that any policy is told of is multiplied by it.'),
  })
  .refine(({ perReplica, multiplier }) => (perReplica === undefined) !== (multiplier === undefined), {
    error: 'expected what it means: perReplica or multiplier, one of them',
  });

export const metricsSettings = z
  .record(name, metric)
  .refine((metrics) => Object.keys(metrics).length <= 10, { error: 'expected at most 10 metrics' })
  .optional()
  .describe('name: a figure from outside that its size depends on (docs/governing.md).');

export type MetricSettings = z.infer<typeof metric>;
export type MetricsSettings = Readonly<Record<string, MetricSettings>>;
