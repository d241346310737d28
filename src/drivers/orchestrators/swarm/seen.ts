/**
 * Everything of this platform on the Swarm as the last round has seen it: its services, their tasks, the nodes. What is
 * found of a replica is read from here; nothing here asks the engine.
 */
import type { FoundReplica } from '../../../control/orchestrator.ts';
import type { ClusterMember } from '../../../core/placement/node.ts';
import type { SwarmService, SwarmTask } from './engine.ts';
import { newGroup, type Group } from './group.ts';
import { readPorts, readRoster } from './roster.ts';
import { readLife } from './secrets-life.ts';
import { labels, taskPort } from './service-spec.ts';

export interface Seen {
  /** By the name of the service. */
  readonly groups: Map<string, Group>;
  nodes: ReadonlyMap<string, ClusterMember>;
  /** Nodes that the managers do not reach. */
  unreached: ReadonlySet<string>;
}

export interface Answers {
  readonly services: readonly SwarmService[];
  readonly tasks: readonly SwarmTask[];
  readonly nodes: readonly ClusterMember[];
}

export function nothingSeen(): Seen {
  return { groups: new Map(), nodes: new Map(), unreached: new Set() };
}

/** A service that was not known is one that an earlier control has made: it is adopted with its roster. */
export function takeIn(seen: Seen, { services, tasks, nodes }: Answers, now: number): void {
  seen.nodes = new Map(nodes.map((node) => [node.id, node]));
  seen.unreached = new Set(nodes.filter(({ state }) => state !== 'ready').map(({ id }) => id));
  for (const group of seen.groups.values()) group.service = group.life = undefined;
  for (const service of services) {
    const { Name: name, Labels } = service.spec;
    const group = seen.groups.get(name) ?? adopted(name, Labels, now);
    seen.groups.set(name, group);
    group.service = service;
    group.serviceId = service.id;
    group.life = readLife(Labels[labels.certificate]);
    group.serviceIds.add(service.id);
  }
  for (const group of seen.groups.values()) {
    group.tasks = tasks.filter(({ serviceId }) => group.serviceIds.has(serviceId));
    group.ports = new Map(
      group.tasks.flatMap(({ id, ports }) => {
        const port = ports[taskPort] ?? group.ports.get(id);
        return port === undefined ? [] : [[id, port] as const];
      }),
    );
  }
}

function adopted(name: string, labelled: Readonly<Record<string, string>>, now: number): Group {
  const group = newGroup(name, labelled[labels.deployment] ?? '', labelled[labels.kind]);
  const roster = readRoster(labelled[labels.roster]);
  group.ports = readPorts(labelled[labels.ports]);
  // Whoever had ordered those without a task is gone, and will order again.
  group.roster = { ...roster, replicas: new Map([...roster.replicas].filter(([, task]) => task !== undefined)) };
  for (const id of roster.lost) group.lostSince.set(id, now);
  return group;
}

export function groupOf({ groups }: Seen, replica: string): Group | undefined {
  return [...groups.values()].find(({ roster }) => roster.replicas.has(replica));
}

/** Undefined while its task does not run, or the engine has not said where it is reached. */
export function foundReplica(
  { nodes }: Seen,
  group: Group,
  id: string,
  task = taskOf(group, id),
): FoundReplica | undefined {
  const port = task === undefined ? undefined : group.ports.get(task.id);
  const node = task?.nodeId === undefined ? undefined : nodes.get(task.nodeId);
  if (task === undefined || task.state !== 'running' || port === undefined || node === undefined) return undefined;
  return {
    id,
    address: {
      kind: 'tcp',
      host: node.address,
      port,
      tls: true,
      runner: task.id,
      certificate: `replica/${group.name}`,
    },
    where: `task ${task.id} on ${node.name}`,
    node: node.name,
    limits: limitsOf(group),
  };
}

export function taskOf(group: Group, replica: string): SwarmTask | undefined {
  const id = group.roster.replicas.get(replica);
  return id === undefined ? undefined : group.tasks.find((task) => task.id === id);
}

export function limitsOf(group: Group): FoundReplica['limits'] {
  const limits = serviceLimits(group);
  return limits === undefined || Object.keys(limits).length === 0 ? { kind: 'none' } : { kind: 'enforced' };
}

/** Bytes that a task of it may use; of one whose service is gone too, what was ordered. */
export function memoryLimitOf(group: Group): number | undefined {
  return serviceLimits(group)?.MemoryBytes ?? group.order?.resources.memoryBytes;
}

function serviceLimits({ service }: Group): { readonly MemoryBytes?: number } | undefined {
  return (
    service?.spec.TaskTemplate['Resources'] as { readonly Limits?: { readonly MemoryBytes?: number } } | undefined
  )?.Limits;
}
