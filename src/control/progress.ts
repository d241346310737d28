/**
 * From what happens to replicas and deployments to the steps and the end of the operations that wait for them.
 * An operation succeeds when each of its deployments is as wanted, and fails when one of them cannot load: upkeep goes
 * on trying, but whoever waits is told the runtime's words at once. It fails too when the version that it waits for took
 * over, ended, and was taken back: nobody tries that again.
 */
import { FlyballError, type ErrorCode } from '../errors.ts';
import { toProblem } from '../api/problems.ts';
import type { Problem } from '../api/schemas.ts';
import { wantedOf, type Deployment, type Deployments } from './deployments.ts';
import type { Replica } from './replica.ts';
import type { Operations, RunningOperation } from './operations.ts';

export interface Progress {
  replicaStarts(deployment: string, id: string, version: string): void;
  replicaReady(replica: Replica): void;
  replicaFailed(replica: Replica, reason: string): void;
  replicaGone(replica: Replica): void;
  serves(deployment: string, version: string): void;
  look(deployments: Deployments, replicas: readonly Replica[]): void;
}

const startText = (deployment: string, id: string, version: string): string =>
  `${deployment}: replica ${id} of version ${version} loads and warms up`;

const problem = (code: ErrorCode, message: string): Problem => toProblem(new FlyballError(code, message));

export function trackProgress(operations: Operations): Progress {
  /** Ends of the steps that are under way, by replica. */
  const ends = new Map<string, ReturnType<RunningOperation['begin']>[]>();
  /** By operation: the replicas whose start it has told. */
  const known = new Map<string, Set<string>>();
  /** By operation and deployment: what went wrong there. */
  const failures = new Map<string, Map<string, Problem>>();

  /** One that was started before the operation was, by an upload that its deployment follows, is waited for all the same. */
  function takeUp(operation: RunningOperation, replicas: readonly Replica[]): void {
    const taken = known.get(operation.id) ?? new Set<string>();
    known.set(operation.id, taken);
    for (const { id, deployment, version, phase } of replicas) {
      if (taken.has(id) || !operation.deployments.includes(deployment)) continue;
      taken.add(id);
      if (phase !== 'starting' && phase !== 'loading' && phase !== 'warming') continue;
      ends.set(id, [...(ends.get(id) ?? []), operation.begin(startText(deployment, id, version))]);
    }
  }

  const of = (deployment: string): readonly RunningOperation[] =>
    operations.running().filter(({ deployments }) => deployments.includes(deployment));

  function endSteps(id: string, state: 'ok' | 'failed', text: string, durationMs?: number): void {
    for (const end of ends.get(id) ?? []) end(state, text, durationMs);
    ends.delete(id);
  }

  /** The version that is wanted had taken over, ended, and was taken back; nobody tries it until it is asked for anew. */
  function rejection(deployment: Deployment): Problem | undefined {
    const { name, target, failures } = deployment;
    const failure = target === undefined ? undefined : failures.get(target.key);
    if (failure?.kind !== 'rejected') return undefined;
    return problem(
      'VERSION_REVERTED',
      `${name}: version ${target?.launch.version} took over and ended: ${failure.reason}`,
    );
  }

  function isSettled(deployment: Deployment | undefined, replicas: readonly Replica[]): boolean {
    if (deployment === undefined) return true;
    const { upkeep, removing, target, serving } = deployment;
    if (removing || upkeep === undefined || upkeep.actions.length > 0) return false;
    if (upkeep.state === 'idle' || upkeep.state === 'asleep') {
      return serving?.key === target?.key && !replicas.some(({ deployment: name }) => name === deployment.name);
    }
    return upkeep.state === 'serving' && target !== undefined && serving?.key === target.key;
  }

  /** Scaling asks how many, not which: a version that was taken back is no matter of it. */
  function isScaled(deployment: Deployment | undefined, replicas: readonly Replica[]): boolean {
    if (deployment === undefined || deployment.removing || rejection(deployment) === undefined)
      return isSettled(deployment, replicas);
    const { name, serving, upkeep } = deployment;
    const ready = replicas.filter(
      (replica) => replica.deployment === name && replica.template === serving?.key && replica.phase === 'ready',
    );
    return upkeep?.actions.length === 0 && ready.length === wantedOf(deployment);
  }

  /** Why it is waited for in vain. */
  function troubleOf(
    operation: RunningOperation,
    name: string,
    deployment: Deployment | undefined,
  ): Problem | undefined {
    const told = failures.get(operation.id)?.get(name);
    if (told !== undefined || deployment === undefined || deployment.removing) return told;
    if (deployment.targetError !== undefined) return toProblem(deployment.targetError);
    return operation.kind === 'scale' ? undefined : rejection(deployment);
  }

  return {
    replicaStarts(deployment, id, version) {
      const begun = of(deployment).map((operation) => {
        known.set(operation.id, (known.get(operation.id) ?? new Set()).add(id));
        return operation.begin(startText(deployment, id, version));
      });
      if (begun.length > 0) ends.set(id, begun);
    },
    replicaReady(replica) {
      const { id, deployment } = replica;
      endSteps(id, 'ok', `${deployment}: replica ${id} loaded and warmed`, replica.readyAfterMs);
    },
    replicaFailed(replica, reason) {
      const { id, deployment, version } = replica;
      endSteps(id, 'failed', `${deployment}: replica ${id} failed: ${reason}`);
      for (const operation of of(deployment)) {
        const found = failures.get(operation.id) ?? new Map<string, Problem>();
        found.set(deployment, problem('MODEL_LOAD_FAILED', `${deployment}: version ${version}: ${reason}`));
        failures.set(operation.id, found);
      }
    },
    replicaGone(replica) {
      const { id, deployment } = replica;
      endSteps(id, 'ok', `${deployment}: replica ${id} is not wanted any more`);
      if (replica.readyAt === undefined) return;
      for (const operation of of(deployment)) operation.step(`${deployment}: replica ${id} drained and stopped`, 'ok');
    },
    serves(deployment, version) {
      for (const operation of of(deployment)) operation.step(`${deployment}: version ${version} serves`, 'ok');
    },
    look(deployments, replicas) {
      for (const operation of operations.running()) {
        // It waits for no replica, and ends by itself.
        if (operation.kind === 'rehearse') continue;
        takeUp(operation, replicas);
        const isDone = operation.kind === 'scale' ? isScaled : isSettled;
        let error: Problem | undefined;
        const done = operation.deployments.every((name) => {
          const deployment = deployments.find(name);
          if (!isDone(deployment, replicas)) {
            const trouble = troubleOf(operation, name, deployment);
            error ??= trouble;
            return trouble !== undefined;
          }
          // Scaling in and removing are done when what was to go is gone; a deploy when the new version serves.
          return (
            operation.kind !== 'scale' ||
            !replicas.some(
              (replica) =>
                replica.deployment === name &&
                replica.phase === 'draining' &&
                replica.template !== deployment?.reserve?.template,
            )
          );
        });
        if (!done) continue;
        operation.end(error);
        failures.delete(operation.id);
        known.delete(operation.id);
      }
    },
  };
}
