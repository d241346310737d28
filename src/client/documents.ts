/**
 * The JSON documents of V2 servers (metadata, index, statistics) as the platform's types. Lenient in what is optional,
 * because servers differ; what is required and absent is a PROTOCOL failure that names the field.
 */
import type {
  DurationStatistic,
  ModelMetadata,
  ModelStatistics,
  RepositoryEntry,
  ServerMetadata,
} from '../protocol/inference.ts';
import { isDatatype, type TensorSpec } from '../protocol/tensor.ts';
import { wrongAnswer } from './transport.ts';

type Json = Readonly<Record<string, unknown>>;

function object(url: string, value: unknown, what: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw wrongAnswer(url, `${what}: expected an object, got ${JSON.stringify(value)?.slice(0, 60)}`);
}

function name(url: string, document: Json, key: string): string {
  const value = document[key];
  if (typeof value === 'string') return value;
  throw wrongAnswer(url, `${key}: expected a text, got ${JSON.stringify(value)}`);
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const texts = (value: unknown): string[] => list(value).filter((each): each is string => typeof each === 'string');
/** Numbers, and the strings that 64-bit integers become in some JSON. */
const count = (value: unknown): number =>
  typeof value === 'number' ? value : typeof value === 'string' ? Number(value) : 0;

export function toServerMetadata(url: string, value: unknown): ServerMetadata {
  const document = object(url, value, 'server metadata');
  return {
    name: name(url, document, 'name'),
    version: text(document['version']),
    extensions: texts(document['extensions']),
  };
}

export function toMetadata(url: string, value: unknown): ModelMetadata {
  const document = object(url, value, 'model metadata');
  const inputs = list(document['inputs']).map((each) => toSpec(url, each));
  const outputs = list(document['outputs']).map((each) => toSpec(url, each));
  const properties = document['properties'];
  return {
    name: name(url, document, 'name'),
    versions: texts(document['versions']),
    platform: text(document['platform']),
    signature: { inputs, outputs, batchable: isBatchable(inputs, outputs) },
    ...(typeof properties === 'object' && properties !== null
      ? { properties: properties as Readonly<Record<string, string>> }
      : undefined),
  };
}

/** The documents do not say it, but a first dimension that is free everywhere is what it means. */
export const isBatchable = (inputs: readonly TensorSpec[], outputs: readonly TensorSpec[]): boolean =>
  inputs.length > 0 && [...inputs, ...outputs].every((spec) => spec.shape[0] === -1);

function toSpec(url: string, value: unknown): TensorSpec {
  const document = object(url, value, 'tensor metadata');
  const datatype = name(url, document, 'datatype');
  if (!isDatatype(datatype)) throw wrongAnswer(url, `expected a datatype of the protocol, got ${datatype}`);
  return { name: name(url, document, 'name'), datatype, shape: list(document['shape']).map(count) };
}

const states = new Set(['READY', 'UNAVAILABLE', 'LOADING', 'UNLOADING']);

export function toRepository(url: string, value: unknown): RepositoryEntry[] {
  // MLServer wraps the list, Triton does not.
  const entries = Array.isArray(value) ? value : list(object(url, value, 'repository index')['models']);
  return entries.map((each) => {
    const entry = object(url, each, 'repository index');
    const entryName = name(url, entry, 'name');
    const version = text(entry['version']);
    const said = text(entry['state']);
    // An entry without a state is one that never was loaded.
    const state = (states.has(said) ? said : 'UNAVAILABLE') as RepositoryEntry['state'];
    const reason = text(entry['reason']);
    return version === '' ? { name: entryName, state, reason } : { name: entryName, version, state, reason };
  });
}

function toDuration(value: unknown): DurationStatistic {
  const { count: times, ns } = (value ?? {}) as Json;
  return { count: count(times), ns: count(ns) };
}

export function toStatisticsList(url: string, value: unknown): ModelStatistics[] {
  return list(object(url, value, 'statistics')['model_stats']).map((each) => {
    const document = object(url, each, 'statistics');
    const durations = (document['inference_stats'] ?? {}) as Json;
    return {
      name: name(url, document, 'name'),
      version: text(document['version']),
      lastInferenceAt: count(document['last_inference']),
      inferenceCount: count(document['inference_count']),
      executionCount: count(document['execution_count']),
      success: toDuration(durations['success']),
      fail: toDuration(durations['fail']),
      queue: toDuration(durations['queue']),
      computeInput: toDuration(durations['compute_input']),
      computeInfer: toDuration(durations['compute_infer']),
      computeOutput: toDuration(durations['compute_output']),
    };
  });
}
