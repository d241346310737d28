/**
 * Replicas that are stuck in their work: they answer when they are asked, so nothing else finds them. One is ended when
 * no caller has waited for any of it for as long as a replica may be silent, and it is far beyond what it should take.
 * Another server has a limit of its own (`server.callMs`): what it does with a call can be worth waiting for, for instance
 * compiling a graph that every later call needs.
 */
import { silentMsDefault } from '../config/specification.ts';
import type { Deployment } from './deployments.ts';
import type { Fleet } from './fleet.ts';
import type { ConnectedGateway } from './connected-gateway.ts';
import { unwantedMsOf } from './observations.ts';

/** How long a replica of it may be silent, milliseconds; a record that an earlier release has written knows no such setting. */
export function silentMsOf(deployment: Pick<Deployment, 'record'> | undefined): number {
  const health: Partial<Deployment['record']['specification']>['health'] = deployment?.record.specification.health;
  return health?.silentMs ?? silentMsDefault;
}

/** To be called when a gateway has told something. */
export function endStuck(
  fleet: Pick<Fleet, 'replicas' | 'kill'>,
  gateways: readonly ConnectedGateway[],
  silentMs: (deployment: string) => number,
): void {
  for (const { id, deployment, order } of fleet.replicas()) {
    if (order.launch.runtime.kind === 'server') continue;
    const unwantedMs = unwantedMsOf(gateways, id);
    const limitMs = silentMs(deployment);
    if (unwantedMs === undefined || unwantedMs < limitMs) continue;
    fleet.kill(
      id,
      `it still computes ${limitMs} ms (health.silentMs) after the last caller has gone, far beyond its time`,
    );
  }
}
