/**
 * What somebody has to be told, once: the rule file of Prometheus and Grafana's own rules are both made of it. Each has a
 * value that is there while the platform is scraped, and a threshold, so that "not scraped" is never "well". Symptoms
 * alert; what caused them is looked up.
 */
import { burnOf, burns, objectives } from './objectives.ts';
import type { AlertProof } from './proof.ts';

export interface Alert {
  readonly name: string;
  /** Of Grafana's rule: never changed, at most 40 characters. */
  readonly uid: string;
  readonly severity: 'page' | 'ticket';
  readonly labels?: Readonly<Record<string, string>>;
  /** PromQL. */
  readonly value: string;
  readonly threshold: { readonly is: '>' | '<'; readonly than: number };
  readonly for: string;
  /** With `{{ $labels.x }}` alone: both systems know that. */
  readonly summary: string;
  /** What it means, and what to do. */
  readonly description: string;
  /** When it fires and when it does not, for `promtool test rules`; those of budgets are proved together. */
  readonly proof?: AlertProof;
}

const deployment = '{{ $labels.deployment }}';

export const budgetAlerts: readonly Alert[] = objectives.flatMap(({ slo, failing }) =>
  burns.map((burn): Alert => ({
    name: burn.severity === 'page' ? 'FlyballBudgetBurnsFast' : 'FlyballBudgetBurnsSlowly',
    uid: `flyball-burn-${slo}-${burn.long}`,
    severity: burn.severity,
    labels: { slo, window: burn.long },
    value: burnOf(slo, burn),
    threshold: { is: '>', than: burn.factor },
    for: burn.severity === 'page' ? '2m' : '15m',
    summary: `${deployment}: ${failing}, ${burn.factor} times as many as its ${slo} objective allows`,
    description: `In the last ${burn.long} and ${burn.short}; ${burn.spent} of the budget of 30 days is spent. Ask why at /why/${deployment}, look at queue and replicas on the board RED, and at what changed last.`,
  })),
);

const of = (name: string, labels: Readonly<Record<string, string>> = { deployment: 'd' }): string =>
  `${name}{${Object.entries(labels)
    .map(([label, value]) => `${label}="${value}"`)
    .join(',')}}`;

/** A gauge that is `bad` all the time, or `good`. */
const gauge = (name: string, bad: number, good: number, labels?: Readonly<Record<string, string>>): AlertProof => ({
  labels: labels ?? { deployment: 'd' },
  at: '20m',
  fires: { [of(name, labels)]: `${bad}x30` },
  silent: { [of(name, labels)]: `${good}x30` },
});

