/**
 * What the governor knows of one deployment from look to look: its mind, what was measured, what was decided last and
 * what is expected of it. Only the governor's loop changes it.
 */
import type { OutlookView } from '../../core/forecasting/outlook-view.ts';
import type { Decision, Said } from '../../core/scaling/decide.ts';
import { emptyLagBook, type LagBook } from '../../core/scaling/lag-book.ts';
import { emptyCapacity } from '../../core/scaling/measured-capacity.ts';
import type { RoomLimit } from '../../core/scaling/constrain.ts';
import type { Observation } from '../../core/scaling/observation.ts';
import type { Claim } from '../../core/scaling/reconcile.ts';
import type { Expectation, Health, Verdict } from '../../core/scaling/verify.ts';
import type { Mode } from '../../config/specification.ts';
import type { Forecasts } from './forecasts.ts';
import type { Inputs } from './inputs.ts';
import type { Mind, Thought } from './mind.ts';
import type { SetPoints, SetPointView } from './set-point.ts';

/** What became of a decision. */
export type Done =
  | { readonly kind: 'held' | 'advised' | 'asked' | 'moved'; readonly why: string }
  | {
      readonly kind: 'refused';
      readonly why: string;
      /** `overtaken`: mode, bounds or target have changed meanwhile. Absent in entries of an earlier release. */
      readonly because?: 'rejected' | 'halt' | 'busy' | 'overtaken';
    };

export interface LastLook {
  /** Unix milliseconds, for people. */
  readonly wallMs: number;
  readonly seen: Observation;
  readonly thought: Thought;
  /** Of the policy, or of the load as such. */
  readonly doubt: string | undefined;
  readonly done: Done;
  readonly mode: Mode;
  /** Its input has been in doubt for longer than a moment. */
  readonly doubtful: boolean;
  /** Of the nodes of a cluster, where it is known. */
  readonly room?: RoomLimit;
}

/** What is refused for a while, because it did not help. */
export interface Digging {
  readonly claim: Claim;
  /** Monotonic milliseconds. */
  readonly until: number;
  readonly reason: string;
  /** Requests per second that were asked for when it was found: far more of them is another case. Absent: it stands. */
  readonly offered?: number;
}

export interface Governed {
  mind: Mind | undefined;
  /** Its mind has begun with nothing, and may learn from what is on record. */
  recalls: boolean;
  forecasts: Forecasts | undefined;
  setPoints: SetPoints | undefined;
  lags: LagBook;
  capacity: Float64Array;
  /** When each was measured last, monotonic; of what was kept over a restart, when that was. */
  readonly capacityAt: Map<number, number>;
  serviceMs: number;
  queued: number;
  /** Replicas that were ready at the last look. */
  ready: number;
  /** Smoothed over some seconds, to be compared before and after. */
  health: Health;
  /** Requests per second that are asked for, smoothed alike. */
  offered: number;
  /** The load has been known since then without a break; absent while it is not. Monotonic milliseconds. */
  healthSince: number | undefined;
  /** The first look of this process. */
  watchedSince: number | undefined;
  /** The first of the looks at which gateways tell of nobody; absent while they tell of somebody. */
  silentSince: number | undefined;
  lookedAt: number | undefined;
  /** When what was learned of it was kept last, and how long until it is again. */
  keptAt: number;
  keepEveryMs: number;
  /** Everything is as it was, and nobody asks: it is looked at now and then. */
  quietSince: number | undefined;
  doubtSince: number | undefined;
  last: LastLook | undefined;
  /** The last that changed something, or would have: for the line in status. */
  changed: { readonly at: number; readonly decision: Decision; readonly done: Done } | undefined;
  journalled: { readonly key: string; readonly at: number; readonly isMove: boolean } | undefined;
  /** `again`: replicas were missing already when it was judged before. */
  expectation: (Expectation & { readonly entry: number; readonly again?: boolean }) | undefined;
  verdict: (Verdict & { readonly at: number; readonly entry: number }) | undefined;
  /** Until when raising is refused, because it did not help. */
  digging: Digging | undefined;
  busy: boolean;
  /** When the governor last moved its target, monotonic milliseconds. */
  movedAt: number | undefined;
}

export interface DecisionDetails {
  readonly mode: Mode;
  readonly done: Done;
  readonly decision: Decision;
  readonly inputs: Inputs;
  readonly others: readonly Said[];
  readonly forecasts?: OutlookView;
  readonly setPoint?: SetPointView;
  readonly recording?: string;
}

export function newGoverned(max: number): Governed {
  return {
    mind: undefined,
    recalls: false,
    forecasts: undefined,
    setPoints: undefined,
    lags: emptyLagBook,
    capacity: emptyCapacity(max),
    capacityAt: new Map(),
    serviceMs: Number.NaN,
    queued: 0,
    ready: 0,
    health: { completed: 0, late: 0, queued: 0, inFlight: 0 },
    offered: 0,
    healthSince: undefined,
    watchedSince: undefined,
    silentSince: undefined,
    lookedAt: undefined,
    keptAt: 0,
    keepEveryMs: 60_000,
    quietSince: undefined,
    doubtSince: undefined,
    last: undefined,
    changed: undefined,
    journalled: undefined,
    expectation: undefined,
    verdict: undefined,
    digging: undefined,
    busy: false,
    movedAt: undefined,
  };
}
