/**
 * What the nodes of a cluster leave of a deployment's growth: how many replicas of it they can hold, as a bound of the
 * governor with its reason. Pure. It is unknown, and bounds nothing, while the managers have not spoken for a while.
 */
import type { RoomLimit } from '../../core/scaling/constrain.ts';
import { fitting, type Asked } from '../../core/placement/room.ts';
import type { ClusterSeen } from '../nodes/cluster.ts';
import type { ReplicaOrder } from '../orchestrator.ts';
import type { Replica } from '../replica.ts';

/** What the managers said longer ago is of another cluster. */
const knownForMs = 10_000;

type Found = Pick<Replica, 'phase' | 'stopping' | 'address'>;
type Order = Pick<ReplicaOrder, 'deployment' | 'resources' | 'placement'>;

/** `at`: monotonic milliseconds. Undefined where nothing is known to be in the way. */
export function roomOf(
  seen: ClusterSeen | undefined,
  order: Order,
  replicas: readonly Found[],
  at: number,
): RoomLimit | undefined {
  if (seen === undefined || at - seen.at > knownForMs) return undefined;
  const fit = fitting(seen.nodes, toAsked(order));
  if (fit.kind === 'unknown') return undefined;
  // A task that holds room on a node may not be known here yet, and a replica may be on a node that the managers have
  // lost for a moment: whichever are more are there. Those of a node that is down are not.
  const tasks = seen.nodes
    .filter(({ state }) => state !== 'down')
    .reduce((sum, node) => sum + (node.tasks[order.deployment] ?? 0), 0);
  const there = replicas.filter((replica) => !replica.stopping && replica.phase !== 'failed' && replica.address);
  const max = Math.max(tasks, there.length) + fit.more;
  const reason =
    fit.more === 0
      ? `no node has room for a ${ordinal(max + 1)}: ${fit.why}`
      : `the nodes have room for ${max}: ${fit.why}`;
  return { max, reason };
}

function toAsked({ resources: { cpu, memoryBytes, generic }, placement }: Order): Asked {
  return { cores: cpu, memoryBytes, generic, constraints: placement?.constraints ?? [] };
}

/** 1 → 1st, 12 → 12th, 23 → 23rd. */
function ordinal(count: number): string {
  const suffix = { one: 'st', two: 'nd', few: 'rd', other: 'th' }[
    rules.select(count) as 'one' | 'two' | 'few' | 'other'
  ];
  return `${count}${suffix}`;
}
const rules = new Intl.PluralRules('en', { type: 'ordinal' });