const stateAlerts: readonly Alert[] = [
  {
    name: 'FlyballDown',
    uid: 'flyball-down',
    severity: 'page',
    value: 'max by (job) (up{job="flyball"})',
    threshold: { is: '<', than: 1 },
    for: '1m',
    summary: 'Flyball cannot be scraped',
    description:
      'Nothing is known of it: see whether it runs (flyball status), and whether its metrics listener is reached.',
    proof: gauge('up', 0, 1, { job: 'flyball' }),
  },
  {
    name: 'FlyballGovernorHalted',
    uid: 'flyball-halted',
    severity: 'ticket',
    value: 'max by (deployment) (flyball_governor_halted)',
    threshold: { is: '>', than: 0 },
    for: '15m',
    summary: `${deployment} is halted: no target is changed by itself`,
    description: `Whoever halted it, and why, is in flyball status. Release it with flyball halt --release when it is over.`,
    proof: gauge('flyball_governor_halted', 1, 0),
  },
  {
    name: 'FlyballGovernorInDoubt',
    uid: 'flyball-in-doubt',
    severity: 'ticket',
    value: 'max by (deployment) (flyball_governor_in_doubt)',
    threshold: { is: '>', than: 0 },
    for: '2m',
    summary: `${deployment}: what the governor sees is in doubt, so it lowers nothing`,
    description: `A signal is missing, old or contradicts another: flyball why ${deployment} names it.`,
    proof: gauge('flyball_governor_in_doubt', 1, 0),
  },
  {
    name: 'FlyballPolicyFails',
    uid: 'flyball-policy-fails',
    severity: 'ticket',
    value: 'max by (deployment) (flyball_governor_policy_failing)',
    threshold: { is: '>', than: 0 },
    for: '5m',
    summary: `${deployment}: its policy gives no sound answer, its stand-in holds`,
    description: `flyball why ${deployment} says how it fails; another policy takes over with scaling.policy.`,
    proof: gauge('flyball_governor_policy_failing', 1, 0),
  },
  {
    name: 'FlyballTelemetryStale',
    uid: 'flyball-telemetry-stale',
    severity: 'page',
    value: 'max by (deployment) (flyball_observation_age_seconds)',
    threshold: { is: '>', than: 15 },
    for: '1m',
    summary: `${deployment}: no gateway has said anything for 15 seconds`,
    description: 'Gateways speak four times a second. See whether they run (flyball status), and what their log says.',
    proof: gauge('flyball_observation_age_seconds', 60, 0.3),
  },
  {
    name: 'FlyballAtItsBound',
    uid: 'flyball-at-bound',
    severity: 'ticket',
    value:
      'max by (deployment) (flyball_governor_target) - on (deployment) max by (deployment) (flyball_replicas_max) + on (deployment) clamp_max(sum by (deployment) (flyball_queue_length), 1)',
    threshold: { is: '>', than: 0 },
    for: '5m',
    summary: `${deployment}: requests wait, and the governor may hold no more replicas`,
    description: 'Raise replicas.max if there is room, or add machines.',
    proof: {
      labels: { deployment: 'd' },
      at: '20m',
      fires: {
        [of('flyball_governor_target')]: '4x30',
        [of('flyball_replicas_max')]: '4x30',
        [of('flyball_queue_length')]: '9x30',
      },
      silent: {
        [of('flyball_governor_target')]: '3x30',
        [of('flyball_replicas_max')]: '4x30',
        [of('flyball_queue_length')]: '9x30',
      },
    },
  },
  {
    name: 'FlyballReplicasRestart',
    uid: 'flyball-replicas-restart',
    severity: 'ticket',
    value:
      'sum by (deployment) (increase(flyball_replica_changes_total{state="failed"}[15m])) or on (deployment) 0 * max by (deployment) (flyball_replicas_desired)',
    threshold: { is: '>', than: 2 },
    for: '0m',
    summary: `${deployment}: replicas fail again and again`,
    description:
      'flyball status shows the reason in the words of the runtime; a version that crashes is best replaced.',
    proof: {
      labels: { deployment: 'd' },
      at: '20m',
      fires: {
        [of('flyball_replica_changes_total', { deployment: 'd', state: 'failed' })]: '0+1x30',
        [of('flyball_replicas_desired')]: '2x30',
      },
      silent: {
        [of('flyball_replica_changes_total', { deployment: 'd', state: 'failed' })]: '1x30',
        [of('flyball_replicas_desired')]: '2x30',
      },
    },
  },
  {
    name: 'FlyballProcessRestarts',
    uid: 'flyball-process-restarts',
    severity: 'ticket',
    value: 'sum by (role) (increase(flyball_process_restarts_total[15m]))',
    threshold: { is: '>', than: 0 },
    for: '0m',
    summary: 'A {{ $labels.role }} of Flyball has died and was started again',
    description: 'Its last words are in flyball.log in the data directory.',
    proof: {
      labels: { role: 'gateway' },
      at: '20m',
      fires: { [of('flyball_process_restarts_total', { role: 'gateway', worker: '0' })]: '0+1x30' },
      silent: { [of('flyball_process_restarts_total', { role: 'gateway', worker: '0' })]: '3x30' },
    },
  },
  {
    name: 'FlyballSinkDrops',
    uid: 'flyball-sink-drops',
    severity: 'ticket',
    value: 'sum by (sink) (increase(flyball_sink_items_dropped_total[15m]))',
    threshold: { is: '>', than: 0 },
    for: '0m',
    summary: 'The sink {{ $labels.sink }} loses what it is sent',
    description:
      'It is slow, down, or refuses what it gets: flyball status shows its last error. No request waits for it.',
    proof: {
      labels: { sink: 's' },
      at: '20m',
      fires: { [of('flyball_sink_items_dropped_total', { sink: 's', reason: 'full' })]: '0+5x30' },
      silent: { [of('flyball_sink_items_dropped_total', { sink: 's', reason: 'full' })]: '7x30' },
    },
  },
  {
    name: 'FlyballSinkFails',
    uid: 'flyball-sink-fails',
    severity: 'ticket',
    value: 'max by (sink) (flyball_sink_failing)',
    threshold: { is: '>', than: 0 },
    for: '5m',
    summary: 'The sink {{ $labels.sink }} takes nothing',
    description:
      'What it is to get waits within its bound, then the oldest is dropped: flyball status shows its last error.',
    proof: gauge('flyball_sink_failing', 1, 0, { sink: 's' }),
  },
  {
    name: 'FlyballApprovalWaits',
    uid: 'flyball-approval-waits',
    severity: 'ticket',
    value: 'max by (deployment) (flyball_governor_waiting)',
    threshold: { is: '>', than: 0 },
    for: '5m',
    summary: `${deployment}: a change waits for a person`,
    description: 'flyball status shows it; flyball approve or reject it before it expires.',
    proof: gauge('flyball_governor_waiting', 1, 0),
  },
  {
    name: 'FlyballNodeMemoryLow',
    uid: 'flyball-node-memory',
    severity: 'page',
    value: 'min by (node) (flyball_node_memory_available_bytes / flyball_node_memory_total_bytes)',
    threshold: { is: '<', than: 0.05 },
    for: '5m',
    summary: '{{ $labels.node }} has less than 5 % of its memory left',
    description: 'The kernel will end something. Lower replicas.max or node.memory, or take something else off it.',
    proof: {
      labels: { node: 'n' },
      at: '20m',
      fires: {
        [of('flyball_node_memory_available_bytes', { node: 'n' })]: '30x30',
        [of('flyball_node_memory_total_bytes', { node: 'n' })]: '1000x30',
      },
      silent: {
        [of('flyball_node_memory_available_bytes', { node: 'n' })]: '500x30',
        [of('flyball_node_memory_total_bytes', { node: 'n' })]: '1000x30',
      },
    },
  },
  {
    name: 'FlyballDiskFills',
    uid: 'flyball-disk',
    severity: 'ticket',
    value: 'min by (node) (flyball_node_filesystem_avail_bytes / flyball_node_filesystem_size_bytes)',
    threshold: { is: '<', than: 0.1 },
    for: '15m',
    summary: 'The disk of the data directory on {{ $labels.node }} is nine tenths full',
    description: 'On a full disk changes are refused. Remove models that nobody uses, or give it more room.',
    proof: {
      labels: { node: 'n' },
      at: '20m',
      fires: {
        [of('flyball_node_filesystem_avail_bytes', { node: 'n' })]: '50x30',
        [of('flyball_node_filesystem_size_bytes', { node: 'n' })]: '1000x30',
      },
      silent: {
        [of('flyball_node_filesystem_avail_bytes', { node: 'n' })]: '500x30',
        [of('flyball_node_filesystem_size_bytes', { node: 'n' })]: '1000x30',
      },
    },
  },
];

export const alerts: readonly Alert[] = [...budgetAlerts, ...stateAlerts];

/** As Prometheus takes it. */
export const expressionOf = ({ value, threshold }: Alert): string => `(${value}) ${threshold.is} ${threshold.than}`;
