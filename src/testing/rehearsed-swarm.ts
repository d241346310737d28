/**
 * A Swarm on a virtual clock, by the rules of its orchestrator and scheduler as they were seen on a real one: a slot is
 * refilled after a failure, a node that is gone counts as alive until its heartbeats have been missed, and who goes when
 * there are to be fewer is chosen by how many of the service are on each node, not by who is running.
 */
import type { ClusterMember } from '../core/placement/node.ts';
import { FlyballError } from '../errors.ts';
import type {
  KeptFile,
  NewFile,
  ServiceSpec,
  SwarmEngine,
  SwarmService,
  SwarmTask,
} from '../drivers/orchestrators/swarm/engine.ts';
import { isAlive } from '../drivers/orchestrators/swarm/roster.ts';
import type { SwarmPlatform } from '../drivers/orchestrators/swarm/service-spec.ts';
import { newTask } from './swarm-task.ts';
import type { VirtualClock } from './virtual-clock.ts';

export interface RehearsedSwarm {
  engine(): SwarmEngine;
  /** The container of a task ends by itself. */
  fail(taskId: string, exitCode: number): void;
  /** Its power is gone; the managers notice later. */
  lose(node: string): void;
  /** By hand. */
  scale(service: string, replicas: number): void;
  remove(service: string): void;
  /** False: no quorum of managers, nothing is answered. */
  reachable: boolean;
  /** `2/2 running, slots 1 2`, by service. */
  show(): string;
  tasks(): readonly SwarmTask[];
  /** Configs and secrets. */
  kept(): number;
}

export interface RehearsedSwarmOptions {
  readonly clock: VirtualClock;
  readonly nodes: readonly { readonly name: string; readonly room: number }[];
  readonly startMs?: number;
  readonly heartbeatMs?: number;
  readonly restartDelayMs?: number;
  readonly port: number;
  /** In the engine's words, why it will not have a service; undefined when it will. */
  readonly refuses?: (spec: ServiceSpec) => string | undefined;
}

interface Task extends SwarmTask {
  state: SwarmTask['state'];
  desired: SwarmTask['desired'];
  nodeId: string | undefined;
  error: string | undefined;
  exitCode: number | undefined;
  ports: Record<number, number>;
}

interface Service {
  readonly id: string;
  version: number;
  spec: ServiceSpec;
}

const endMs = 200;

/** Of the tests that play the driver against it. */
export const rehearsedPlatform: SwarmPlatform = {
  name: 'p',
  image: 'i',
  doors: [],
  artefactsRoot: '/a',
  stopGraceMs: 5000,
  certificateMs: 86_400_000,
};

