/**
 * What control knows → the table that gateways act on. Pure; the same facts give the same table, so that a table is
 * published only when something changed.
 * Invariant: only replicas that are loaded and warmed are `ready`; one that is to go is listed until nothing of it is
 * left. A version that was retired keeps taking from its own queue until that is empty, then its replicas drain.
 */
import { objectiveMs } from '../core/scaling/objective.ts';
import type {
  BatchingRoute,
  DeploymentRoute,
  ReplicaRoute,
  RoutingTable,
  VersionRoute,
} from '../gateway/routing-table.ts';
import type { CostPoint } from '../protocol/frames/messages.ts';
import type { ModelSignature } from '../protocol/tensor.ts';
import { toBytes, type DeploymentSpecification } from '../config/specification.ts';
import { toRetrySeconds } from '../core/queueing/admission.ts';
import type { Callers } from '../core/upkeep/actions.ts';

export interface RoutableVersion {
  readonly version: string;
  readonly digest: string;
  readonly platform: string;
  readonly signature: ModelSignature;
  readonly takesFiles: boolean;
  readonly batching: Partial<BatchingRoute> | undefined;
  readonly costCurve: readonly CostPoint[];
  readonly labels: Readonly<Record<string, string>>;
}

export interface RoutableReplica extends ReplicaRoute {
  readonly version: string;
}

export interface RoutableDeployment {
  readonly name: string;
  readonly model: string;
  readonly specification: DeploymentSpecification;
  /** Version that answers; absent until one was ready, and while the deployment is being removed. */
  readonly serving: string | undefined;
  /** What is known of the serving version and of each that a replica below runs. */
  readonly versions: readonly RoutableVersion[];
  readonly replicas: readonly RoutableReplica[];
  readonly notReadyReason: string | undefined;
  /** `replicas.min` is 0. */
  readonly wakes: boolean;
  /** What the last cold start took; undefined before one was measured. */
  readonly startMs: number | undefined;
  readonly callers: Callers;
}

export function deploymentRoute(deployment: RoutableDeployment): DeploymentRoute {
  const { name, model, specification, serving, wakes, startMs, callers } = deployment;
  const notReadyReason =
    deployment.notReadyReason ?? (wakes ? 'it sleeps until it is asked' : 'no replica is loaded and warmed yet');
  const versions = deployment.versions
    .map((version): VersionRoute => {
      const { batching, ...facts } = version;
      return {
        ...facts,
        batching: {
          sizeMax: specification.batching?.sizeMax ?? batching?.sizeMax ?? 'auto',
          delayMs: specification.batching?.delayMs ?? batching?.delayMs ?? 0,
        },
        replicas: deployment.replicas
          .filter((replica) => replica.version === version.version)
          .map(({ id, address, state }) => ({ id, address, state }))
          .toSorted((left, right) => (left.id < right.id ? -1 : 1)),
      };
    })
    .filter((version) => version.version === serving || version.replicas.length > 0)
    .toSorted((left, right) => (left.version < right.version ? -1 : 1));
  const answering = versions.some(
    (version) => version.version === serving && version.replicas.some(({ state }) => state === 'ready'),
  );
  const serves = versions.find(({ version }) => version === serving);
  const { slo, resources } = specification;
  const objective = objectiveMs(slo.p99Ms, serves?.costCurve ?? [], resources.cpu);
  return {
    name,
    model,
    ...(objective === undefined ? {} : { objectiveMs: objective }),
    ...(serving !== undefined && versions.some(({ version }) => version === serving) ? { serving } : {}),
    versions,
    queue: { ...specification.queue },
    deadline: { ...specification.deadline },
    ...(wakes ? { wakes } : {}),
    ...(startMs === undefined ? {} : { startSeconds: toRetrySeconds(startMs) }),
    // With a replica that is ready nobody needs to know; one that wakes says it all the same, so that the table stays.
    ...((answering && !wakes) || callers === 'refuse' ? {} : { callers }),
    ...(answering ? {} : { notReadyReason }),
    ...(specification.requestLog === undefined
      ? {}
      : { requestLog: { ...specification.requestLog, bytesMax: toBytes(specification.requestLog.bytesMax) } }),
  };
}

/** Everything but the revision, which is given when the table leaves. */
export function routingTable(
  serverName: string,
  deployments: readonly RoutableDeployment[],
): Omit<RoutingTable, 'revision'> {
  return {
    serverName,
    deployments: deployments.map(deploymentRoute).toSorted((left, right) => (left.name < right.name ? -1 : 1)),
  };
}
