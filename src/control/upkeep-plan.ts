/**
 * What upkeep would do now for each deployment: who is awake, what reconcile says, and what the node's memory leaves of
 * it. It carries nothing out; all that it changes is who sleeps, and what is known of sizes.
 */
import type { Clock } from '../clock.ts';
import { idleMsDefault } from '../config/specification.ts';
import type { Upkeep } from '../core/upkeep/actions.ts';
import { reconcile } from '../core/upkeep/reconcile.ts';
import { asleep, attend } from '../core/upkeep/sleep.ts';
import { publish } from '../telemetry/events.ts';
import type { ColdStarts } from './cold-start.ts';
import type { Observer } from './deployment-seen.ts';
import type { Deployment, Deployments } from './deployments.ts';
import type { GatewayChannel } from './gateway-channel.ts';
import { withinBudget } from './memory-budget.ts';
import { demandOf, type DemandSeen } from './observations.ts';
import type { Replica } from './replica.ts';

export interface DeploymentPlan {
  readonly deployment: Deployment;
  readonly upkeep: Upkeep;
}

export interface UpkeepPlanParts {
  readonly deployments: Deployments;
  readonly channel: Pick<GatewayChannel, 'gateways'>;
  readonly coldStarts: Pick<ColdStarts, 'woken'>;
  readonly observer: Observer;
  readonly clock: Clock;
}

const tell = (action: 'sleep' | 'wake', subject: string, reason: string): void =>
  publish('flyball:control', { action, subject, by: 'upkeep', reason });

/** What each would do, bounded by what memory there is; whoever is put to sleep for others is so from now on. */
export function planUpkeep(parts: UpkeepPlanParts, replicas: readonly Replica[]): readonly DeploymentPlan[] {
  const { deployments, channel, observer, clock } = parts;
  const demandFor = demandOf(channel.gateways(), clock.wall());
  const at = clock.now();
  const all = deployments.all().map((deployment) => {
    const demand = demandFor(deployment.name);
    const own = replicas.filter((replica) => replica.deployment === deployment.name);
    for (const { template, phase, residentBytes } of own) {
      if (phase === 'ready' && residentBytes !== undefined) deployments.noteSize(deployment, template, residentBytes);
    }
    attendTo(parts, deployment, own, demand);
    const upkeep = reconcile(observer.observe(deployment, own, demand?.waiting ?? 0), at);
    return { deployment, replicas: own, demand, upkeep };
  });
  const budgetBytes = deployments.memoryBudgetBytes();
  // Without a wish nothing has to be divided.
  if (budgetBytes === undefined || !all.some(({ upkeep }) => upkeep.actions.some(({ kind }) => kind === 'start'))) {
    return all;
  }
  const { sleep, holds } = withinBudget(budgetBytes, all, at);
  return all.map(({ deployment, replicas: own, demand, upkeep }) => {
    const memory = holds.get(deployment.name);
    const sleeps = sleep.has(deployment.name);
    if (memory === undefined && !sleeps) return { deployment, upkeep };
    if (sleeps) {
      deployment.wakefulness = asleep;
      const whose = [...holds.keys()].join(', ') || 'others';
      tell('sleep', deployment.name, `its memory is needed for ${whose}; nobody asks it`);
    }
    const seen = observer.observe(deployment, own, demand?.waiting ?? 0);
    return { deployment, upkeep: reconcile(memory === undefined ? seen : { ...seen, memory }, at) };
  });
}

/** Falls asleep or is woken; what follows of it is reconcile's. */
function attendTo(
  { coldStarts, observer, clock }: UpkeepPlanParts,
  deployment: Deployment,
  replicas: readonly Replica[],
  demand: DemandSeen | undefined,
): void {
  const { name, record, target, serving, failures, wakefulness: before } = deployment;
  const { min, idleMs = idleMsDefault } = record.specification.replicas;
  const own = replicas.filter((replica) => replica.deployment === name && !replica.stopping);
  const first = (replica: Replica): boolean => replica.readyAt === undefined && !failures.has(replica.template);
  const outstanding = own.reduce((sum, { inFlight = 0 }) => sum + inFlight, 0);
  const at = clock.now();
  deployment.wakefulness = attend(
    before,
    {
      min,
      idleMs,
      demand: demand === undefined ? undefined : { ...demand, inFlight: Math.max(demand.inFlight, outstanding) },
      unproved:
        serving !== undefined && target !== undefined && serving.key !== target.key && !failures.has(target.key),
      starting: own.some((replica) => observer.phaseOf(replica).kind === 'starting' && first(replica)),
    },
    at,
  );
  const found = own.some(({ phase }) => phase !== 'failed');
  if (demand?.waitingMs !== undefined && min === 0 && !found) coldStarts.woken(name, demand.waitingMs, at);
  if (before.kind === deployment.wakefulness.kind || min > 0) return;
  if (before.kind === 'awake') tell('sleep', name, `no request for ${idleMs} ms`);
  else
    tell('wake', name, demand?.waitingMs === undefined ? 'a version has to prove itself' : `${demand.waiting} waiting`);
}
