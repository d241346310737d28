/** Rates, errors and durations of each deployment and its burn rates, computed once for boards and alerts. */
import { burnExpression, burnRecord, burnWindows, objectives } from './objectives.ts';

export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface RecordingGroup {
  readonly name: string;
  /** Longer than the scrapes where the window is long. */
  readonly interval?: string;
  readonly rules: readonly RecordingRule[];
}

const window = '5m';

const quantile = (q: number, name: string, histogram: string): RecordingRule => ({
  record: `deployment:${histogram}:${name}_rate${window}`,
  expr: `histogram_quantile(${q}, sum by (deployment, le) (rate(${histogram}_bucket[${window}])))`,
});

const red: readonly RecordingRule[] = [
  {
    record: `deployment:flyball_requests:rate${window}`,
    expr: `sum by (deployment) (rate(flyball_requests_total{deployment!=""}[${window}]))`,
  },
  {
    record: `deployment_outcome:flyball_requests:rate${window}`,
    expr: `sum by (deployment, outcome) (rate(flyball_requests_total{deployment!=""}[${window}]))`,
  },
  {
    record: `deployment:flyball_requests_bad:ratio_rate${window}`,
    expr: `sum by (deployment) (rate(flyball_requests_bad_total[${window}])) / (sum by (deployment) (rate(flyball_requests_total{deployment!=""}[${window}])) > 0)`,
  },
  quantile(0.5, 'p50', 'flyball_request_duration_seconds'),
  quantile(0.99, 'p99', 'flyball_request_duration_seconds'),
  quantile(0.99, 'p99', 'flyball_queue_duration_seconds'),
];

const burnGroup = (name: string, windows: readonly string[], interval?: string): RecordingGroup => ({
  name,
  ...(interval !== undefined && { interval }),
  rules: windows.flatMap((each) =>
    objectives.map((objective) => ({
      record: burnRecord(each),
      labels: { slo: objective.slo },
      expr: burnExpression(objective, each),
    })),
  ),
});

const isLong = (each: string): boolean => each.endsWith('d') || each === '6h';

export const recordingGroups: readonly RecordingGroup[] = [
  { name: 'flyball-red', rules: red },
  burnGroup(
    'flyball-burn',
    burnWindows.filter((each) => !isLong(each)),
  ),
  burnGroup('flyball-burn-slow', burnWindows.filter(isLong), '2m'),
];
