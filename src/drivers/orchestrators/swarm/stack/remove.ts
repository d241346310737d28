/**
 * Takes a platform off a Swarm: gateways first, which finish what they have admitted, then control, which would start
 * replicas anew, then replicas, then what they were given. Volumes stay: they are their nodes', and hold what was learned.
 */
import type { Clock } from '../../../../clock.ts';
import { FlyballError } from '../../../../errors.ts';
import type { SwarmEngine } from '../engine.ts';
import { toolsLabel } from '../foreign-spec.ts';
import { isAlive } from '../roster.ts';
import { labels } from '../service-spec.ts';
import { labelOf } from './make.ts';
import { stackLabels, type Role } from './order.ts';

export interface Removal {
  readonly engine: SwarmEngine;
  readonly clock: Clock;
  readonly platform: string;
  readonly timeoutMs: number;
  /** What is waited for, in words. */
  readonly onStep: (text: string) => void;
}

/** Services that were removed; none when there was nothing. TIMED_OUT. */
export async function removeStack(removal: Removal, signal: AbortSignal): Promise<readonly string[]> {
  const { engine, clock, platform, timeoutMs, onStep } = removal;
  const deadline = clock.now() + timeoutMs;
  const own = labelOf(platform);
  const ofReplicas = `${labels.platform}=${platform}`;
  const removed: string[] = [];

  const pause = (): Promise<void> => new Promise((resolve) => void clock.after(pauseMs, resolve));
  const until = async (what: string, check: () => Promise<boolean>): Promise<void> => {
    while (!(await check())) {
      signal.throwIfAborted();
      if (clock.now() > deadline)
        throw new FlyballError('TIMED_OUT', `${what} were not gone after ${timeoutMs / 1000} s`);
      await pause();
    }
  };
  const end = async (label: string, isMeant: (labelled: Readonly<Record<string, string>>) => boolean, what: string) => {
    const services = (await engine.services(label)).filter(({ spec }) => isMeant(spec.Labels));
    if (services.length === 0) return;
    onStep(what);
    for (const { id, spec } of services) {
      await engine.removeService(id);
      removed.push(spec.Name);
    }
    const ids = new Set(services.map(({ id }) => id));
    const nodes = (): Promise<ReadonlySet<string>> =>
      engine.nodes().then((all) => new Set(all.filter(({ state }) => state === 'ready').map((node) => node.id)));
    await until(what, async () => {
      const [tasks, reached] = await Promise.all([engine.tasks(label), nodes()]);
      // Of a node that is gone nobody hears whether its tasks have ended.
      return !tasks.some(
        (task) =>
          ids.has(task.serviceId) &&
          (isAlive(task) || task.state === 'running') &&
          (task.nodeId === undefined || reached.has(task.nodeId)),
      );
    });
  };
  const isRole = (role: Role) => (labelled: Readonly<Record<string, string>>) => labelled[stackLabels.role] === role;

  await end(own, isRole('gateway'), 'gateways');
  await end(own, () => true, 'control');
  await end(ofReplicas, () => true, 'replicas');
  await end(`${toolsLabel}=${platform}`, () => true, 'what replicas in other images need');
  await until('secrets and configs', async () => {
    const gone: boolean[] = [];
    for (const label of [own, ofReplicas]) {
      for (const { id } of await engine.secrets(label)) gone.push(await engine.removeSecret(id));
      for (const { id } of await engine.configs(label)) gone.push(await engine.removeConfig(id));
    }
    return gone.every(Boolean);
  });
  return removed;
}

const pauseMs = 250;
