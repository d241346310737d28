/** What verbs print as JSON that no route answers: their own shapes, every field of them. */
import * as z from 'zod';
import { deploymentView, operationView } from '../../src/api/schemas.ts';

const amount = z.number().min(0);
const latency = z.strictObject({
  n: amount,
  ...Object.fromEntries(
    ['meanMs', 'p50Ms', 'p90Ms', 'p99Ms', 'p999Ms', 'maxMs'].map((name) => [name, amount.nullable()]),
  ),
});

export const deployed = z.strictObject({
  operation: operationView,
  addresses: z.array(z.looseObject({ deployment: z.string() })),
});
export const scaled = z.strictObject({ operation: operationView, deployment: deploymentView });
export const inferred = z.looseObject({
  model_name: z.string(),
  outputs: z.array(z.looseObject({ name: z.string(), datatype: z.string(), shape: z.array(z.int()) })),
});
export const loaded = z.looseObject({
  deployment: z.string(),
  url: z.url(),
  load: z.looseObject({}),
  sendingMs: amount,
  interrupted: z.boolean(),
  scheduled: amount,
  ok: amount,
  failed: amount,
  unanswered: amount,
  unsent: amount,
  okPerSecond: amount,
  latency,
  service: latency,
  seconds: z.array(z.looseObject({ second: amount, ok: amount, failed: amount })),
});
export const copied = z.strictObject({ path: z.string(), versions: z.int(), artefacts: z.int() });
export const doctored = z.strictObject({
  ok: z.boolean(),
  checks: z.array(
    z.strictObject({
      name: z.string(),
      state: z.enum(['ok', 'warning', 'failed']),
      found: z.string(),
      wanted: z.string(),
      fix: z.string().optional(),
    }),
  ),
});
const ownFacts = {
  key: z.string(),
  type: z.string(),
  required: z.boolean(),
  default: z.unknown().optional(),
  description: z.string().optional(),
};
export const explained = z.strictObject({ ...ownFacts, keys: z.array(z.looseObject(ownFacts)) });
