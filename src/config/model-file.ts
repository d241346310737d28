/**
 * `model.yaml`, the optional file beside a model's versions: how its inputs are made and its outputs read.
 * It belongs to the version: a model trained with another preprocessing is another version.
 */
import * as z from 'zod';

const triple = z.array(z.number()).min(1).max(4);

/** Encoded image → one input tensor. Decoding honours the EXIF orientation. */
export const imagePipeline = z
  .strictObject({
    kind: z.literal('image').default('image'),
    input: z
      .string()
      .optional()
      .describe('Name of the input tensor that the image becomes; the only input by default.'),
    channels: z.enum(['rgb', 'bgr', 'grey']).default('rgb').describe('Channel order after decoding.'),
    resize: z
      .strictObject({
        width: z.int().min(1).max(8192).optional().describe('Pixels; absent keeps the aspect ratio.'),
        height: z.int().min(1).max(8192).optional().describe('Pixels; absent keeps the aspect ratio.'),
        shorterSide: z
          .int()
          .min(1)
          .max(8192)
          .optional()
          .describe('Pixels of the shorter side; excludes width and height.'),
      })
      .optional()
      .describe('Bilinear resize before the crop.'),
    crop: z
      .strictObject({ width: z.int().min(1), height: z.int().min(1) })
      .optional()
      .describe('Centre crop, in pixels.'),
    invert: z.boolean().default(false).describe('White on black becomes black on white, before normalisation.'),
    scale: z
      .number()
      .default(1 / 255)
      .describe('Each 0…255 value is multiplied by this first.'),
    mean: triple.default([0]).describe('Subtracted for each channel after scaling; one value counts for all.'),
    std: triple.default([1]).describe('Divided by for each channel; one value counts for all.'),
    layout: z.enum(['NCHW', 'NHWC']).default('NCHW').describe('Order of the dimensions of the tensor.'),
    pixelsMax: z
      .int()
      .min(1)
      .default(50_000_000)
      .describe('Width × height above which an image is refused before it is decoded.'),
  })
  .describe('How an encoded image (PNG, JPEG, WebP) becomes the input tensor.');

export type ImagePipeline = z.infer<typeof imagePipeline>;

/** Output tensor → what a person reads. */
export const outputStage = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('classification'),
      output: z.string().optional().describe('Name of the output; the first by default.'),
      labels: z
        .union([z.array(z.string()), z.string()])
        .optional()
        .describe('Labels in order, or the name of a text file beside the model with one a line.'),
      topK: z.int().min(1).max(1000).default(5),
      softmax: z.boolean().default(false).describe('Apply softmax first (the output holds logits).'),
      as: z
        .enum(['list', 'map'])
        .optional()
        .describe(
          'The answer: a `list` of label, index and score (the default), or a `map` of scores by label, as TorchServe has it.',
        ),
    }),
    z.strictObject({
      kind: z.literal('ctc'),
      output: z.string().optional().describe('Name of the output [batch, time, classes]; the first by default.'),
      labels: z.union([z.array(z.string()), z.string()]).describe('Characters in order; class 0 is the blank.'),
    }),
  ])
  .describe('How an output becomes a readable answer on /predictions.');

export type OutputStage = z.infer<typeof outputStage>;

export const batchingSettings = z.strictObject({
  sizeMax: z
    .union([z.literal('auto'), z.int().min(1).max(1024)])
    .default('auto')
    .describe('Rows in one call of the runtime at most. `auto` learns from measured cost where more rows stop paying.'),
  delayMs: z
    .number()
    .min(0)
    .max(1000)
    .default(0)
    .describe('How long a batch that is not full waits for company although a replica is free.'),
});

/** What a deployment of the model gets where the specification says nothing; it never lifts a bound that it does say. */
export const deploymentDefaults = z.strictObject({
  replicas: z
    .strictObject({ min: z.int().min(0).max(1000).optional(), max: z.int().min(1).max(1000).optional() })
    .optional(),
  queue: z
    .strictObject({
      lengthMax: z.int().min(1).max(100_000).optional(),
      priorityLevels: z.int().min(1).max(16).optional(),
      priorityDefault: z.int().min(1).max(16).optional(),
    })
    .optional(),
  deadline: z.strictObject({ defaultMs: z.int().min(1).optional(), maxMs: z.int().min(1).optional() }).optional(),
});

export type DeploymentDefaults = z.infer<typeof deploymentDefaults>;

const tensorSpecs = z.array(
  z.strictObject({ name: z.string().min(1), datatype: z.string(), shape: z.array(z.int().min(-1)) }),
);

