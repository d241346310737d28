/**
 * Metrics under the names that TorchServe gives them, made of ours when they are read: nothing is counted twice, and
 * nothing is counted for them in a request's way. Pure. What has no counterpart (disk, GPU) is left to a node exporter.
 */
import { catalogue, type ErrorCode } from '../errors.ts';
import type { HistogramSample, MetricFamily, Sample } from './metrics.ts';

const microseconds = 1e6;

/** To be printed after `families`, whose they are made of. */
export function torchServeFamilies(families: readonly MetricFamily[], hostname: string): readonly MetricFamily[] {
  const samplesOf = (name: string): readonly Sample[] => {
    const found = families.find((family) => family.name === name);
    return found === undefined || found.type === 'histogram' ? [] : found.samples;
  };
  const histogramsOf = (name: string): readonly HistogramSample[] => {
    const found = families.find((family) => family.name === name);
    return found?.type === 'histogram' ? found.samples : [];
  };
  const requests = samplesOf('flyball_requests_total').filter(({ labels }) => labels['deployment'] !== '');
  const model = (labels: Sample['labels']): Sample['labels'] => ({
    model_name: labels['deployment'] ?? '',
    model_version: labels['version'] ?? '',
    hostname,
  });
  const counter = (name: string, unit: string, samples: readonly Sample[]): MetricFamily => ({
    name,
    help: `As TorchServe counts it, in ${unit}.`,
    type: 'counter',
    samples: addUp(samples),
  });
  const sums = (name: string): Sample[] =>
    histogramsOf(name).map(({ labels, sum }) => ({ labels: model(labels), value: sum * microseconds }));
  const byClass = (digit: number): Sample[] =>
    samplesOf('flyball_requests_total')
      .filter(({ labels }) => Math.floor(statusOf(labels['outcome'] ?? '') / 100) === digit)
      .map(({ value }) => ({ labels: { Level: 'Host', Hostname: hostname }, value }));
  return [
    counter(
      'ts_inference_requests_total',
      'count',
      requests.map(({ labels, value }) => ({ labels: model(labels), value })),
    ),
    counter('ts_inference_latency_microseconds', 'microseconds', sums('flyball_request_duration_seconds')),
    counter('ts_queue_latency_microseconds', 'microseconds', sums('flyball_queue_duration_seconds')),
    counter('Requests2XX', 'count', byClass(2)),
    counter('Requests4XX', 'count', byClass(4)),
    counter('Requests5XX', 'count', byClass(5)),
  ];
}

const statusOf = (outcome: string): number =>
  outcome === 'ok' ? 200 : Object.hasOwn(catalogue, outcome) ? catalogue[outcome as ErrorCode].status : 500;

/** Of equal labels one sample: TorchServe knows no protocols and outcomes. */
function addUp(samples: readonly Sample[]): Sample[] {
  const sums = new Map<string, Sample>();
  for (const sample of samples) {
    const key = JSON.stringify(sample.labels);
    sums.set(key, { labels: sample.labels, value: (sums.get(key)?.value ?? 0) + sample.value });
  }
  return [...sums.values()];
}
