/**
 * The control API's data, once: types for server, client and CLI, validation, and the OpenAPI document.
 * Times are Unix milliseconds; durations carry their unit in the name. As long as there is data: one declaration a kind.
 */
import * as z from 'zod';
import { checkDeployment, checkSpecification } from '../config/check.ts';
import type { ConfigurationProblem } from '../config/problems.ts';
import { journalKinds } from '../journal/entry.ts';
import { stillnessKinds } from '../core/scaling/stillness.ts';
import { lagStages, type LagStage } from '../core/scaling/observation.ts';
import { scopes } from '../core/access/scopes.ts';
import { imagePipeline } from '../config/model-file.ts';
import { deploymentSpecification, modes, specification } from '../config/specification.ts';
import { nextView } from './next-schema.ts';
import { sinkView } from './sink-schemas.ts';

/** Characters of what callers say in their own words; it is stored and shown. */
const wordsMax = 1000;
export const by = z.string().max(200).default('unknown').describe('Who asks.');

export const problem = z
  .object({
    type: z.string().describe('docs/errors.md#code'),
    title: z.string(),
    status: z.int(),
    code: z.string().describe('A code of the error catalogue.'),
    detail: z.string(),
    instance: z.string().optional().describe('The request id.'),
  })
  .describe('Problem details (RFC 9457), application/problem+json.');

export const tensorSpec = z.object({ name: z.string(), datatype: z.string(), shape: z.array(z.int()) });
export const signature = z.object({
  inputs: z.array(tensorSpec),
  outputs: z.array(tensorSpec),
  batchable: z.boolean(),
});

export const versionView = z.object({
  version: z.int(),
  digest: z.string().describe('sha256:… over the model file and its model.yaml.'),
  bytes: z.int(),
  createdAt: z.int(),
  platform: z.string(),
  signature,
  labels: z.record(z.string(), z.string()),
  provenance: z.object({ source: z.string(), by: z.string(), note: z.string().optional() }),
  description: z.string().optional(),
  pipeline: imagePipeline.optional().describe('How /predictions makes its input of a picture; absent: it takes none.'),
  takesFiles: z.boolean().optional().describe('Whether /predictions takes bytes as they are, a picture or others.'),
  content: z
    .object({ file: z.string().optional(), settings: z.string(), assets: z.record(z.string(), z.string()) })
    .describe('Digests of what a signature vouches for: the file, the settings with their defaults, and each asset.'),
  signers: z
    .array(
      z.object({
        name: z.string().optional().describe('Among registry.trustedKeys; absent for a key that is not trusted.'),
        key: z.string(),
        valid: z.boolean().describe('Whether the signature is of this version as it is now.'),
      }),
    )
    .describe('Who has signed it.'),
});

export const modelView = z.object({
  name: z.string(),
  versions: z.array(versionView),
  aliases: z.record(z.string(), z.int()),
});

export const replicaView = z.object({
  id: z.string(),
  deployment: z.string(),
  version: z.string(),
  state: z.enum(['starting', 'loading', 'warming', 'ready', 'draining', 'failed']),
  where: z.string(),
  startedAt: z.int(),
  /** Milliseconds from the decision to start until ready. */
  readyAfterMs: z.number().optional(),
  reason: z.string().optional().describe("Why it failed or was ejected, in the runtime's own words."),
  limits: z.string().describe('`enforced`, `none`, or why not.'),
  residentBytes: z.int().optional(),
  outstanding: z.int().optional(),
});

export const overrideView = z.object({
  path: z.string().describe('What differs from the specification, for instance deployments.digits.replicas.'),
  value: z.unknown(),
  owner: z.string(),
  at: z.int(),
});

