/** What is held of one service is written to the engine, and what others have changed of it is told. */
import type { Drift } from '../../../control/orchestrator.ts';
import type { SwarmEngine } from './engine.ts';
import type { TaskFiles } from './files.ts';
import type { Group } from './group.ts';
import { planService } from './plan.ts';
import { labels, serviceSpec, type SwarmPlatform } from './service-spec.ts';

export interface ServiceWriter {
  readonly engine: SwarmEngine;
  readonly files: TaskFiles;
  readonly platform: SwarmPlatform;
  /** False while a deployment is only advised: what others change of its services is then told and left. */
  readonly corrects: (deployment: string) => boolean;
  readonly onDrift: (drift: Drift) => void;
}

/** True when the tasks that it leads to are to be looked at at once, or it has to be written again. */
export async function writeService(
  { engine, files, platform, corrects, onDrift }: ServiceWriter,
  group: Group,
  { at, now }: { readonly at: number; readonly now: number },
): Promise<boolean> {
  const { service, order, name, deployment } = group;
  const plan = planService(service, group, now, {
    made: group.serviceId !== undefined,
    corrects: corrects(deployment),
  });
  if (plan.drift !== group.drift && plan.drift !== undefined) {
    onDrift({ deployment, reason: `service ${name}: ${plan.drift}` });
  }
  group.drift = plan.drift;
  group.planned = plan.replicas;
  switch (plan.write.kind) {
    case 'none':
      return false;
    case 'create': {
      if (order === undefined) return false;
      const spec = serviceSpec(name, order, platform, await files.keep(name, order, at));
      await engine.createService({
        ...spec,
        Labels: { ...spec.Labels, [labels.held]: String(plan.replicas) },
        Mode: { Replicated: { Replicas: plan.replicas } },
      });
      return true;
    }
    case 'update':
      if (service === undefined || !(await engine.updateService(service, plan.write.spec))) return true;
      return plan.replicas !== (service.spec.Mode.Replicated?.Replicas ?? 0);
    case 'remove':
      if (service !== undefined) await engine.removeService(service.id);
      group.service = group.serviceId = undefined;
      return true;
    default:
      return plan.write satisfies never;
  }
}
