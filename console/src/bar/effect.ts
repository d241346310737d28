/** What approving would do, in a sentence. Pure. */
import type { ApprovalView, DeploymentView } from '../../../src/api/schemas.ts';

const replicas = (count: number): string => `${count} ${count === 1 ? 'replica' : 'replicas'}`;

export function effectOf({ from, to }: ApprovalView, deployment: DeploymentView | undefined): string {
  const ready = deployment?.counts.ready;
  const now = ready === undefined ? '' : ` ${ready} ready now.`;
  if (to > from) return `${replicas(to - from)} more would be started.${now}`;
  const stays = to === 0 ? 'none would stay; the next request wakes it' : `${to} would stay`;
  return `${replicas(from - to)} would be drained and ended, without dropping a request; ${stays}.${now}`;
}