const done = z.enum(['held', 'advised', 'asked', 'moved', 'refused']);
export const deploymentGovernor = z
  .object({
    mode: z.enum(modes),
    modeBy: z.string(),
    modeReason: z.string(),
    policy: z.string().optional(),
    target: z.int().optional().describe('What it would hold now.'),
    at: z.int().optional().describe('Of the last look.'),
    done: done.optional(),
    why: z.string().optional(),
    doubt: z.string().optional().describe('Why nothing is lowered.'),
    unsound: z.string().optional().describe('Which policy failed, and how.'),
    requestsPerSecond: z.number().optional().describe('Offered.'),
    forecast: z
      .object({ seconds: z.number(), perSecond: z.number(), authority: z.number(), by: z.string() })
      .optional()
      .describe('What the most trusted forecaster says of a lag from now. Absent while none is believed.'),
    decision: z
      .object({ at: z.int(), from: z.int(), to: z.int(), done, reason: z.string() })
      .optional()
      .describe('The last that changed something, or would have.'),
    approval: z.string().optional().describe('The change that waits for a person.'),
    room: z.string().optional().describe('Why it can have no more, where the nodes have no room for what is wished.'),
    budget: z
      .object({
        amount: z.number().describe('What a period may cost, in the price’s currency.'),
        spent: z.number().describe('Of it, in the running period.'),
        pricePerHour: z.number().describe('Of one replica.'),
        periodMs: z.int(),
        periodEndsAt: z.int(),
      })
      .optional()
      .describe('Absent: it has none.'),
    next: nextView.optional().describe('Absent: it is not looked at, or what was seen of it is too old.'),
  })
  .describe('Who may change its target, and what is thought of it. Absent details: it is not looked at.');

export const deploymentView = z.object({
  name: z.string(),
  model: z.string().describe('As specified: digits@champion.'),
  serving: z.string().optional().describe('Version that answers now.'),
  target: z.string().optional().describe('Version that is wanted.'),
  state: z.enum(['serving', 'starting', 'updating', 'degraded', 'failed', 'asleep', 'idle']),
  reason: z.string().optional().describe('Why it is not simply serving.'),
  desired: z.int(),
  min: z.int(),
  max: z.int(),
  counts: z.object({
    starting: z.int(),
    ready: z.int(),
    serving: z.int().describe('Of those that are ready: of the version that answers, and routed to.'),
    draining: z.int(),
    failed: z.int(),
  }),
  replicas: z.array(replicaView),
  note: z.string().optional().describe('For people: for instance that the weights are random.'),
  load: z.object({
    requestsPerSecond: z.number(),
    inFlight: z.int(),
    queueLength: z.int(),
    p50Ms: z.number().nullable(),
    p99Ms: z.number().nullable(),
    errorsPerSecond: z.number(),
    shedPerSecond: z.number(),
    batchSizeCap: z.int().nullable(),
    /** Age of the newest observation; null when there is none. */
    ageMs: z.number().nullable(),
  }),
  coldStart: z
    .object({
      at: z.int(),
      detectMs: z.number(),
      decideMs: z.number(),
      startMs: z.number(),
      loadMs: z.number(),
      warmMs: z.number(),
      answerMs: z.number(),
      totalMs: z.number(),
    })
    .optional()
    .describe('The last time that a request woke it: from its arrival to its answer, by stage.'),
  sloP99Ms: z.number().nullable(),
  sloAvailability: z.number().describe('Share of requests that are to be answered well.'),
  governor: deploymentGovernor.optional(),
});

export const haltView = z.object({
  scope: z.enum(['targets', 'all']).describe('`all`: upkeep restores and wakes nothing either.'),
  by: z.string(),
  at: z.int(),
  reason: z.string(),
});
export const approvalView = z.object({
  id: z.string(),
  deployment: z.string(),
  from: z.int(),
  to: z.int(),
  reason: z.string(),
  at: z.int(),
  expiresAt: z.int(),
});
export const governorView = z.object({
  halt: haltView.optional(),
  halts: z.record(z.string(), haltView).optional().describe('Of single deployments.'),
  approvals: z.array(approvalView),
});

