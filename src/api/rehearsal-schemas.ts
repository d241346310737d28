/** The API's shapes for rehearsals that were made of a deployment and are kept, to arm it by. */
import * as z from 'zod';
import { linesMax, pointsMax } from '../rehearsal/keep/timelines.ts';

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

const line = z.array(z.number().min(0)).max(pointsMax);

const timelines = z.object({
  from: z.number().describe('Unix milliseconds of the first point; of a shape, a nominal Monday.'),
  stretchSeconds: z.number().min(0).describe('Of each point: all are means over it.'),
  load: line.describe('Requests a second.'),
  policies: z
    .array(
      z.object({
        target: line,
        serving: line.describe('Replicas that served.'),
        missed: line.describe('Requests a second that were answered after the objective, or never.'),
      }),
    )
    .max(linesMax)
    .describe('In the order of the report.'),
});

export const named = z.strictObject({
  name: z.string().max(63),
  parameters: z.record(z.string().max(63), z.unknown()).default({}),
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
  build: z
    .string()
    .max(64)
    .optional()
    .describe('Digest of the decision code that made it; the same as the platform’s own where both run the same.'),
  notes: z.array(z.string().max(1000)).max(50).optional().describe('What was assumed, and what was left out.'),
  faults: z.array(named).max(20).optional(),
  timelines: timelines.optional().describe('Left out in lists.'),
});

export const rehearsalView = rehearsalRequest.extend({
  deployment: z.string(),
  id: z.string().describe('The beginning of the SHA-256 of what came of it: the same rehearsal is the same.'),
  at: z.int(),
});

/** Whether a mode may rest on it, as of now. */
export const arming = z.object({
  kind: z
    .enum(['fits', 'doubtful', 'unfit'])
    .describe('fits: by itself; doubtful: with a reason beside it; unfit: a mode cannot rest on it.'),
  words: z.array(z.string()).describe('Why not, or what one would rest on.'),
  build: z.string().describe('Digest of the decision code that the platform runs.'),
  mode: z.enum(['advise', 'approve', 'auto']).optional().describe('Of its deployment now.'),
  policy: z.string().optional().describe('By which its deployment is governed, with its parameters.'),
});

export const rehearsalDetail = rehearsalView.extend({ arming });

export const rehearsalsQuery = z.strictObject({
  before: z.string().max(63).optional().describe('Only those that are older than this one, by its id.'),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

/** What the control API rehearses; a trace of one's own is for `flyball rehearse`. */
export const rehearsalRunRequest = z.strictObject({
  trace: z
    .string()
    .max(63)
    .regex(/^(last|shape):/, { error: 'expected last:TIME such as last:24h, or shape:NAME such as shape:flash' })
    .default('last:24h')
    .describe('`last:24h`: what was recorded of it; `shape:flash`: a course that nobody recorded.'),
  mean: z
    .number()
    .positive()
    .max(1_000_000)
    .optional()
    .describe('Requests a second on average; default as recorded, of a shape 150.'),
  durationSeconds: z.int().min(1).max(604_800).optional().describe('Of a shape; default its own.'),
  gaps: z
    .enum(['telemetry', 'silence'])
    .default('telemetry')
    .describe('What is not on record: time that nobody measured, or time in which nobody came.'),
  policies: z
    .array(named)
    .min(1)
    .max(linesMax)
    .optional()
    .describe(
      'Default its own and every other that has a rule for any load. `fixed` without a count: the cheapest in hindsight.',
    ),
  lag: z
    .string()
    .max(63)
    .optional()
    .describe('`process`, `container`, `vm` or seconds, `:0.3` behind it scatters; default as its starts have been.'),
  faults: z.array(named).max(20).default([]),
  tolerated: z.number().min(0).lt(1).optional().describe('Share of requests that may be missed; default 0.01.'),
  seed: z.int().min(0).max(2_147_483_647).default(1),
  by: z.string().min(1).max(200).default('unknown'),
});

const parameterView = z.object({
  name: z.string(),
  kind: z.enum(['number', 'choice', 'flag', 'structure']),
  default: z.unknown(),
  about: z.string(),
  min: z.number().optional(),
  max: z.number().optional(),
  of: z.array(z.string()).optional(),
});

/** What can be chosen in a request for a run. */
export const rehearsalChoices = z.object({
  shapes: z.array(z.object({ name: z.string(), about: z.string(), seconds: z.number() })),
  policies: z.array(z.object({ name: z.string(), summary: z.string(), parameters: z.array(parameterView) })),
  faults: z.array(z.object({ name: z.string(), parameters: z.array(parameterView) })),
  lags: z.array(z.object({ name: z.string(), seconds: z.number() })),
  build: z.string().describe('Digest of the decision code that the platform runs.'),
});

export type RehearsalRunRequest = z.output<typeof rehearsalRunRequest>;
export type RehearsalChoices = z.infer<typeof rehearsalChoices>;
export type RehearsalDetail = z.infer<typeof rehearsalDetail>;
export type RehearsalArming = z.infer<typeof arming>;
export type RehearsalRequest = z.output<typeof rehearsalRequest>;
export type RehearsalView = z.infer<typeof rehearsalView>;
