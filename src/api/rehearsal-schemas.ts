/** The API's shapes for rehearsals that were made of a deployment and are kept, to arm it by. */
import * as z from 'zod';

const share = z.number().min(0).max(1);
// A newer command may tell more than is kept here.
const policy = z.object({
  name: z.string().max(63),
  parameters: z.record(z.string(), z.unknown()),
  violationFraction: share.describe('Of all requests: answered after the objective, or never.'),
  shedFraction: share,
  p50Ms: z.number().nullable(),
  p99Ms: z.number().nullable(),
  replicaSeconds: z.number().min(0),
  cost: z.number().min(0),
  actions: z.int().min(0),
  flaps: z.int().min(0),
});

/** What `flyball rehearse --json` prints. */
export const rehearsalReport = z.object({
  trace: z.string().max(300),
  seed: z.int().min(0),
  simulatedSeconds: z.number().min(0),
  wallSeconds: z.number().min(0),
  requests: z.int().min(0),
  policies: z.array(policy).min(1).max(100),
  clairvoyant: z.object({ replicaSeconds: z.number().min(0) }),
});

export const rehearsalRequest = z.strictObject({
  setting: z.string().max(2000).describe('What was rehearsed, in words.'),
  min: z.int().min(0),
  max: z.int().min(1),
  tolerated: share.describe('Share of the requests that might be missed.'),
  objective: z
    .object({ latencyMs: z.number().min(0), deadlineMs: z.number().min(0) })
    .optional()
    .describe('By which it was rehearsed. One that does not say it arms nothing.'),
  constraints: z
    .record(z.string().max(63), z.unknown())
    .optional()
    .describe(
      'What `scaling` held back, besides the bounds, with every default. One that does not say it arms nothing.',
    ),
  verdict: z.array(z.string().max(1000)).max(100),
  report: rehearsalReport,
  by: z.string().min(1).max(200).default('unknown'),
});

export const rehearsalView = rehearsalRequest.extend({
  deployment: z.string(),
  id: z.string().describe('The beginning of the SHA-256 of what came of it: the same rehearsal is the same.'),
  at: z.int(),
});

export const rehearsalsQuery = z.strictObject({
  before: z.string().max(63).optional().describe('Only those that are older than this one, by its id.'),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

export type RehearsalRequest = z.output<typeof rehearsalRequest>;
export type RehearsalView = z.infer<typeof rehearsalView>;