const said = z.object({
  policy: z.string(),
  target: z.int().nullable().describe('Null where it gave no sound answer.'),
  reason: z.string(),
  doubt: z.string().optional(),
});
const stages = z.object(
  Object.fromEntries(lagStages.map((stage) => [stage, z.number()])) as Record<LagStage, z.ZodNumber>,
);
export const whyView = z.object({
  deployment: z.string(),
  governor: deploymentGovernor,
  desired: z.int(),
  min: z.int(),
  max: z.int(),
  halt: haltView.optional(),
  ungoverned: z.string().optional().describe('Why there is no decision.'),
  at: z.int().optional(),
  entry: z.int().optional().describe('Number in the journal.'),
  done: z.object({ kind: done, why: z.string(), because: z.string().optional() }).optional(),
  still: z
    .object({ kind: z.enum(stillnessKinds), reason: z.string(), by: z.string().optional() })
    .optional()
    .describe('Why nothing is done; absent where something is.'),
  decision: z
    .object({
      held: z.int(),
      target: z.int(),
      by: z.string(),
      reason: z.string(),
      doubt: z.string().optional(),
      raw: z
        .object({ target: z.number(), by: z.string(), reason: z.string() })
        .optional()
        .describe('What was asked for before anything limited it. Absent in entries of an earlier release.'),
      chain: z
        .array(
          z.object({
            stage: z.string(),
            by: z.string().optional(),
            min: z.number().nullable(),
            max: z.number().nullable(),
            from: z.number(),
            to: z.number(),
            bit: z.boolean().describe('Whether it has changed the wish.'),
            reason: z.string(),
          }),
        )
        .optional()
        .describe(
          'Every limit between what was asked for and the target, in order; each gives `from` within min and max.',
        ),
      wished: z.number().describe('Before the bounds.'),
      said: z.array(said),
      cuts: z.array(z.object({ stage: z.string(), from: z.number(), to: z.number(), reason: z.string() })),
      unsound: z.array(z.string()),
    })
    .optional(),
  inputs: z
    .object({
      spanMs: z.number(),
      fleet: z.object({ target: z.int(), ready: z.int(), starting: z.int() }),
      min: z.int(),
      max: z.int(),
      lag: stages,
      objective: z.object({ latencyMs: z.number(), deadlineMs: z.number() }),
      signals: z.record(
        z.string(),
        z.object({
          kind: z.enum(['fresh', 'stale', 'absent', 'contradictory']),
          value: z.number().nullable(),
          ageMs: z.number().nullable(),
        }),
      ),
      external: z
        .record(
          z.string(),
          z.object({
            kind: z.enum(['fresh', 'stale', 'absent', 'contradictory']),
            value: z.number().nullable(),
            ageMs: z.number().nullable(),
          }),
        )
        .optional()
        .describe('Signals from outside, by the names of the specification.'),
      capacity: z
        .record(z.string(), z.number())
        .describe('Requests per second that so many replicas were seen to hold.'),
    })
    .optional(),
  metrics: z
    .record(z.string(), z.object({ means: z.string(), failure: z.string().optional() }))
    .optional()
    .describe('What the metrics of the specification mean, and why those that do not answer do not.'),
  others: z.array(said).optional().describe('What the references would have held.'),
  forecasts: z
    .object({
      stepSeconds: z.number(),
      now: z.number().nullable().describe('Requests a second of the last step.'),
      horizons: z.array(
        z.object({
          seconds: z.number(),
          perSecond: z.number().nullable().describe('What is reckoned with: the forecast as far as it is believed.'),
          by: z.string().nullable().describe('The most trusted; null where it is as it is now.'),
          authority: z.number(),
          forecasters: z.array(
            z.object({
              name: z.string(),
              perSecond: z.number().nullable(),
              low: z.number().nullable().describe('One in ten is below it.'),
              high: z.number().nullable().describe('One in ten is above it.'),
              skill: z.number().nullable().describe('1 is perfect, 0 as good as "it stays as it is".'),
              authority: z.number(),
              scored: z.int(),
              lost: z.int().describe('How often a change of its errors took its authority away.'),
              why: z.string(),
            }),
          ),
        }),
      ),
    })
    .optional()
    .describe('The first horizon is the lag, of which the policy is told.'),
  setPoint: z
    .object({ model: z.string(), quantile: z.number().nullable(), problem: z.string().optional() })
    .optional()
    .describe('What the model says that sets the headroom quantile.'),
  change: z.object({ id: z.int(), at: z.int(), action: z.string(), reason: z.string() }).optional(),
  verdict: z.object({ kind: z.string(), reason: z.string(), at: z.int(), entry: z.int() }).optional(),
});

