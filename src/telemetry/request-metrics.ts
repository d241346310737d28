/**
 * Requests, batches and replicas as metrics: the one subscriber that turns the platform's events into figures.
 * It looks a deployment version's series up once and keeps them, since it runs for every request.
 */
import { subscribe } from './events.ts';
import { catalogue, type ErrorCode } from '../errors.ts';
import { observe, type CounterSeries, type HistogramSeries, type Registry } from './registry.ts';

/** Seconds; from 0.1 ms, since a tiny model answers in less than one. */
export const durationBounds = [
  0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60,
] as const;
const batchBounds = [1, 2, 4, 8, 16, 32, 64, 128, 256] as const;
const startBounds = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60] as const;

const notImplemented = 501;

/** Counts against `slo.availability`: a fault or a refusal of the platform, and nothing that its caller got wrong. */
function isBad(outcome: 'ok' | ErrorCode): boolean {
  if (outcome === 'ok') return false;
  const { status } = catalogue[outcome];
  return status >= 500 && status !== notImplemented;
}

interface VersionSeries {
  readonly bad: CounterSeries;
  readonly outcomes: Map<string, CounterSeries>;
  readonly total: HistogramSeries;
  readonly queue: HistogramSeries;
  readonly compute: HistogramSeries;
}

/** Subscribes; returns the unsubscribe. */
export function recordRequests(registry: Registry): () => void {
  const labels = ['deployment', 'version'];
  const requests = registry.counter({
    name: 'flyball_requests_total',
    help: 'Inference requests ended, by protocol and outcome (ok or an error code).',
    labels: [...labels, 'protocol', 'outcome'],
  });
  const bad = registry.counter({
    name: 'flyball_requests_bad_total',
    help: 'Requests that count against slo.availability: ended with a fault or a refusal of the platform.',
    labels,
  });
  const duration = (name: string, help: string) => registry.histogram({ name, help, labels, bounds: durationBounds });
  const total = duration('flyball_request_duration_seconds', 'From the arrival of a request to its answer.');
  const queue = duration('flyball_queue_duration_seconds', 'Wait of an answered request before its batch started.');
  const compute = duration('flyball_compute_duration_seconds', "The runtime's own time for the batch of a request.");
  const batchSize = registry.histogram({
    name: 'flyball_batch_size',
    help: 'Rows in a call of a replica.',
    labels,
    bounds: batchBounds,
  });
  const batches = registry.counter({
    name: 'flyball_batches_total',
    help: 'Calls of replicas ended, by whether they succeeded.',
    labels: [...labels, 'ok'],
  });
  const replicaChanges = registry.counter({
    name: 'flyball_replica_changes_total',
    help: 'Changes of state of replicas, by the state entered.',
    labels: ['deployment', 'state'],
  });
  const coldStart = registry.histogram({
    name: 'flyball_cold_start_seconds',
    help: 'Cold starts by stage: start, load and warm of every replica; detect, decide, answer and total, from the request to its answer, of those that a request woke.',
    labels: ['deployment', 'stage'],
    bounds: startBounds,
  });

  const refusals = registry.counter({
    name: 'flyball_refusals_total',
    help: "Requests turned away for their API key, by listener, error code and whose key it was (empty: nobody's).",
    labels: ['listener', 'code', 'by'],
  });

  const webhooks = registry.counter({
    name: 'flyball_webhooks_total',
    help: 'Notifications of alerts that came, by sender and outcome (accepted or an error code).',
    labels: ['sender', 'outcome'],
  });
  const streams = registry.counter({
    name: 'flyball_event_streams_total',
    help: 'Event streams of the control API, by what became of them; dropped: it was not read.',
    labels: ['outcome'],
  });
  const playbooks = registry.counter({
    name: 'flyball_playbook_actions_total',
    help: 'What playbooks did about alerts, by playbook, action and outcome.',
    labels: ['playbook', 'action', 'outcome'],
  });
  const notifications = registry.counter({
    name: 'flyball_notifications_total',
    help: 'Attempts to send a message, by channel and outcome.',
    labels: ['channel', 'outcome'],
  });

  const known = new Map<string, VersionSeries>();
  const seriesOf = (deployment: string, version: string): VersionSeries => {
    const key = `${deployment}\u0000${version}`;
    let series = known.get(key);
    if (series === undefined) {
      series = {
        outcomes: new Map(),
        bad: bad(deployment, version),
        total: total(deployment, version),
        queue: queue(deployment, version),
        compute: compute(deployment, version),
      };
      known.set(key, series);
    }
    return series;
  };

  const unsubscribes = [
    subscribe('flyball:request', (event) => {
      const series = seriesOf(event.deployment, event.version);
      const key = event.protocol + event.outcome;
      let outcome = series.outcomes.get(key);
      if (outcome === undefined) {
        outcome = requests(event.deployment, event.version, event.protocol, event.outcome);
        series.outcomes.set(key, outcome);
      }
      outcome.value += 1;
      if (isBad(event.outcome)) series.bad.value += 1;
      const trace = { traceId: event.traceId, at: Date.now() };
      observe(series.total, event.totalMs / 1000, trace);
      if (event.outcome !== 'ok') return;
      observe(series.queue, event.queueMs / 1000, trace);
      observe(series.compute, event.computeMs / 1000, trace);
    }),
    subscribe('flyball:refusal', ({ listener, code, by = '' }) => {
      refusals(listener, code, by).value += 1;
    }),
    subscribe('flyball:stream', ({ outcome }) => {
      streams(outcome).value += 1;
    }),
    subscribe('flyball:webhook', ({ sender, outcome }) => {
      webhooks(sender, outcome).value += 1;
    }),
    subscribe('flyball:playbook', ({ playbook, action, outcome }) => {
      playbooks(playbook, action, outcome).value += 1;
    }),
    subscribe('flyball:notification', ({ channel, outcome }) => {
      notifications(channel, outcome).value += 1;
    }),
    subscribe('flyball:batch', (event) => {
      observe(batchSize(event.deployment, event.version), event.rows);
      batches(event.deployment, event.version, String(event.ok)).value += 1;
    }),
    subscribe('flyball:replica', (event) => {
      replicaChanges(event.deployment, event.state).value += 1;
      if (event.coldStartMs === undefined) return;
      const { deployment, coldStartMs, stages } = event;
      const { loadMs = 0, warmMs = 0 } = stages ?? {};
      const startMs = Math.max(0, coldStartMs - loadMs - warmMs);
      for (const [stage, ms] of Object.entries({ start: startMs, load: loadMs, warm: warmMs }))
        observe(coldStart(deployment, stage), ms / 1000);
    }),
    subscribe('flyball:cold-start', ({ deployment, detectMs, decideMs, answerMs, totalMs }) => {
      for (const [stage, ms] of Object.entries({
        detect: detectMs,
        decide: decideMs,
        answer: answerMs,
        total: totalMs,
      }))
        observe(coldStart(deployment, stage), ms / 1000);
    }),
  ];
  return () => {
    for (const unsubscribe of unsubscribes) unsubscribe();
  };
}
