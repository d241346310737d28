/** Which of the policies is the deployment's own. Pure. */
import { labelOf } from '../../../../src/rehearsal/report/verdict.ts';
import type { Rehearsal } from './kinds.ts';

/** Its place in the report; undefined where it was not tried, or with other parameters. */
export function ownOf({ report, arming }: Pick<Rehearsal, 'report' | 'arming'>): number | undefined {
  const index = report.policies.findIndex((row) => labelOf(row) === arming.policy);
  return index === -1 ? undefined : index;
}
