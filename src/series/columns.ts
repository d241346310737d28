/**
 * What is recorded of a deployment, second by second: its load as gateways count it, and its replicas. Rates, service
 * time and utilisation are quotients of these and are made when somebody reads, so that they stay right over any step.
 */

/** How several slots become one: added up, the mean of them, the largest of them, or as it was at the end. */
export type Fold = 'sum' | 'mean' | 'max' | 'last';

interface Kind {
  readonly fold: Fold;
  /** In one sentence, with its unit. */
  readonly about: string;
}

export const columnKinds = {
  arrivals: { fold: 'sum', about: 'Requests offered: admitted, queued or refused.' },
  completed: { fold: 'sum', about: 'Requests answered.' },
  failed: { fold: 'sum', about: 'Requests answered with a fault of the platform.' },
  shed: { fold: 'sum', about: 'Requests refused or given up by the platform.' },
  late: { fold: 'sum', about: 'Requests answered after the objective.' },
  busyMs: { fold: 'sum', about: 'Milliseconds for which replicas were occupied, over all of them.' },
  inFlight: { fold: 'mean', about: 'Requests being computed.' },
  queued: { fold: 'max', about: 'Requests that waited, the most of them at the end of a second.' },
  queueWaitMs: { fold: 'max', about: 'Milliseconds that the request waited which was answered last; the longest.' },
  p50Ms: { fold: 'mean', about: 'Median latency of the last answers of a second, milliseconds; the mean of them.' },
  p99Ms: { fold: 'max', about: '99th percentile of the last answers of a second, milliseconds; the worst of them.' },
  ready: { fold: 'mean', about: 'Replicas that serve.' },
  starting: { fold: 'max', about: 'Replicas that were ordered and do not serve yet.' },
  target: { fold: 'last', about: 'Replicas that are wanted.' },
  ifHpa: {
    fold: 'last',
    about: 'Replicas that HPA would have held on what was seen; not known while idle and as wanted.',
  },
  ifKpa: { fold: 'last', about: 'Replicas that KPA would have held.' },
  ifRay: { fold: 'last', about: 'Replicas that Ray Serve would have held.' },
  ifThresholds: { fold: 'last', about: 'Replicas that a rule of 80 % and 40 % of CPU would have held.' },
} as const satisfies Readonly<Record<string, Kind>>;

export type Column = keyof typeof columnKinds;
export const columns = Object.keys(columnKinds) as readonly Column[];

/** What policies that only look on would have held. */
export const referenceColumns = ['ifHpa', 'ifKpa', 'ifRay', 'ifThresholds'] as const satisfies readonly Column[];
export type ReferenceColumn = (typeof referenceColumns)[number];

/** One slot of a deployment; NaN: not known. */
export type Row = Readonly<Record<Column, number>>;

/** What goes on while nobody asks: the rest of an idle slot is zero, or has no value. */
export interface Held {
  readonly ready: number;
  readonly starting: number;
  readonly target: number;
}

export const idleRow = ({ ready, starting, target }: Held): Row => ({
  arrivals: 0,
  completed: 0,
  failed: 0,
  shed: 0,
  late: 0,
  busyMs: 0,
  inFlight: 0,
  queued: 0,
  queueWaitMs: Number.NaN,
  p50Ms: Number.NaN,
  p99Ms: Number.NaN,
  ready,
  starting,
  target,
  ifHpa: Number.NaN,
  ifKpa: Number.NaN,
  ifRay: Number.NaN,
  ifThresholds: Number.NaN,
});
