/** Carries out one action of upkeep: through the fleet, on the deployment's record, and aloud. */
import type { Clock } from '../clock.ts';
import type { Action } from '../core/upkeep/actions.ts';
import { noteFailure, noteRejection } from '../core/upkeep/failures.ts';
import { FlyballError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import { publish } from '../telemetry/events.ts';
import type { Deployment, Deployments } from './deployments.ts';
import type { Fleet } from './fleet.ts';
import type { Progress } from './progress.ts';
import { resourcesOf, templateKey, withSpinning, type TemplateLaunch } from './template.ts';
import type { Vet } from './vetting.ts';

export interface UpkeepActionParts {
  readonly vet: Vet;
  readonly deployments: Deployments;
  readonly fleet: Fleet;
  readonly progress: Progress;
  readonly store: Store;
  readonly clock: Clock;
  /** Cores of the machine. */
  readonly cores: number;
}

/** A replica that has been drained has nothing to finish; this is for its own tidying up. */
export const stopGraceMs = 5000;
const replicaNumberKey = 'control.replicaNumber';
/** Socket paths are short, so a replica's name holds only the beginning of its deployment's. */
const idPrefixMax = 24;

export async function carryOut(parts: UpkeepActionParts, deployment: Deployment, action: Action): Promise<void> {
  const { deployments, fleet, progress, clock } = parts;
  const tell = (what: string): void =>
    publish('flyball:control', { action: what, subject: deployment.name, by: 'upkeep', reason: action.reason });
  switch (action.kind) {
    case 'start': {
      const launch = launchOf(deployment, action.template);
      if (launch === undefined) return;
      tell(`start ${action.count}`);
      await startReplicas(parts, deployment, launch, action);
      break;
    }
    case 'drain': {
      await fleet.drain(action.replica, action.reason);
      break;
    }
    case 'stop': {
      fleet.stop(action.replica, action.reason, stopGraceMs);
      break;
    }
    case 'switch': {
      const launch = launchOf(deployment, action.template);
      if (launch === undefined) return;
      tell(`serve ${launch.version}`);
      deployments.serve(deployment, action.template, launch, action.reserve);
      progress.serves(deployment.name, launch.version);
      break;
    }
    case 'restore': {
      fleet.restore(action.replica, action.reason);
      break;
    }
    case 'revert': {
      const launch = launchOf(deployment, action.template);
      if (launch === undefined) return;
      tell(`serve ${launch.version} again`);
      const rejection = noteRejection(deployment.failures.get(action.rejected), clock.now());
      deployments.serve(deployment, action.template, launch);
      deployments.noteFailure(deployment, action.rejected, rejection);
      progress.serves(deployment.name, launch.version);
      break;
    }
    case 'forget': {
      tell('remove');
      await deployments.forget(deployment.name);
    }
  }
}

function launchOf(deployment: Deployment, template: string): TemplateLaunch | undefined {
  if (deployment.target?.key === template) return deployment.target.launch;
  if (deployment.serving?.key === template) return deployment.serving.launch;
  return deployment.reserve?.template === template ? deployment.reserve.launch : undefined;
}

async function startReplicas(
  { vet, deployments, fleet, progress, store, clock, cores }: UpkeepActionParts,
  deployment: Deployment,
  wanted: TemplateLaunch,
  { count, awaited }: Extract<Action, { kind: 'start' }>,
): Promise<void> {
  let launch: TemplateLaunch;
  try {
    launch = await vet(wanted, deployment.record);
  } catch (error) {
    if (!(error instanceof FlyballError) || error.code === 'DATA_DIR_UNUSABLE') throw error;
    // It was refused before it could load: the back-off and the words in status are those of any load that fails.
    const template = templateKey(wanted);
    const event = { kind: 'load', at: clock.now(), readyForMs: 0, reason: error.message } as const;
    deployments.noteFailure(deployment, template, noteFailure(deployment.failures.get(template), event));
    publish('flyball:fault', { where: `starting ${deployment.name}`, message: error.message });
    return;
  }
  const { spinning } = deployment.record.specification.resources;
  const resources = resourcesOf(deployment.record.specification);
  const { placement } = deployment.record.specification;
  // Durable before any is used, and once for all: a crowd that waits for many would wait for each write.
  const before = Number((await store.meta(replicaNumberKey)) ?? '0');
  await store.setMeta(replicaNumberKey, String(before + count));
  for (let number = before + 1; number <= before + count; number++) {
    const id = `${deployment.name.slice(0, idPrefixMax)}-${number}`;
    const own = withSpinning(launch, spinning, threadsFit(deployments, cores));
    const warmUp = awaited === true ? { ...own.warmUp, awaited } : own.warmUp;
    const order = { id, deployment: deployment.name, launch: { replica: id, ...own, warmUp }, resources, placement };
    progress.replicaStarts(deployment.name, id, launch.version);
    await fleet.start(deployment.name, order);
  }
}

/** Threads of everything that may run at once, against the cores. */
function threadsFit(deployments: Deployments, cores: number): boolean {
  let threads = 0;
  for (const { record, target } of deployments.all()) {
    const runtime = target?.launch.runtime;
    threads += record.specification.replicas.max * (runtime?.kind === 'onnx' ? runtime.threads : 1);
  }
  return threads <= cores;
}
