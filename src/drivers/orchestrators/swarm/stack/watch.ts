/** Waits until a service runs where it is to run, or until the engine has said often enough why it does not. */
import type { Clock } from '../../../../clock.ts';
import { takesTasks, type ClusterMember } from '../../../../core/placement/node.ts';
import type { ServiceSpec, SwarmEngine } from '../engine.ts';
import { labelOf } from './make.ts';
import { stackLabels } from './order.ts';
import { isGivenUp, standingOf, type Trouble } from './standing.ts';

export interface Watch {
  readonly engine: SwarmEngine;
  readonly clock: Clock;
  readonly platform: string;
  /** As it was made last. */
  readonly spec: ServiceSpec;
  /** Tasks that were there before. */
  readonly seen: ReadonlySet<string>;
  /** On how many nodes it is to run; undefined: on every node that is ready and takes tasks. */
  readonly count?: number;
  readonly timeoutMs: number;
  /** A trouble that is new, or told otherwise than before. */
  readonly onTrouble?: (text: string) => void;
}

export interface Watched {
  /** Where it runs. */
  readonly up: readonly ClusterMember[];
  /** Where it does not, and why; given up. */
  readonly down: readonly { readonly node: string | undefined; readonly why: string }[];
}

const pauseMs = 300;
const wordsBytesMax = 1500;

export async function watchService(watch: Watch, signal: AbortSignal): Promise<Watched> {
  const { engine, clock, platform, spec, seen, count, timeoutMs, onTrouble } = watch;
  const order = spec.Labels[stackLabels.order] ?? '';
  const begun = clock.now();
  const since = new Map<string, number>();
  const told = new Set<string>();
  for (;;) {
    signal.throwIfAborted();
    const [tasks, nodes] = await Promise.all([engine.tasks(labelOf(platform)), engine.nodes()]);
    const mine = tasks.filter(({ labels }) => labels?.[stackLabels.role] === spec.Labels[stackLabels.role]);
    const { up, troubles, isMakingRoom } = standingOf(mine, order, seen);
    const named = (id: string | undefined): ClusterMember | undefined => nodes.find((node) => node.id === id);
    const wanted = count ?? nodes.filter(takesTasks).length;
    const now = clock.now();
    const given: Trouble[] = [];
    for (const trouble of troubles) {
      const key = `${trouble.nodeId} ${trouble.why}`;
      // Who waits for a port that is about to be free has not begun to wait.
      const from = trouble.failures === 0 && isMakingRoom ? now : (since.get(key) ?? now);
      since.set(key, from);
      if (now - from > toldAfterMs && !told.has(key)) {
        told.add(key);
        onTrouble?.(`${placeOf(named(trouble.nodeId))}${trouble.why}`);
      }
      if (isGivenUp(trouble, now - from)) given.push(trouble);
    }
    const late = now - begun > timeoutMs;
    const running = up.flatMap((id) => named(id) ?? []);
    if (running.length >= wanted || running.length + given.length >= wanted || late) {
      const down = await Promise.all(
        (late ? troubles : given).map(async ({ nodeId, why, taskId }) => ({
          node: named(nodeId)?.name,
          why: `${why}${taskId === undefined ? '' : await wordsOf(engine, taskId)}`,
        })),
      );
      if (late && running.length + down.length < wanted)
        down.push({ node: undefined, why: `nothing more came within ${timeoutMs / 1000} s` });
      return { up: running, down };
    }
    await new Promise<void>((resolve) => void clock.after(pauseMs, resolve));
  }
}

const toldAfterMs = 2000;

const placeOf = (node: ClusterMember | undefined): string => (node === undefined ? '' : `${node.name}: `);

/** What it wrote last often says more than how it ended. */
async function wordsOf(engine: SwarmEngine, taskId: string): Promise<string> {
  const words = await engine.lastWords(taskId, wordsBytesMax).catch(() => '');
  return words === '' ? '' : `: ${words}`;
}
