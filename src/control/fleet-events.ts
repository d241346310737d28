/** What follows from what becomes of a replica: failures are remembered, and whoever follows its start is told. */
import type { Clock } from '../clock.ts';
import { noteFailure, noteReady, type FailureEvent } from '../core/upkeep/failures.ts';
import type { ColdStarts } from './cold-start.ts';
import type { Deployments } from './deployments.ts';
import type { FleetEvent } from './fleet.ts';
import type { Progress } from './progress.ts';
import type { Replica } from './replica.ts';

export interface FleetEventParts {
  readonly deployments: Pick<Deployments, 'find' | 'noteFailure'>;
  readonly progress: Progress;
  readonly coldStarts: Pick<ColdStarts, 'ready'>;
  readonly clock: Clock;
}

export function noteFleetEvent(parts: FleetEventParts, event: FleetEvent): void {
  const { deployments, progress, coldStarts } = parts;
  const { replica } = event;
  switch (event.kind) {
    case 'ready': {
      const deployment = deployments.find(replica.deployment);
      const failure = deployment?.failures.get(replica.template);
      if (deployment !== undefined && failure !== undefined && noteReady(failure) === undefined) {
        deployments.noteFailure(deployment, replica.template, undefined);
      }
      progress.replicaReady(replica);
      coldStarts.ready(replica);
      break;
    }
    case 'load-failed': {
      // What computes can end while its runner lives to tell: one that had served is a death like any other.
      const kind = replica.readyAt === undefined ? 'load' : 'death';
      // Of a cluster it is the node's disk, files and devices as much as the model that may be at fault.
      const reason = replica.node === undefined ? event.reason : `on ${replica.node}: ${event.reason}`;
      fail(parts, replica, { kind, told: kind === 'load', reason });
      if (replica.readyAt === undefined) progress.replicaFailed(replica, reason);
      break;
    }
    case 'died': {
      // One that never was ready is taken for a load that failed: trying again at once would burn the machine.
      fail(parts, replica, { kind: replica.readyAt === undefined ? 'load' : 'death', reason: event.reason });
      if (replica.readyAt === undefined) progress.replicaFailed(replica, event.reason);
      break;
    }
    case 'gone': {
      progress.replicaGone(replica);
      break;
    }
    case 'changed': {
      break;
    }
  }
}

function fail(
  { deployments, clock }: FleetEventParts,
  replica: Replica,
  event: Omit<FailureEvent, 'at' | 'readyForMs'>,
): void {
  const deployment = deployments.find(replica.deployment);
  if (deployment === undefined) return;
  const at = clock.now();
  const readyForMs = replica.readyAt === undefined ? 0 : at - replica.readyAt;
  const { template } = replica;
  const failure = noteFailure(deployment.failures.get(template), { ...event, at, readyForMs });
  deployments.noteFailure(deployment, template, failure);
}
