/** Who else has a say about a deployment's replicas at this look, and may move or hold them. */
import { holdingClaims } from '../../core/alerts/signal.ts';
import type { Observation } from '../../core/scaling/observation.ts';
import type { Claim } from '../../core/scaling/reconcile.ts';
import { doubtOf } from '../../core/scaling/signals.ts';
import type { Deployment } from '../deployments.ts';
import { isRefused } from './aftermath.ts';
import type { Digging, Governed } from './governed.ts';

/** `outside`: those of alerts. Ends in `own` what was refused for a while, when that is over. */
export function claimsOn(
  deployment: Deployment,
  own: Governed,
  seen: Observation,
  outside: readonly Claim[],
  at: number,
): readonly Claim[] {
  if (own.digging !== undefined && !isRefused(own.digging, own.offered, at)) own.digging = undefined;
  return claimsWith(deployment, own.digging, seen, outside);
}

/** `digging`: what is refused for a while. */
export function claimsWith(
  deployment: Deployment,
  digging: Digging | undefined,
  seen: Observation,
  outside: readonly Claim[],
): readonly Claim[] {
  const claims: Claim[] = [];
  const { serving, target } = deployment;
  if (serving !== undefined && target !== undefined && serving.key !== target.key) {
    claims.push({ by: `release of version ${target.launch.version}`, min: seen.fleet.target });
  }
  // Gateways that are gone make replicas idle, and idle is what a rule of processor time would act on.
  const unknown = doubtOf('the load', seen.signals.arrivals);
  if (unknown !== undefined) claims.push({ by: unknown, min: seen.fleet.target });
  if (digging !== undefined) claims.push(digging.claim);
  const { holdOn = [] } = deployment.record.specification.scaling ?? {};
  return [...claims, ...holdingClaims(holdOn, seen.external, seen.fleet.target), ...outside];
}
