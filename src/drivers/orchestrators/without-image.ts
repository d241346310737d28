/** A launch for a driver that runs processes of this machine: what is in an image has to be here by another way. Pure. */
import type { ReplicaOrder } from '../../control/orchestrator.ts';
import { FlyballError } from '../../errors.ts';

type Launch = ReplicaOrder['launch'];

/** REPLICA_FAILED where nothing but the image says how the server starts. */
export function withoutImage(launch: Launch): Launch {
  const { runtime } = launch;
  if (runtime.kind !== 'server' || runtime.image === undefined) return launch;
  const { image, ...rest } = runtime;
  if (rest.command === undefined && rest.address === undefined) {
    throw new FlyballError(
      'REPLICA_FAILED',
      `the image ${image} is run where the orchestrator runs images (orchestrator: {kind: swarm}); replicas here are processes of this machine: expected server.command, or server.address of one that runs`,
    );
  }
  return { ...launch, runtime: rest };
}