const factor = z.object({
  from: z.int().describe('From this count on, up to the next larger one.'),
  calls: z.int(),
  factor: z.number().describe('Times as long as calls take on average.'),
});
export const latencyModelView = z.object({
  deployment: z.string(),
  version: z.string().nullable().describe('The one that serves.'),
  since: z.int().describe('Of what was seen since then; it begins anew with a version or a share of the processor.'),
  calls: z.int(),
  cap: z.int().describe('Rows that a call has at most.'),
  capLearned: z.boolean().describe('The cap follows what calls cost; else it is set, or the model takes no batches.'),
  service: z.array(
    z.object({
      rows: z.number().describe('Mean of those that were measured.'),
      restFromMs: z.number().describe('The replica had rested for so long before, up to the next larger one.'),
      calls: z.int(),
      meanMs: z.number(),
      likelyMs: z.array(z.number()).describe('Equally likely values, ascending.'),
    }),
  ),
  busy: z.array(factor).describe('By how many replicas compute at the same time.'),
  nth: z.array(factor).describe('By which of its replica’s calls it is.'),
  starts: z.array(
    z.object({
      before: z.int().describe('Replicas that had been ordered before and were not ready.'),
      beside: z.int().describe('Replicas that started at the same time.'),
      decideMs: z.number(),
      startMs: z.number(),
      loadMs: z.number(),
      warmMs: z.number(),
      serveMs: z.number(),
    }),
  ),
  stopsMs: z.array(z.number()).describe('From the end of a replica that has nothing left to do, until it is gone.'),
});

export const statusView = z.object({
  name: z.string(),
  flyball: z.string().describe('Version of this software.'),
  at: z.int(),
  startedAt: z.int(),
  dataDirectory: z.string(),
  listeners: z.record(z.string(), z.object({ url: z.string() })),
  gateways: z.array(
    z.object({
      worker: z.int(),
      node: z.string().optional().describe("Its machine; absent: control's own."),
      pid: z.int(),
      connected: z.boolean(),
      revision: z.int(),
    }),
  ),
  deployments: z.array(deploymentView),
  overrides: z.array(overrideView),
  governor: governorView.optional(),
  sinks: z.array(sinkView).optional().describe('Where telemetry is sent; absent where it is sent nowhere.'),
  store: z
    .object({
      kind: z.enum(['sqlite', 'postgres']),
      place: z.string().describe('A file, or an address without its password.'),
      holder: z.string().describe('Who may change it: this control.'),
      token: z.int().optional().describe('Of its lease; it grows each time another takes over.'),
      loss: z.string().describe('What it means when this control, or its machine, is lost.'),
    })
    .optional()
    .describe('Where everything is kept that must not be forgotten.'),
  warnings: z.array(z.string()),
});

/** The rules between keys hold for whoever calls, not only for files. */
const ruledBy =
  <Value>(check: (value: Value) => readonly ConfigurationProblem[]) =>
  (value: Value, context: z.RefinementCtx): void => {
    for (const { path, text } of check(value)) context.addIssue({ code: 'custom', path: [...path], message: text });
  };

/** A specification whose model sources have been resolved to artefacts that the server holds. */
export const resolvedSpecification = z.strictObject({
  specification: specification.superRefine(ruledBy(checkSpecification)),
  models: z.record(
    z.string(),
    z.strictObject({
      versions: z.array(z.strictObject({ version: z.int().min(1), digest: z.string().regex(/^sha256:[0-9a-f]{64}$/) })),
      note: z.string().max(wordsMax).optional(),
    }),
  ),
});

export const planChange = z.object({
  action: z.enum(['add', 'change', 'remove', 'restart']),
  subject: z.string().describe('models.digits, deployments.resnet18, listeners.http …'),
  from: z.unknown().optional(),
  to: z.unknown().optional(),
  text: z.string().describe('One line for people.'),
});

export const planView = z.object({
  fingerprint: z
    .string()
    .describe('Of the state that was compared and of the wish; `deploy --plan` refuses when it no longer fits.'),
  changes: z.array(planChange),
  overridesDropped: z.array(overrideView),
});

