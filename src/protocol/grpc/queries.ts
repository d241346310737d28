/** The methods that ask, and neither infer nor change anything: liveness, metadata, configuration, statistics. */
import { FlyballError } from '../../errors.ts';
import type { BatchStatistic, DurationStatistic, InferenceService, ModelStatistics } from '../inference.ts';
import { toModelConfig } from '../model-config.ts';
import { codecOf, definitions, type Codec } from './definitions.ts';

/** The fields of all these requests; a decoded one has those of its own message. */
interface Asked {
  readonly name: string;
  readonly version: string;
}

export type Query = (message: Buffer) => Uint8Array | Promise<Uint8Array>;

function query(method: string, answer: (asked: Asked) => object): Query {
  const request: Codec<Asked> = codecOf(definitions.inference, `${method}Request`);
  const response: Codec<object> = codecOf(definitions.inference, `${method}Response`);
  return (message) => response.encode(answer(request.decode(message)));
}

function queryLater(method: string, answer: (asked: Asked) => Promise<object>): Query {
  const request: Codec<Asked> = codecOf(definitions.inference, `${method}Request`);
  const response: Codec<object> = codecOf(definitions.inference, `${method}Response`);
  return async (message) => response.encode(await answer(request.decode(message)));
}

/** An empty string is protobuf's way to say nothing. */
const given = (value: string): string | undefined => (value === '' ? undefined : value);

export function queries(service: InferenceService): ReadonlyMap<string, Query> {
  return new Map<string, Query>([
    ['ServerLive', query('ServerLive', () => ({ live: service.live() }))],
    ['ServerReady', query('ServerReady', () => ({ ready: service.ready() }))],
    ['ModelReady', query('ModelReady', ({ name, version }) => ({ ready: isReady(service, name, given(version)) }))],
    ['ServerMetadata', query('ServerMetadata', () => service.server())],
    [
      'ModelMetadata',
      query('ModelMetadata', ({ name, version }) => {
        const { signature, ...metadata } = service.metadata(name, given(version));
        return { ...metadata, inputs: signature.inputs, outputs: signature.outputs };
      }),
    ],
    [
      'ModelConfig',
      query('ModelConfig', ({ name, version }) => ({ config: toModelConfig(service.metadata(name, given(version))) })),
    ],
    [
      'ModelStatistics',
      queryLater('ModelStatistics', async ({ name, version }) => ({
        model_stats: (await service.statistics(given(name), given(version))).map(toStatistics),
      })),
    ],
  ]);
}

/** One that is not there is not ready: Triton's clients take an error here for a server that cannot be asked. */
function isReady(service: InferenceService, name: string, version: string | undefined): boolean {
  try {
    return service.modelReady(name, version);
  } catch (error) {
    if (error instanceof FlyballError && (error.code === 'MODEL_NOT_FOUND' || error.code === 'VERSION_NOT_FOUND'))
      return false;
    throw error;
  }
}

const toDuration = ({ count, ns }: DurationStatistic): object => ({ count: Math.round(count), ns: Math.round(ns) });

const toStatistics = (model: ModelStatistics): object => ({
  name: model.name,
  version: model.version,
  last_inference: Math.round(model.lastInferenceAt),
  inference_count: model.inferenceCount,
  execution_count: model.executionCount,
  inference_stats: {
    success: toDuration(model.success),
    fail: toDuration(model.fail),
    queue: toDuration(model.queue),
    compute_input: toDuration(model.computeInput),
    compute_infer: toDuration(model.computeInfer),
    compute_output: toDuration(model.computeOutput),
    cache_hit: none,
    cache_miss: none,
  },
  batch_stats: (model.batches ?? []).map(toBatch),
});

/** There is no response cache. */
const none = { count: 0, ns: 0 };

const toBatch = ({ size, computeInput, computeInfer, computeOutput }: BatchStatistic): object => ({
  batch_size: size,
  compute_input: toDuration(computeInput),
  compute_infer: toDuration(computeInfer),
  compute_output: toDuration(computeOutput),
});
