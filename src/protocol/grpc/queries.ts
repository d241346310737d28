/** The methods that ask and do not infer: liveness, metadata, the repository's index, statistics. */
import type { DurationStatistic, InferenceService, ModelStatistics } from '../inference.ts';
import { codecOf, definitions, type Codec } from './definitions.ts';

/** The fields of all these requests; a decoded one has those of its own message. */
interface Asked {
  readonly name: string;
  readonly version: string;
  readonly ready: boolean;
}

export type Query = (message: Buffer) => Uint8Array;

function query(method: string, answer: (asked: Asked) => object): Query {
  const request: Codec<Asked> = codecOf(definitions.inference, `${method}Request`);
  const response: Codec<object> = codecOf(definitions.inference, `${method}Response`);
  return (message) => response.encode(answer(request.decode(message)));
}

/** An empty string is protobuf's way to say nothing. */
const given = (value: string): string | undefined => (value === '' ? undefined : value);

export function queries(service: InferenceService): ReadonlyMap<string, Query> {
  return new Map([
    ['ServerLive', query('ServerLive', () => ({ live: service.live() }))],
    ['ServerReady', query('ServerReady', () => ({ ready: service.ready() }))],
    ['ModelReady', query('ModelReady', ({ name, version }) => ({ ready: service.modelReady(name, given(version)) }))],
    ['ServerMetadata', query('ServerMetadata', () => service.server())],
    [
      'ModelMetadata',
      query('ModelMetadata', ({ name, version }) => {
        const { signature, ...metadata } = service.metadata(name, given(version));
        return { ...metadata, inputs: signature.inputs, outputs: signature.outputs };
      }),
    ],
    [
      'RepositoryIndex',
      query('RepositoryIndex', ({ ready }) => ({
        models: service.index().filter((entry) => !ready || entry.state === 'READY'),
      })),
    ],
    [
      'ModelStatistics',
      query('ModelStatistics', ({ name, version }) => ({
        model_stats: service.statistics(given(name), given(version)).map(toStatistics),
      })),
    ],
  ]);
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
  },
});
