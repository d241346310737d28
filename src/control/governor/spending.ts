/** What a deployment may cost, and what of it the running period has cost already. */
import type { DeploymentGovernor } from '../../api/schemas.ts';
import type { Deployment } from '../deployments.ts';
import type { Governed } from './governed.ts';

/** Undefined without a budget, and before the first look. */
export function spendingOf({ record }: Deployment, own: Governed | undefined): DeploymentGovernor['budget'] {
  const { budget } = record.specification.scaling ?? {};
  const { mind, last } = own ?? {};
  if (budget === undefined || mind === undefined || last === undefined) return undefined;
  const { spent, at, periodStartedAt } = mind.state().memory;
  const passedMs = (at - periodStartedAt) * 1000;
  return { ...budget, spent, periodEndsAt: Math.round(last.wallMs + budget.periodMs - passedMs) };
}