export const operationStep = z.object({
  text: z.string(),
  state: z.enum(['running', 'ok', 'failed']),
  startedAt: z.int(),
  durationMs: z.number().optional(),
});

export const operationView = z.object({
  id: z.string(),
  kind: z.enum(['apply', 'deploy', 'scale', 'alias', 'remove', 'rehearse']),
  subject: z.string(),
  state: z.enum(['running', 'succeeded', 'failed']),
  by: z.string(),
  startedAt: z.int(),
  endedAt: z.int().optional(),
  error: problem.optional(),
  rehearsal: z.string().optional().describe('The id of the rehearsal that came of it.'),
  steps: z.array(operationStep),
});

export const applyRequest = z.strictObject({
  resolved: resolvedSpecification,
  fingerprint: z.string().optional(),
  by,
});
export const deployRequest = z.strictObject({
  deployment: deploymentSpecification.superRefine(ruledBy((value) => checkDeployment([], value))),
  by,
  note: z.string().max(wordsMax).optional(),
});
const reason = z.string().min(1).max(wordsMax);
export const modeRequest = z.strictObject({
  mode: z.enum(modes),
  reason: reason.optional().describe('Needed, or a rehearsal, for more than advise.'),
  rehearsal: z.string().max(200).optional().describe('Of which the result made somebody trust it.'),
  by,
});
export const modeView = z.object({
  deployment: z.string(),
  mode: z.enum(modes),
  by: z.string(),
  reason: z.string(),
  at: z.int().optional(),
});
export const haltRequest = z.strictObject({
  scope: z.enum(['targets', 'all']).default('targets'),
  reason: reason.default('asked for'),
  by,
});
export const deploymentHaltRequest = haltRequest.omit({ scope: true });
export const releaseQuery = z.strictObject({ reason, by });
export const approveRequest = z.strictObject({ by });
export const rejectRequest = z.strictObject({ reason: reason.default('asked for'), by });
export const whyQuery = z.strictObject({ at: z.coerce.number().int().min(0).optional() });
export const scaleRequest = z.strictObject({ replicas: z.int().min(0).max(1000), by });
export const aliasRequest = z.strictObject({ version: z.int().min(1), by });

/**
 * Upload of a version: the body is the ONNX file (application/octet-stream); the rest is in the query.
 * A model.yaml travels as an artefact of its own, uploaded first.
 */
export const versionQuery = z.strictObject({
  /** Number to give it; the next free one by default. An existing number with another digest is a CONFLICT. */
  version: z.coerce.number().int().min(1).optional(),
  /** Digest announced, checked against the bytes. */
  digest: z.string().optional(),
  by,
  source: z.string().max(wordsMax).default('upload'),
  note: z.string().max(wordsMax).optional(),
  /** Digest of the model.yaml, uploaded before with PUT artefacts/{digest}. */
  modelFile: z.string().optional(),
  /** Files that the model.yaml names (labels, samples), each `name=sha256:…`, uploaded before; may be repeated. */
  asset: z
    .union([z.string(), z.array(z.string())])
    .transform((value) => (typeof value === 'string' ? [value] : value))
    .optional(),
  /** Who vouches for it: `ed25519:KEY:SIGNATURE[:NUMBER]`, may be repeated. */
  signature: z
    .union([z.string().max(200), z.array(z.string().max(200)).max(16)])
    .transform((value) => (typeof value === 'string' ? [value] : value))
    .optional(),
});

export const signatureRequest = z.strictObject({
  signatures: z.array(z.string().max(200)).min(1).max(16).describe('Each ed25519:KEY:SIGNATURE[:NUMBER].'),
  by,
});

export const artefactView = z.object({ digest: z.string(), bytes: z.int() });

/** A person or a service, as `by` shows it. */
const keyName = z
  .string()
  .regex(
    /^[\p{L}\p{N}](?:[\p{L}\p{N} .,_@+:/-]{0,98}[\p{L}\p{N}])?$/u,
    'a name has 1 to 100 letters, digits and . , _ @ + : / - inside',
  )
  .describe('The person or service that has it; shown as `by`.');
