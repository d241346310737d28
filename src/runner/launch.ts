/**
 * What a runner is told at its start, as the orchestrator writes it and `flyball runner` reads it: one JSON argument.
 */
import * as z from 'zod';
import type { ModelSignature } from '../protocol/tensor.ts';
import { imagePipeline, outputStage, serverSettings } from '../config/model-file.ts';

export const runnerLaunch = z.strictObject({
  replica: z.string(),
  model: z.string(),
  version: z.string(),
  digest: z.string(),
  runtime: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('onnx'),
      path: z.string(),
      /** The same model as this node has prepared it for itself, for a faster start; it may fail or be gone. */
      prepared: z.string().optional(),
      /** Where only signed versions may load: what the file's bytes must be. They are read once, checked, and loaded. */
      digest: z.string().optional(),
      threads: z.int().min(1),
      /** False whenever busy threads could outnumber the cores: spinning then halves everybody's throughput. */
      spinning: z.boolean(),
      graphOptimisation: z.enum(['disabled', 'basic', 'extended', 'all']),
      memoryArena: z.boolean(),
    }),
    /** No model at all: the identity (or constants) after a fixed service time, to rehearse queueing without a model. */
    z.strictObject({
      kind: z.literal('simulated'),
      signature: z.custom<ModelSignature>(),
      serviceMs: z.number().min(0),
      serviceMsPerRow: z.number().min(0),
      fault: z
        .strictObject({
          at: z.enum(['load', 'warm-up', 'request']),
          count: z.int().min(1),
          kind: z.enum(['crash', 'error']),
        })
        .optional(),
    }),
    /** Another server, started or only reached; the runner stands before it. Settings as in model.yaml. */
    serverSettings.omit({ inputs: true, outputs: true, files: true, model: true }).extend({
      kind: z.literal('server'),
      /** Name that the server has for the model. */
      model: z.string(),
      /** As declared; absent where the server is asked. */
      signature: z.custom<ModelSignature>().optional(),
      /** Name that the command knows it by → where it is. */
      files: z.record(z.string(), z.string()),
      /** Where only signed versions may load: what their bytes must be, by path. */
      digests: z.record(z.string(), z.string()).optional(),
      /** Where threads were declared: told to the server by the variables that numeric libraries read. */
      threads: z.int().min(1).optional(),
    }),
  ]),
  /** The same for other files, by path. */
  digests: z.record(z.string(), z.string()).optional(),
  pipeline: imagePipeline.optional(),
  output: outputStage.optional(),
  warmUp: z.strictObject({
    /** Batch sizes to measure at warm-up; each is run until its median is steady or `budgetMs` is spent. */
    batchSizes: z.array(z.int().min(1)),
    budgetMs: z.number().min(0),
    /** Files beside the model whose content is used as the input, in place of zeros. */
    samples: z.array(z.string()),
    /** What an earlier replica of the same version and settings has measured on this node: then it isn't measured again. */
    known: z
      .array(
        z.strictObject({
          rows: z.int().min(1),
          ms: z.number().min(0),
          processorMs: z.number().min(0).optional(),
        }),
      )
      .optional(),
    /** Somebody waits for this replica and nobody else can answer: where the costs are known, that call is its warm-up. */
    awaited: z.boolean().optional(),
    /** Where to leave what was measured, for the next one. */
    leaveAt: z.string().optional(),
  }),
  listen: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('unix'), path: z.string() }),
    z.strictObject({
      kind: z.literal('tcp'),
      host: z.string(),
      port: z.int().min(0).max(65_535),
      /** PEM, or files of it; then only gateway and control of the same authority are served. Needed outside loopback. */
      tls: z.strictObject({ certificate: z.string(), key: z.string(), authority: z.string() }).optional(),
    }),
  ]),
  /** Socket of the supervisor: when it closes, nobody is left to serve, and the runner drains and stops. */
  lifeline: z.string().optional(),
  /** Open Inference Protocol over HTTP, so that a runner can be used alone. */
  http: z.strictObject({ host: z.string(), port: z.int().min(0).max(65_535) }).optional(),
});

export type RunnerLaunch = z.infer<typeof runnerLaunch>;
