/** The decision of now, asked every few seconds while its page is seen. */
import type { WhyView } from '../../../../src/api/schemas.ts';
import { deploymentPath } from '../../api/caller.ts';
import { ask } from '../../api/client.ts';
import { useResource, type Asking } from '../../live/use-resource.ts';

const everyMs = 3000;

export function useWhy(name: string): Asking<WhyView> {
  return useResource(`why ${name}`, (signal) => ask<WhyView>(`${deploymentPath(name)}/why`, { signal }), { everyMs });
}
