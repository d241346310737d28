/** How much of what is offered comes to nothing. Pure. */
import type { DeploymentView } from '../../../../src/api/schemas.ts';

/** Failed and shed over what was offered; 0 where nothing was. An answer may fail after the second it was asked in. */
export function lostShare({ requestsPerSecond, errorsPerSecond, shedPerSecond }: DeploymentView['load']): number {
  const lost = errorsPerSecond + shedPerSecond;
  return lost === 0 ? 0 : Math.min(1, lost / Math.max(requestsPerSecond, lost));
}
