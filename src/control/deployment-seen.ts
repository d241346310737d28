/** A deployment and its replicas as core/upkeep must see them. It reads, and changes nothing. */
import type { Clock } from '../clock.ts';
import type { DeploymentSeen, ReplicaPhase } from '../core/upkeep/seen.ts';
import type { Deployment } from './deployments.ts';
import type { GatewayChannel } from './gateway-channel.ts';
import { outstandingOf } from './observations.ts';
import type { Publisher } from './publisher.ts';
import { isRestorable, type Replica } from './replica.ts';

export interface Observer {
  phaseOf(replica: Replica): ReplicaPhase;
  /** `waiting` requests find no replica. */
  observe(deployment: Deployment, replicas: readonly Replica[], waiting: number): DeploymentSeen;
}

export function openObserver(
  channel: Pick<GatewayChannel, 'gateways'>,
  publisher: Pick<Publisher, 'isDrained'>,
  clock: Clock,
): Observer {
  function phaseOf(replica: Replica): ReplicaPhase {
    const { phase } = replica;
    if (phase === 'ready' || phase === 'failed') return { kind: phase };
    if (phase !== 'draining') return { kind: 'starting' };
    return {
      kind: 'draining',
      since: replica.drainingSince ?? clock.now(),
      drained: publisher.isDrained(replica),
      restorable: isRestorable(replica),
    };
  }

  function observe(deployment: Deployment, replicas: readonly Replica[], waiting: number): DeploymentSeen {
    const { record, target, serving, wakefulness } = deployment;
    const gateways = channel.gateways();
    return {
      name: deployment.name,
      desired: record.desired,
      min: record.specification.replicas.min,
      max: record.specification.replicas.max,
      asleep: wakefulness.kind === 'asleep',
      waiting,
      ...(target === undefined ? {} : { target: target.key }),
      ...(serving === undefined ? {} : { serving: serving.key }),
      removing: deployment.removing,
      drainMs: record.specification.drainMs,
      failures: deployment.failures,
      probationMs: record.specification.probationMs,
      ...(deployment.reserve === undefined ? {} : { reserve: deployment.reserve }),
      replicas: replicas
        .filter((replica) => replica.deployment === deployment.name && !replica.stopping)
        .map((replica) => ({
          id: replica.id,
          template: replica.template,
          phase: phaseOf(replica),
          startedAt: replica.startedAt,
          outstanding: outstandingOf(gateways, replica.id) ?? replica.inFlight ?? 0,
        })),
    };
  }

  return { phaseOf, observe };
}
