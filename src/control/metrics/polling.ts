/**
 * The figures from outside that deployments depend on, asked for at their own pace, off the way of every decision: a
 * decision reads the last answer with its age, however slow, broken or silent a source is. A question that is not
 * answered yet is not asked again, and no more than `questionsMax` are open at a time.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../clock.ts';
import type { MetricSettings, MetricsSettings } from '../../config/metrics-specification.ts';
import { externalSignal, type MetricReading } from '../../core/scaling/external.ts';
import type { Signal } from '../../core/scaling/signals.ts';
import { publish } from '../../telemetry/events.ts';
import type { Deployment } from '../deployments.ts';
import { askPrometheus, type PrometheusAnswer, type PrometheusQuestion } from './prometheus-query.ts';

export interface MetricPolling extends AsyncDisposable {
  /** Each figure of the deployment by its name, as of now. */
  signals(deployment: Deployment): Readonly<Record<string, Signal>>;
  /** Why those that do not answer do not, by name. */
  failures(deployment: Deployment): Readonly<Record<string, string>>;
  start(): void;
}

export interface PollingParts {
  readonly deployments: () => readonly Deployment[];
  readonly clock: Clock;
  readonly ask?: (question: PrometheusQuestion, signal: AbortSignal) => Promise<PrometheusAnswer>;
}

const tickMs = 250;
const questionsMax = 16;
/** An answer is stale after so many intervals without another one, and says nothing any more after so many. */
const staleIntervals = 2.5;
const absentIntervals = 20;
const absentMsMin = 300_000;

interface Source {
  readonly settings: MetricSettings;
  readonly url: string;
  askedAt: number;
  asking: boolean;
  reading: MetricReading | undefined;
  failure: string | undefined;
}

const none: MetricsSettings = {};
/** Records of an earlier release know no such setting, nor the one around it. */
const metricsOf = ({ record }: Deployment): MetricsSettings =>
  (record.specification.scaling as { readonly metrics?: MetricsSettings } | undefined)?.metrics ?? none;
const urlsOf = ({ url }: MetricSettings): readonly string[] => (typeof url === 'string' ? [url] : url);

export function openMetricPolling({ deployments, clock, ask = askPrometheus }: PollingParts): MetricPolling {
  const sources = new Map<string, Source>();
  const stopping = new AbortController();
  const open = new Set<Promise<void>>();
  let cancel = (): void => {};

  const keyOf = (deployment: string, metric: string, index: number): string => `${deployment} ${metric} ${index}`;

  const isPolled = ({ removing, wakefulness }: Deployment): boolean => !removing && wakefulness.kind === 'awake';

  async function poll(key: string, source: Source, deployment: string, metric: string): Promise<void> {
    const { settings, url } = source;
    const { query, timeoutMs, bearer } = settings;
    const answer = await ask({ url, query, timeoutMs, bearer }, stopping.signal);
    source.asking = false;
    if (sources.get(key) !== source || stopping.signal.aborted) return;
    if (answer.kind === 'value') {
      source.reading = { value: answer.value, at: clock.now() };
      source.failure = undefined;
      return;
    }
    // Said when it begins, and not each time.
    if (source.failure === undefined) {
      publish('flyball:fault', { where: `metric ${metric} of ${deployment}`, message: answer.reason });
    }
    source.failure = answer.reason;
  }

  function tick(): void {
    const at = clock.now();
    const wanted = new Set<string>();
    for (const deployment of deployments()) {
      if (!isPolled(deployment)) continue;
      const { name } = deployment;
      for (const [metric, settings] of Object.entries(metricsOf(deployment))) {
        for (const [index, url] of urlsOf(settings).entries()) {
          const key = keyOf(name, metric, index);
          wanted.add(key);
          let source = sources.get(key);
          // Of another question the answers say nothing.
          if (source === undefined || source.url !== url || !isDeepStrictEqual(source.settings, settings)) {
            source = { settings, url, askedAt: -Infinity, asking: false, reading: undefined, failure: undefined };
            sources.set(key, source);
          }
          if (source.asking || at - source.askedAt < settings.intervalMs || open.size >= questionsMax) continue;
          source.askedAt = at;
          source.asking = true;
          const asked = poll(key, source, name, metric).finally(() => open.delete(asked));
          open.add(asked);
        }
      }
    }
    for (const key of sources.keys()) if (!wanted.has(key)) sources.delete(key);
  }

  const sourcesOf = ({ name }: Deployment, metric: string, settings: MetricSettings): (Source | undefined)[] =>
    urlsOf(settings).map((url, index) => {
      const source = sources.get(keyOf(name, metric, index));
      return source?.url === url && source.settings.query === settings.query ? source : undefined;
    });

  return {
    signals(deployment) {
      const at = clock.now();
      return Object.fromEntries(
        Object.entries(metricsOf(deployment)).map(([metric, settings]) => {
          const { intervalMs, timeoutMs } = settings;
          const staleMs = staleIntervals * intervalMs + timeoutMs;
          const freshness = { staleMs, absentMs: Math.max(absentMsMin, absentIntervals * intervalMs) };
          const readings = sourcesOf(deployment, metric, settings).map((source) => source?.reading);
          return [metric, externalSignal(readings, at, freshness)];
        }),
      );
    },
    failures(deployment) {
      const found: Record<string, string> = {};
      for (const [metric, settings] of Object.entries(metricsOf(deployment))) {
        const words = sourcesOf(deployment, metric, settings).flatMap((source) =>
          source?.failure === undefined ? [] : [`${source.url}: ${source.failure}`],
        );
        if (words.length > 0) found[metric] = words.join('; ');
      }
      return found;
    },
    start() {
      const next = (): void => {
        tick();
        cancel = clock.after(tickMs, next);
      };
      next();
    },
    async [Symbol.asyncDispose]() {
      cancel();
      stopping.abort();
      await Promise.all(open);
    },
  };
}
