/**
 * Several policies through one scenario, and what comes of it as one object: what `flyball rehearse --json` prints.
 * Cost is replica-hours times their price; a replica costs from its order to its end, so starts are priced by their lag.
 */
import type { Policy } from '../../core/scaling/policy.ts';
import { clairvoyantReplicaSeconds } from '../clairvoyant.ts';
import { rehearse, type Outcome } from '../rehearse.ts';
import type { Scenario } from '../scenario.ts';
import { meanOf } from '../world/distribution.ts';
import { replicaRate, serviceTables } from '../world/service.ts';
import { durationMs, perSecond } from '../traffic/traffic.ts';

export interface Contender {
  readonly name: string;
  /** As given; what is not takes its default. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly policy: Policy;
  /** Replicas that serve when it begins, where it isn't the scenario's: a standing fleet has always stood. */
  readonly initial?: number;
}

export interface PolicyReport {
  readonly name: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly violationFraction: number;
  readonly shedFraction: number;
  /** Null when nothing was computed. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly replicaSeconds: number;
  readonly cost: number;
  readonly actions: number;
  readonly flaps: number;
}

export interface Report {
  readonly trace: string;
  readonly seed: number;
  readonly simulatedSeconds: number;
  /** The only figure that another run has otherwise. */
  readonly wallSeconds: number;
  readonly requests: number;
  readonly policies: readonly PolicyReport[];
  readonly clairvoyant: { readonly replicaSeconds: number };
}

export interface Rehearsed {
  readonly report: Report;
  /** Beside `report.policies`, for pictures. */
  readonly outcomes: readonly Outcome[];
}

export interface CompareOptions {
  /** Of one replica for an hour. */
  readonly pricePerHour: number;
  /** Tolerated share of violations, for the bound. */
  readonly tolerated: number;
  /** Monotonic milliseconds. */
  readonly now: () => number;
  /** Told before each, since the whole may take minutes. */
  readonly onPolicy?: (name: string) => void;
}

export function compare(scenario: Scenario, contenders: readonly Contender[], options: CompareOptions): Rehearsed {
  const { pricePerHour, now } = options;
  const begunAt = now();
  const outcomes: Outcome[] = [];
  for (const { name, policy, initial = scenario.initial } of contenders) {
    options.onPolicy?.(name);
    outcomes.push(rehearse({ ...scenario, initial }, policy));
  }
  const replicaSeconds = boundOf(scenario, options.tolerated);
  const policies = contenders.map(({ name, parameters }, index): PolicyReport => {
    const { violationFraction, shedFraction, p50Ms, p99Ms, replicaSeconds, actions, flaps } = outcomes[
      index
    ] as Outcome;
    return {
      name,
      parameters,
      violationFraction,
      shedFraction,
      p50Ms: known(p50Ms),
      p99Ms: known(p99Ms),
      replicaSeconds,
      cost: (replicaSeconds / 3600) * pricePerHour,
      actions,
      flaps,
    };
  });
  const report = {
    trace: scenario.traffic.name,
    seed: scenario.seed,
    simulatedSeconds: durationMs(scenario.traffic) / 1000,
    wallSeconds: (now() - begunAt) / 1000,
    requests: outcomes[0]?.requests ?? 0,
    policies,
    clairvoyant: { replicaSeconds },
  };
  return { report, outcomes };
}

const known = (value: number): number | null => (Number.isFinite(value) ? value : null);

function boundOf(scenario: Scenario, tolerated: number): number {
  return clairvoyantReplicaSeconds({
    perSecond: perSecond(scenario.traffic),
    serviceSeconds: 1 / replicaRate(serviceTables(scenario.service)),
    latencySeconds: scenario.latencyMs / 1000,
    lagSeconds: meanOf(scenario.lag) / 1000,
    tolerated,
    min: scenario.min,
  });
}