const keyFields = {
  name: keyName,
  scopes: z.array(z.enum(scopes)).min(1).max(scopes.length).describe('admin > operate > read; admin > infer.'),
  deployments: z
    .array(z.string().max(63))
    .min(1)
    .max(1000)
    .optional()
    .describe('Only these; by default every deployment and the platform as a whole.'),
  expiresAt: z.int().min(0).optional(),
  rate: z
    .strictObject({
      perSecond: z.number().min(0.001).max(1_000_000).describe('Requests a second.'),
      burst: z.int().min(1).max(1_000_000).describe('Requests at once, after a pause.'),
    })
    .optional(),
};
export const keyRequest = z.strictObject({ ...keyFields, by }).superRefine(({ scopes: own, deployments }, context) => {
  if (deployments === undefined || !own.includes('admin')) return;
  context.addIssue({
    code: 'custom',
    path: ['deployments'],
    message: 'admin is of the whole platform and cannot be limited to deployments',
  });
});
export const keyView = z.object({ id: z.string(), ...keyFields, createdAt: z.int(), createdBy: z.string() });
export const keyCreated = keyView.extend({ secret: z.string().describe('The key itself: shown now and never again.') });
export const revokedKey = keyView.extend({
  pendingGateways: z
    .array(z.union([z.int(), z.string()]))
    .describe('Workers that have not confirmed, of other machines as node/worker; empty: nobody accepts it any more.'),
});

/** What GET specification answers; null until one has been applied. */
export const specificationView = z.object({
  resolved: resolvedSpecification.nullable(),
  overrides: z.array(overrideView),
});

export const byQuery = z.strictObject({ by });

/** Long poll: answers when the operation has more than `after` steps (or a step's end) or has ended, or after `waitMs`. */
export const operationQuery = z.strictObject({
  after: z.coerce.number().int().min(0).optional(),
  waitMs: z.coerce.number().int().min(0).max(30_000).default(0),
});
const journalMark = { id: z.int(), hash: z.string() };
export const journalEntry = z.object({
  ...journalMark,
  at: z.int(),
  kind: z.enum(journalKinds),
  action: z.string().describe('In a word or two: scale, start 2, 4 → 6.'),
  subject: z.string().describe('The deployment it is about; else a model, a key, the platform.'),
  by: z.string().describe('A person or service by name, or upkeep, governor.'),
  reason: z.string(),
  details: z.unknown().optional(),
  before: z.string().describe('The hash of the entry before: SHA-256 over the rest of it as canonical JSON.'),
});
/** With `waitMs` the answer waits for an entry when there is none. */
const page = z.coerce.number().int().min(1);
/** Of lists that stand in the order of their names. */
export const namesQuery = z.strictObject({
  after: z.string().max(63).optional().describe('Only names after this one.'),
  limit: page.max(1000).optional().describe('By default all.'),
});
export const keysQuery = z.strictObject({
  after: z.string().max(63).optional().describe('Only keys that were made after this one, by its id.'),
  limit: page.max(1000).optional().describe('By default all.'),
});
export const operationsQuery = z.strictObject({
  before: z.string().max(63).optional().describe('Only those that began before this one, by its id.'),
  limit: page.max(200).default(100),
});
export const journalQuery = z.strictObject({
  subject: z.string().max(200).optional(),
  kind: z.enum(journalKinds).optional(),
  after: z.coerce.number().int().min(0).optional().describe('Only larger numbers.'),
  before: z.coerce.number().int().min(0).optional().describe('Only smaller numbers.'),
  since: z.coerce.number().int().min(0).optional(),
  until: z.coerce.number().int().min(0).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  order: z.enum(['oldest', 'newest']).default('oldest').describe('Which come first.'),
  waitMs: z.coerce.number().int().min(0).max(30_000).default(0),
});
export const journalVerdict = z.object({
  entries: z.int().describe('That fit, from the checkpoint or the start on.'),
  last: z.object(journalMark),
  checkpoint: z
    .object({ ...journalMark, lastAt: z.int(), at: z.int(), retention: z.string() })
    .optional()
    .describe('The last of the entries that were removed for their age.'),
  bad: z.object({ id: z.int(), problem: z.string() }).optional().describe('The first that does not fit.'),
});

