/** How things stand, in one sentence to be heard. Pure. */
import type { StatusView } from '../../../src/api/schemas.ts';

export function spoken({ deployments, warnings, governor }: StatusView): string {
  const bad = deployments.filter(({ state }) => state === 'degraded' || state === 'failed');
  const late = deployments.filter(({ sloP99Ms, load }) => sloP99Ms !== null && (load.p99Ms ?? 0) > sloP99Ms);
  const names = (list: typeof deployments): string =>
    list
      .slice(0, 3)
      .map(({ name }) => name)
      .join(', ') + (list.length > 3 ? ` and ${list.length - 3} more` : '');
  const parts = [`${deployments.length} deployments`];
  if (governor?.halt !== undefined) parts.push('the governor is stopped');
  if (bad.length > 0) parts.push(`in trouble: ${names(bad)}`);
  if (late.length > 0) parts.push(`over their objective: ${names(late)}`);
  if (bad.length === 0 && late.length === 0) parts.push('all within their objectives');
  if (warnings.length > 0) parts.push(`${warnings.length} warnings`);
  return `${parts.join('; ')}.`;
}
