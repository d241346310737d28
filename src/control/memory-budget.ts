/**
 * What replicas hold and would need, as core/upkeep/memory must know it, and what it decided, as reconcile must know it.
 * It measures nothing: sizes are the replicas' own words, or expected from the model's file before there were any.
 */
import { fitMemory, type Holder, type Wish } from '../core/upkeep/memory.ts';
import type { Upkeep } from '../core/upkeep/actions.ts';
import type { MemoryHold } from '../core/upkeep/seen.ts';
import type { Deployment } from './deployments.ts';
import type { DemandSeen } from './observations.ts';
import type { Replica } from './replica.ts';

/** A runner with the runtime in it and a model of a few kilobytes was measured at 136 to 145 MiB. */
const emptyRunnerBytes = 144 * 1_048_576;
/** The runtime's copy of the weights, and what it computes with: a guess until the first replica has told. */
const fileFactor = 2;

export function expectedBytes(deployment: Deployment, template: string): number {
  const measured = deployment.residentBytes.get(template);
  if (measured !== undefined) return measured;
  const version = deployment.versions.get(template.slice(0, template.indexOf('/')));
  return emptyRunnerBytes + fileFactor * (version?.bytes ?? 0);
}

/** One whose process is ending holds its memory until it is gone. */
export function heldBytes(deployment: Deployment, replica: Replica): number {
  return replica.readyAt === undefined && !replica.adopted
    ? expectedBytes(deployment, replica.template)
    : (replica.residentBytes ?? expectedBytes(deployment, replica.template));
}

export interface Considered {
  readonly deployment: Deployment;
  readonly replicas: readonly Replica[];
  readonly demand: DemandSeen | undefined;
  /** As it would be if memory did not matter. */
  readonly upkeep: Upkeep;
}

export interface BudgetDecision {
  /** Names of deployments that are put to sleep for others. */
  readonly sleep: ReadonlySet<string>;
  readonly holds: ReadonlyMap<string, MemoryHold>;
}

export function withinBudget(budgetBytes: number, all: readonly Considered[], at: number): BudgetDecision {
  const decision = fitMemory(
    budgetBytes,
    all.map(toHolder),
    all.flatMap((each) => toWishes(each, at)),
  );
  const holds = new Map<string, MemoryHold>();
  for (const [name, why] of decision.held) {
    const one = all.find(({ deployment }) => deployment.name === name);
    const template = one?.upkeep.actions.find(({ kind }) => kind === 'start');
    const bytes =
      one === undefined || template?.kind !== 'start' ? 0 : expectedBytes(one.deployment, template.template);
    const held = all.reduce((sum, each) => sum + toHolder(each).heldBytes, 0);
    const reason =
      why === 'never'
        ? `a replica needs about ${mebibytes(bytes)}, more than node.memory, ${mebibytes(budgetBytes)}`
        : `waits for memory: a replica needs about ${mebibytes(bytes)}, ${mebibytes(held)} of node.memory's ${mebibytes(budgetBytes)} are held` +
          (decision.sleep.length > 0 ? `; ${decision.sleep.join(', ')} gives it back` : '');
    holds.set(name, { startsMax: decision.granted.get(name) ?? 0, never: why === 'never', reason });
  }
  return { sleep: new Set(decision.sleep), holds };
}

function toHolder({ deployment, replicas, demand, upkeep }: Considered): Holder {
  const bytes = (of: readonly Replica[]): number =>
    of.reduce((sum, replica) => sum + heldBytes(deployment, replica), 0);
  const { wakefulness, record } = deployment;
  const leaving = replicas.filter(({ phase, stopping }) => stopping || phase === 'draining' || phase === 'failed');
  const isBusy =
    demand === undefined ||
    demand.waiting > 0 ||
    demand.inFlight > 0 ||
    replicas.some(({ phase, inFlight = 0 }) => inFlight > 0 || (phase !== 'ready' && phase !== 'draining'));
  return {
    name: deployment.name,
    heldBytes: bytes(replicas),
    leavingBytes: bytes(leaving),
    idle:
      record.specification.replicas.min === 0 && wakefulness.kind === 'awake' && !isBusy && upkeep.state !== 'updating',
    activeAt: wakefulness.kind === 'awake' ? wakefulness.activeAt : 0,
  };
}

function toWishes({ deployment, replicas, demand, upkeep }: Considered, at: number): readonly Wish[] {
  const starts = upkeep.actions.filter((action) => action.kind === 'start');
  const count = starts.reduce((sum, start) => sum + start.count, 0);
  if (count === 0) return [];
  const active = replicas.filter(
    ({ phase, stopping }) => !stopping && phase !== 'draining' && phase !== 'failed',
  ).length;
  return [
    {
      name: deployment.name,
      replicas: count,
      must: Math.max(0, deployment.record.specification.replicas.min - active),
      bytesEach: Math.max(...starts.map(({ template }) => expectedBytes(deployment, template))),
      since: at - (demand?.waitingMs ?? 0),
    },
  ];
}

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 1_048_576)} MiB`;
