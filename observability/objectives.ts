/**
 * How fast each deployment spends its error budgets, as recording rules, and the windows at which that is told: multi-window,
 * multi-burn-rate alerts of the Google SRE Workbook, chapter 5 ("Alerting on SLOs", table 5-8). At a rate of 1 the budget of
 * 30 days is spent in 30 days. The short window ends an alert soon after its cause.
 */

export interface Objective {
  readonly slo: 'availability' | 'latency';
  /** What fails, as a message says it. */
  readonly failing: string;
  /** Requests that count against it, and all that count, as counters with the label `deployment`. */
  readonly bad: string;
  readonly all: string;
  /** Share of the requests that may fail, a value for each deployment. */
  readonly budget: string;
}

export const objectives: readonly Objective[] = [
  {
    slo: 'availability',
    failing: 'requests fail or are refused',
    bad: 'flyball_requests_bad_total',
    all: 'flyball_requests_total{deployment!=""}',
    budget: '1 - max by (deployment) (flyball_slo_availability_ratio)',
  },
  {
    slo: 'latency',
    failing: 'answers come after the objective',
    bad: 'flyball_requests_late_total',
    all: 'flyball_requests_total{deployment!="",outcome="ok"}',
    // 99 of 100, as slo.p99Ms is defined.
    budget: '0.01 + 0 * max by (deployment) (flyball_slo_availability_ratio)',
  },
];

export interface Burn {
  readonly factor: number;
  readonly long: string;
  readonly short: string;
  readonly severity: 'page' | 'ticket';
  /** Of the budget of 30 days, that is spent when it fires. */
  readonly spent: string;
}

export const burns: readonly Burn[] = [
  { factor: 14.4, long: '1h', short: '5m', severity: 'page', spent: '2 %' },
  { factor: 6, long: '6h', short: '30m', severity: 'page', spent: '5 %' },
  { factor: 3, long: '1d', short: '2h', severity: 'ticket', spent: '10 %' },
  { factor: 1, long: '3d', short: '6h', severity: 'ticket', spent: '10 %' },
];

export const burnWindows = ['5m', '30m', '1h', '2h', '6h', '1d', '3d'] as const;

export const burnRecord = (window: string): string => `deployment_slo:flyball_burn:rate${window}`;

/**
 * Times the allowed share of failing requests. Nobody who asked was failed while nobody asks: 0, not absent, so that an
 * alert ends; without a scrape there is no value at all.
 */
export function burnExpression({ bad, all, budget }: Objective, window: string): string {
  const sum = (counter: string): string => `sum by (deployment) (rate(${counter}[${window}]))`;
  return `(${sum(bad)} / (${sum(all)} > 0)) / on (deployment) (${budget}) or on (deployment) 0 * (${budget})`;
}

/** The smaller of the two: both have to be above the factor. */
export function burnOf(slo: string, { long, short }: Burn): string {
  const [slow, fast] = [long, short].map((window) => `${burnRecord(window)}{slo="${slo}"}`);
  return `(${slow} <= ${fast}) or ${fast}`;
}