/** Another server as a replica: started by a command, or reached at an address. docs/drivers/server.md tells the story. */
export const serverSettings = z
  .strictObject({
    image: z
      .string()
      .regex(/^[a-zA-Z0-9]\S*$/, 'expected the name of an image, as in registry.example/models/churn:3')
      .optional()
      .describe(
        'Container image that the server is in, for orchestrators that run images (swarm): each replica is a container of it. Elsewhere `command` or `address` is used instead.',
      ),
    command: z
      .array(z.string())
      .min(1)
      .optional()
      .describe(
        'Program and arguments, without a shell, run in a folder that holds `files` alone, in an image in its own working folder; with an image, by default what that starts by itself. `{port}` is a free port, `{port:NAME}` another for each name, `{model}` the name of the model, `{files}` the folder.',
      ),
    address: z
      .string()
      .optional()
      .describe(
        'Where it is reached, `http://host:port` with an optional path before those of the protocol; with a command or an image `http://127.0.0.1:{port}`.',
      ),
    protocol: z
      .enum(['v2', 'torchserve', 'v1'])
      .default('v2')
      .describe(
        "Open Inference Protocol V2 over REST, TorchServe's `/predictions/{model}`, or KServe's V1 `/v1/models/{model}:predict`.",
      ),
    model: z
      .string()
      .min(1)
      .optional()
      .describe('Name that the server has for the model; the same as here by default.'),
    version: z
      .string()
      .min(1)
      .optional()
      .describe("Version in the server's paths (V2 and TorchServe); none by default."),
    inputs: tensorSpecs
      .optional()
      .describe(
        "The signature, -1 for a size that varies. V2: the server's metadata by default, and declared, it must agree. V1 and TorchServe have no way to ask.",
      ),
    outputs: tensorSpecs.optional().describe('Goes with inputs.'),
    takesFiles: z
      .boolean()
      .default(false)
      .describe('TorchServe: what is posted to /predictions is passed on as it came, and the answer comes back so.'),
    binary: z
      .enum(['auto', 'on', 'off'])
      .default('auto')
      .describe('V2: tensors as bytes after the JSON; `auto` where the server names the extension binary_tensor_data.'),
    files: z
      .array(z.string())
      .default([])
      .describe('Files beside this one that are part of the version; the command finds copies where it runs.'),
    env: z
      .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of a variable'), z.string())
      .default({})
      .describe('Added to the environment of the platform, with the same `{…}`; PORT and FLYBALL_PORT are set anyway.'),
    readyPath: z
      .string()
      .startsWith('/')
      .optional()
      .describe(
        'Asked until it answers 200, then again and again; by default what the protocol has for it. `{model}` is the name.',
      ),
    startMs: z.int().min(1).max(86_400_000).default(120_000).describe('Time from its start until it must be ready.'),
    callMs: z
      .int()
      .min(1)
      .max(86_400_000)
      .default(30_000)
      .describe('Longest that a call may take: after this the server is taken for hung, and the replica is replaced.'),
    healthMs: z
      .int()
      .min(10)
      .max(600_000)
      .default(1000)
      .describe('How often it is asked while it has nothing to do; three misses in a row end the replica.'),
    stopMs: z
      .int()
      .min(0)
      .max(600_000)
      .default(4000)
      .describe('What it has after SIGTERM to end by itself, with all that it has started; then SIGKILL.'),
  })
  .describe('For platform `server`: any process that speaks one of these protocols, as the replica.');

export type ServerSettings = z.infer<typeof serverSettings>;

export const modelFile = z.strictObject({
  description: z.string().optional().describe('One line for people.'),
  labels: z.record(z.string(), z.string()).default({}).describe('Free key: value pairs, kept with each version.'),
  platform: z
    .enum(['onnxruntime_onnx', 'simulated', 'server'])
    .default('onnxruntime_onnx')
    .describe('The runtime that loads the model.'),
  pipeline: imagePipeline.optional(),
  output: outputStage.optional(),
  batching: batchingSettings.optional().describe('Default for deployments of this model.'),
  threads: z
    .int()
    .min(1)
    .max(256)
    .optional()
    .describe('Intra-op threads a replica; default for deployments of this model.'),
  deployment: deploymentDefaults
    .optional()
    .describe('Defaults for deployments of this model, where the specification says nothing.'),
  warmUp: z
    .strictObject({
      samples: z
        .array(z.string())
        .default([])
        .describe('Files beside this one that are run before a replica is routed to.'),
      batchSizes: z.array(z.int().min(1).max(1024)).default([1, 2, 4, 8, 16]),
      budgetMs: z.number().min(0).max(600_000).default(2000).describe('Time that measuring batch sizes may take.'),
    })
    .optional(),
  simulated: z
    .strictObject({
      inputs: z.array(z.strictObject({ name: z.string(), datatype: z.string(), shape: z.array(z.int().min(-1)) })),
      outputs: z.array(z.strictObject({ name: z.string(), datatype: z.string(), shape: z.array(z.int().min(-1)) })),
      serviceMs: z.number().min(0).default(0).describe('Time that a call takes.'),
      serviceMsPerRow: z.number().min(0).default(0).describe('Added for each row of the batch.'),
      fault: z
        .strictObject({
          at: z.enum(['load', 'warm-up', 'request']).describe('When it happens.'),
          count: z
            .int()
            .min(1)
            .default(1)
            .describe('At which call of the warm-up or request; a load is always the first.'),
          kind: z
            .enum(['crash', 'error'])
            .default('crash')
            .describe('`crash` ends the process as a fault of native code would; `error` is a refusal in words.'),
        })
        .optional()
        .describe('A failure to rehearse: what a version that misbehaves in a known way does to the platform.'),
    })
    .optional()
    .describe('For platform `simulated`: outputs repeat the inputs by position; no model is loaded.'),
  server: serverSettings.optional(),
});

export type ModelFile = z.infer<typeof modelFile>;