const alertView = z.object({
  name: z.string(),
  source: z.string().describe('grafana, alertmanager, or grafana/ORGANISATION.'),
  fingerprint: z.string(),
  state: z
    .enum(['firing', 'silent', 'resolved'])
    .describe('`silent`: it fires by the last word, which is older than `alerts.silentMs`.'),
  labels: z.record(z.string(), z.string()),
  annotations: z.record(z.string(), z.string()),
  startsAt: z.int().describe("By the sender's clock."),
  endsAt: z.int().optional(),
  heardAt: z.int().describe('When it was told of last.'),
  notified: z.int().describe('How often it was told of, repeats too.'),
  values: z.record(z.string(), z.number()).optional(),
});
const alertActionView = z.object({
  id: z.int(),
  at: z.int(),
  playbook: z.string(),
  on: z.enum(['firing', 'resolved']),
  alerts: z.array(z.string()),
  deployment: z.string().optional(),
  action: z.string().describe('scale out 2 → 4, mode advise, notify https://…'),
  state: z
    .enum(['pending', 'done', 'advised', 'asked', 'held', 'refused', 'failed', 'waits'])
    .describe(
      'Of a step what the governor made of it: `advised` and `asked` by the mode, `held`: there are as many already. `waits`: it began a moment ago.',
    ),
  why: z.string(),
  until: z.int().optional().describe('A step is held until then at least.'),
  over: z.boolean().optional(),
  entry: z.int().optional().describe("The journal's entry of the move."),
});
/** What came and what was done, the newest first. */
export const alertsView = z.object({ alerts: z.array(alertView), actions: z.array(alertActionView) });
export const alertsQuery = z.strictObject({
  state: z.enum(['firing', 'silent', 'resolved']).optional(),
  limit: z.coerce.number().int().min(1).max(2000).default(200).describe('Of each.'),
  skip: z.coerce.number().int().min(0).max(100_000).default(0).describe('Of each, the first so many.'),
});
export const alertsTaken = z.object({
  fired: z.int(),
  resolved: z.int(),
  repeated: z.int(),
  outdated: z.int(),
  truncated: z.int().describe('Alerts that the sender left out.'),
  actions: z.array(alertActionView),
});

export const shutdownRequest = z.strictObject({ by });

export type Problem = z.infer<typeof problem>;
export type VersionView = z.infer<typeof versionView>;
export type ModelView = z.infer<typeof modelView>;
export type ReplicaView = z.infer<typeof replicaView>;
export type DeploymentView = z.infer<typeof deploymentView>;
export type StatusView = z.infer<typeof statusView>;
export type ResolvedSpecification = z.infer<typeof resolvedSpecification>;
export type PlanView = z.infer<typeof planView>;
export type PlanChange = z.infer<typeof planChange>;
export type OperationView = z.infer<typeof operationView>;
export type OperationStep = z.infer<typeof operationStep>;
export type OverrideView = z.infer<typeof overrideView>;
export type ArtefactView = z.infer<typeof artefactView>;
export type KeyRequest = z.infer<typeof keyRequest>;
export type KeyView = z.infer<typeof keyView>;
export type KeyCreated = z.infer<typeof keyCreated>;
export type JournalEntryView = z.infer<typeof journalEntry>;
export type JournalVerdict = z.infer<typeof journalVerdict>;
export type DeploymentGovernor = z.infer<typeof deploymentGovernor>;
export type GovernorView = z.infer<typeof governorView>;
export type ApprovalView = z.infer<typeof approvalView>;
export type HaltRequest = z.infer<typeof haltRequest>;
export type ModeRequest = z.infer<typeof modeRequest>;
export type ModeView = z.infer<typeof modeView>;
export type AlertView = z.infer<typeof alertView>;
export type AlertActionView = z.infer<typeof alertActionView>;
export type AlertsView = z.infer<typeof alertsView>;
export type AlertsQuery = z.infer<typeof alertsQuery>;
export type AlertsTaken = z.infer<typeof alertsTaken>;
export type WhyView = z.infer<typeof whyView>;
export type LatencyModelView = z.infer<typeof latencyModelView>;
export type RevokedKey = z.infer<typeof revokedKey>;
export type SpecificationView = z.infer<typeof specificationView>;
