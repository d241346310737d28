/** What the specification says about scaling, in the terms of the decision core. */
import type { DeploymentSpecification } from '../../config/specification.ts';
import type { MetricsSettings } from '../../config/metrics-specification.ts';
import type { Armed } from '../../core/scaling/arming.ts';
import type { Constraints } from '../../core/scaling/constrain.ts';
import type { Multiplier } from '../../core/scaling/external.ts';
import { aloneMs, objectiveMs } from '../../core/scaling/objective.ts';
import type { Rules } from '../../core/scaling/policies/hpa-behavior.ts';
import { policies, takesExternal } from '../../core/scaling/policies/list.ts';
import type { CostPoint } from '../../protocol/frames/messages.ts';
import type { PolicyChoice } from './mind.ts';

/** Records of an earlier release know no `scaling`. */
type Written = Partial<Pick<DeploymentSpecification, 'scaling'>>;

/** The rehearsing policy where there is one; else what is held stays. */
export function policyOf(specification: DeploymentSpecification): PolicyChoice {
  const { scaling }: Written = specification;
  const fallback = policies.some(({ name }) => name === 'slo') ? 'slo' : 'thresholds';
  const policy = scaling?.policy ?? fallback;
  return { policy, parameters: withExternal(policy, scaling?.parameters ?? {}, scaling?.metrics) };
}

/** The specification's metrics are the external metrics of a policy that has such. */
function withExternal(
  policy: string,
  parameters: PolicyChoice['parameters'],
  metrics: MetricsSettings | undefined,
): PolicyChoice['parameters'] {
  const external = Object.entries(metrics ?? {}).flatMap(([metric, { perReplica }]) =>
    perReplica === undefined ? [] : [{ metric, perReplica }],
  );
  if (external.length === 0 || !takesExternal(policy)) return parameters;
  return { external, ...(policy === 'keda' ? { trigger: 'external' } : {}), ...parameters };
}

export function multipliersOf({ scaling }: Written): readonly Multiplier[] {
  return Object.entries(scaling?.metrics ?? {}).flatMap(([metric, { multiplier }]) =>
    multiplier === undefined ? [] : [{ metric, ...multiplier }],
  );
}

/** The deployment that is asked for forecasts, where there is one. */
export function forecasterOf(specification: DeploymentSpecification): string | undefined {
  const { scaling }: Written = specification;
  return scaling?.forecaster;
}

/** The deployment that is asked for the headroom quantile, where there is one. */
export function setPointOf(specification: DeploymentSpecification): string | undefined {
  const { scaling }: Written = specification;
  return scaling?.setPoint;
}

/** Sleep and wake are upkeep's: whoever is awake has at least one. */
export function constraintsOf({ replicas, ...specification }: DeploymentSpecification): Constraints {
  const { scaling }: Written = specification;
  return {
    min: Math.max(1, replicas.min),
    max: replicas.max,
    upStabilizationSeconds: (scaling?.upStabilizationMs ?? 0) / 1000,
    downStabilizationSeconds: (scaling?.downStabilizationMs ?? 0) / 1000,
    upRate: rateOf(scaling?.upRate),
    downRate: rateOf(scaling?.downRate),
    blastRadius: scaling?.blastRadius ?? 1,
    reversalsPerHour: scaling?.reversalsPerHour ?? Number.POSITIVE_INFINITY,
    freezes: (scaling?.freezes ?? []).map(({ from, until, stops, reason }) => ({
      fromMs: Date.parse(from),
      untilMs: Date.parse(until),
      kind: stops,
      reason,
    })),
    cost:
      scaling?.budget === undefined
        ? null
        : {
            amount: scaling.budget.amount,
            periodSeconds: scaling.budget.periodMs / 1000,
            pricePerHour: scaling.budget.pricePerHour,
          },
  };
}

/** What holds a target back besides its bounds, in the specification's words and with every default. */
export function restraintsOf({ scaling }: Written): Readonly<Record<string, unknown>> {
  return {
    upStabilizationMs: scaling?.upStabilizationMs ?? 0,
    downStabilizationMs: scaling?.downStabilizationMs ?? 0,
    upRate: scaling?.upRate ?? null,
    downRate: scaling?.downRate ?? null,
    blastRadius: scaling?.blastRadius ?? 1,
    reversalsPerHour: scaling?.reversalsPerHour ?? null,
    freezes: scaling?.freezes ?? [],
    budget: scaling?.budget ?? null,
  };
}

/** What a rehearsal has to be of to arm it. `measuredMs`: the objective by which it is governed, where one is known. */
export function armedOf(name: string, specification: DeploymentSpecification, measuredMs: number | undefined): Armed {
  const { min, max } = constraintsOf(specification);
  const declared = specification.slo.p99Ms;
  return {
    deployment: name,
    ...policyOf(specification),
    min,
    max,
    latency:
      declared !== undefined
        ? { kind: 'declared', ms: declared }
        : measuredMs === undefined
          ? undefined
          : { kind: 'measured', ms: measuredMs },
    deadlineMs: specification.deadline.defaultMs,
    constraints: restraintsOf(specification),
  };
}

function rateOf(rate: DeploymentSpecification['scaling']['upRate']): Rules | null {
  if (rate === undefined) return null;
  const { replicas, percent, periodMs } = rate;
  const periodSeconds = periodMs / 1000;
  return {
    selectPolicy: 'Max',
    // Stabilisation is a stage of its own.
    stabilizationWindowSeconds: 0,
    policies: [
      ...(replicas === undefined ? [] : [{ type: 'Pods', value: replicas, periodSeconds } as const]),
      ...(percent === undefined ? [] : [{ type: 'Percent', value: percent, periodSeconds } as const]),
    ],
  };
}

/** Where nothing is known yet, milliseconds. */
const objectiveUnknownMs = 1000;

export function objectiveOf(specification: DeploymentSpecification, curve: readonly CostPoint[]): number {
  return objectiveMs(specification.slo.p99Ms, curve, specification.resources.cpu) ?? objectiveUnknownMs;
}

/** NaN where no warm-up has told. */
export function warmServiceMs(specification: DeploymentSpecification, curve: readonly CostPoint[]): number {
  return aloneMs(curve, specification.resources.cpu) ?? Number.NaN;
}
