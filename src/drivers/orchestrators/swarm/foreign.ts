/**
 * Replicas in somebody else's image: before the first of them starts, the nodes are given what it takes to run Flyball's
 * runner in any container, and the image is asked what it starts. Everything else is the Swarm orchestrator's.
 */
import type { Clock } from '../../../clock.ts';
import type { Orchestrator, ReplicaOrder } from '../../../control/orchestrator.ts';
import { FlyballError } from '../../../errors.ts';
import type { SwarmEngine } from './engine.ts';
import {
  foreignImage,
  lacksTools,
  toolsLabel,
  toolsService,
  toolsSpec,
  toolsState,
  withImage,
  type ToolsPlatform,
} from './foreign-spec.ts';

export interface ForeignOptions {
  readonly engine: Pick<SwarmEngine, 'image' | 'services' | 'createService' | 'removeService' | 'tasks' | 'nodes'>;
  readonly clock: Clock;
  readonly platform: ToolsPlatform;
}

const lookMs = 250;
/** Some hundred megabytes are copied from the image to a volume of the same disk. */
const fillMs = 90_000;
/** What the others may still take once the first node is done: a task that goes to one of them earlier is tried again. */
const othersMs = 15_000;

export function withForeignImages(
  orchestrator: Orchestrator,
  { engine, clock, platform }: ForeignOptions,
): Orchestrator {
  const mine = `${toolsLabel}=${platform.name}`;
  let filled: Promise<void> | undefined;

  const failed = (message: string, cause?: unknown): FlyballError =>
    new FlyballError('REPLICA_FAILED', message, { cause });
  const pause = (): Promise<void> => new Promise((resolve) => void clock.after(lookMs, resolve));

  async function fill(): Promise<void> {
    const name = toolsService(platform);
    for (const { id, spec } of await engine.services(mine)) if (spec.Name !== name) await engine.removeService(id);
    await engine.createService(toolsSpec(platform));
    const began = clock.now();
    let firstAt: number | undefined;
    for (;;) {
      const [services, tasks, nodes] = await Promise.all([engine.services(mine), engine.tasks(mine), engine.nodes()]);
      const service = services.find(({ spec }) => spec.Name === name);
      const own = tasks.filter(({ serviceId }) => serviceId === service?.id);
      const { done, waiting, failed: without } = toolsState(own, nodes);
      const now = clock.now();
      if (done.length > 0) firstAt ??= now;
      const isOver = waiting.length === 0 || now - began > fillMs || now - (firstAt ?? now) > othersMs;
      if (isOver && firstAt !== undefined) return;
      if (isOver) {
        await again();
        throw failed(
          `no node could be given what a replica in another image needs (service ${name}): ${[...without, ...waiting].join('; ')}`,
        );
      }
      await pause();
    }
  }

  /** The next start gives them out anew. */
  async function again(): Promise<void> {
    filled = undefined;
    for (const { id } of await engine.services(mine)) await engine.removeService(id);
  }

  async function ready(): Promise<void> {
    filled ??= fill();
    try {
      await filled;
    } catch (error) {
      filled = undefined;
      throw error;
    }
  }

  return {
    ...orchestrator,
    async start(given, signal) {
      const image = foreignImage(given);
      if (image === undefined) return orchestrator.start(given, signal);
      const order = await complete(given, image);
      await ready();
      signal.throwIfAborted();
      try {
        return await orchestrator.start(order, signal);
      } catch (error) {
        if (!(error instanceof FlyballError) || !lacksTools(error.message)) throw error;
        await again();
        const why = `what a replica in another image needs was not on its node (volume ${platform.name}-tools), and is put there again`;
        throw failed(`${why}: ${error.message}`, error);
      }
    },
    async clear() {
      for (const { id } of await engine.services(mine)) await engine.removeService(id);
      await orchestrator.clear?.();
    },
  };

  async function complete(given: ReplicaOrder, image: string): Promise<ReplicaOrder> {
    const order = withImage(given, await engine.image(image));
    if ('lacks' in order) throw failed(order.lacks);
    return order;
  }
}