export function rehearsedSwarm(options: RehearsedSwarmOptions): RehearsedSwarm {
  const { clock, startMs = 1000, heartbeatMs = 12_000, restartDelayMs = 100, port } = options;
  const services = new Map<string, Service>();
  const tasks: Task[] = [];
  const files = new Map<string, KeptFile & NewFile>();
  const listeners: (() => void)[] = [];
  const dead = new Set<string>();
  const down = new Set<string>();
  let next = 1;
  let nextTask = 1;
  let isReachable = true;

  const aliveOf = (id: string): Task[] => tasks.filter((task) => task.serviceId === id && isAlive(task));
  const onNode = (node: string): Task[] => tasks.filter((task) => task.nodeId === node && isAlive(task));
  const changed = (): void => listeners.forEach((listener) => listener());

  function place(task: Task): void {
    const own = (node: string): number => onNode(node).filter(({ serviceId }) => serviceId === task.serviceId).length;
    const [best] = options.nodes
      .filter(({ name, room }) => !down.has(name) && onNode(name).length < room)
      .toSorted((a, b) => own(a.name) - own(b.name) || onNode(a.name).length - onNode(b.name).length);
    if (best === undefined) {
      task.state = 'pending';
      task.error = `no suitable node (insufficient resources on ${options.nodes.length} nodes)`;
      clock.after(500, () => {
        if (isAlive(task)) place(task);
      });
      return;
    }
    task.state = 'starting';
    task.error = undefined;
    task.nodeId = best.name;
    clock.after(startMs, () => {
      if (!isAlive(task) || dead.has(best.name)) return;
      task.state = 'running';
      task.ports = { [port]: 32_768 + Number(task.id.slice(1)) };
    });
  }

  function make(service: Service, slot: number): void {
    const task: Task = newTask(`t${nextTask++}`, { serviceId: service.id, slot, nodeId: undefined, state: 'new' });
    tasks.push(task);
    place(task);
  }

  function end(task: Task, desired: 'shutdown' | 'remove'): void {
    task.desired = desired;
    if (task.nodeId === undefined) task.state = 'shutdown';
    else if (!dead.has(task.nodeId)) clock.after(endMs, () => void (task.state = 'shutdown'));
  }

  /** The nth copy of its node goes first; among those of one node, one that does not run. */
  function leastWanted(alive: readonly Task[]): Task | undefined {
    const seen = new Map<string, number>();
    const ranked = alive
      .toSorted((a, b) => Number(b.state === 'running') - Number(a.state === 'running'))
      .map((task) => {
        if (task.nodeId === undefined) return { task, rank: Infinity };
        const rank = (seen.get(task.nodeId) ?? 0) + 1;
        seen.set(task.nodeId, rank);
        return { task, rank };
      });
    return ranked.toSorted((a, b) => b.rank - a.rank)[0]?.task;
  }

  function reconcile(service: Service): void {
    const wanted = service.spec.Mode.Replicated?.Replicas ?? 0;
    while (aliveOf(service.id).length > wanted) {
      const task = leastWanted(aliveOf(service.id));
      if (task === undefined) break;
      end(task, 'remove');
    }
    for (let slot = 1; aliveOf(service.id).length < wanted; slot += 1)
      if (!aliveOf(service.id).some((task) => task.slot === slot)) make(service, slot);
  }

  const byName = (name: string): Service => {
    const found = [...services.values()].find(({ spec }) => spec.Name === name);
    if (found === undefined) throw new Error(`there is no service ${name}`);
    return found;
  };
  function removeService(id: string): void {
    services.delete(id);
    for (const task of aliveOf(id)) end(task, 'remove');
    changed();
  }
  function update(service: Service, spec: ServiceSpec): void {
    service.spec = spec;
    service.version += 1;
    reconcile(service);
    changed();
  }
  async function answer<T>(give: () => T): Promise<T> {
    if (!isReachable) throw new FlyballError('ENGINE_UNREACHABLE', 'the swarm does not have a leader');
    return give();
  }

  return {
    get reachable() {
      return isReachable;
    },
    set reachable(value) {
      isReachable = value;
    },
    fail(taskId, exitCode) {
      const task = tasks.find(({ id }) => id === taskId);
      const service = services.get(task?.serviceId ?? '');
      if (task === undefined) throw new Error(`there is no task ${taskId}`);
      task.state = exitCode === 0 ? 'complete' : 'failed';
      task.desired = 'shutdown';
      task.exitCode = exitCode;
      task.error = exitCode === 0 ? undefined : `task: non-zero exit (${exitCode})`;
      if (service !== undefined) clock.after(restartDelayMs, () => reconcile(service));
    },
    lose(node) {
      dead.add(node);
      clock.after(heartbeatMs, () => {
        down.add(node);
        for (const task of onNode(node)) task.desired = 'shutdown';
        for (const service of services.values()) reconcile(service);
        changed();
      });
    },
    scale(name, replicas) {
      const service = byName(name);
      update(service, { ...service.spec, Mode: { Replicated: { Replicas: replicas } } });
    },
    remove: (name) => removeService(byName(name).id),
    show: () =>
      [...services.values()]
        .map(({ id, spec }) => {
          const alive = aliveOf(id);
          const words = alive.map(
            (task) => `${task.id} ${task.state}${task.nodeId === undefined ? '' : ` on ${task.nodeId}`}`,
          );
          return `${spec.Mode.Replicated?.Replicas}: ${words.join(', ')}`;
        })
        .join(' | '),
    tasks: () => tasks,
    kept: () => files.size,
    engine: (): SwarmEngine => ({
      ownAddress: () => answer(() => '10.0.0.1'),
      image: () => answer(() => undefined),
      services: () =>
        answer(() => [...services.values()].map(({ id, version, spec }): SwarmService => ({ id, version, spec }))),
      createService: (spec) =>
        answer(() => {
          if ([...services.values()].some((each) => each.spec.Name === spec.Name)) return false;
          const refusal = options.refuses?.(spec);
          if (refusal !== undefined) throw new FlyballError('REPLICA_FAILED', `the Docker engine refused: ${refusal}`);
          const service = { id: `s${next++}`, version: 1, spec };
          services.set(service.id, service);
          reconcile(service);
          return true;
        }),
      updateService: ({ id, version }, spec) =>
        answer(() => {
          const service = services.get(id);
          if (service === undefined || service.version !== version) return false;
          update(service, spec);
          return true;
        }),
      removeService: (id) => answer(() => removeService(id)),
      tasks: () => answer(() => structuredClone(tasks)),
      nodes: () =>
        answer(() =>
          options.nodes.map(({ name }, index): ClusterMember => ({
            id: name,
            name,
            address: `10.0.0.${index + 1}`,
            role: index === 0 ? 'manager' : 'worker',
            state: down.has(name) ? 'down' : 'ready',
            availability: 'active',
            labels: {},
            whole: { cores: 2, memoryBytes: 1e9, generic: {} },
          })),
        ),
      placed: () => answer(() => []),
      keepConfig: (file) => answer(() => keep(file)),
      keepSecret: (file) => answer(() => keep(file)),
      configs: () => answer(() => [...files.values()]),
      secrets: () => answer(() => []),
      removeConfig: (id) => answer(() => files.delete([...files.values()].find((file) => file.id === id)?.name ?? '')),
      removeSecret: () => answer(() => true),
      lastWords: () => answer(() => ''),
      onChange: (listener) => void listeners.push(listener),
      async [Symbol.asyncDispose]() {},
    }),
  };

  function keep(file: NewFile): KeptFile {
    const kept = files.get(file.name) ?? { ...file, id: `f${next++}` };
    files.set(file.name, kept);
    return kept;
  }
}
