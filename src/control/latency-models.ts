/**
 * The latency model of each deployment, learned while it serves: calls from what gateways tell, starts and ends from the
 * fleet. It outlives control as well as the disk allows, and begins anew when another version serves or replicas may use
 * another share of the processor. It decides nothing.
 */
import type { Clock } from '../clock.ts';
import {
  emptyLatencyBook,
  isLatencyBook,
  noteCall,
  noteStarted,
  noteStopped,
  type LatencyBook,
} from '../core/latency/book.ts';
import { latencyModel, type LatencyModel } from '../core/latency/model.ts';
import type { Store } from '../store/store.ts';
import type { Deployment, Deployments } from './deployments.ts';
import type { Observation } from './connected-gateway.ts';
import { periodically } from './periodically.ts';
import type { Replica } from './replica.ts';

export interface DeploymentLatency extends LatencyModel {
  readonly deployment: string;
  /** The one that serves. */
  readonly version: string | null;
}

export interface LatencyModels {
  /** Each word of a gateway once. */
  observed(observation: Observation): void;
  /** `decideMs`: from the look that wanted it to its order; 0 where upkeep wanted it. */
  started(replica: Replica, all: readonly Replica[], decideMs: number): void;
  stopped(replica: Replica): void;
  of(deployment: Deployment): DeploymentLatency;
  stop(): Promise<void>;
}

const saveEveryMs = 60_000;
const keyOf = (deployment: string): string => `control.latency.${deployment}`;

/** Nothing that is kept here is worth more than control's start. */
function read(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? 'null');
  } catch {
    return undefined;
  }
}

/** What calls take depends on: the version with its settings, and the share of a core. */
function conditionsOf({ serving, record }: Deployment): string {
  return `${serving?.key ?? 'nothing'} on ${record.specification.resources.cpu ?? 'whole cores'}`;
}

export async function openLatencyModels(store: Store, deployments: Deployments, clock: Clock): Promise<LatencyModels> {
  const books = new Map<string, LatencyBook>();
  const changed = new Set<string>();
  /** Ready, and not yet in the table of a gateway, or of a version that does not serve yet; since when. */
  const unserved = new Map<string, { readonly since: number; note(serveMs: number): boolean }>();
  for (const { name } of deployments.all()) {
    const found = read(await store.meta(keyOf(name)));
    if (isLatencyBook(found)) books.set(name, found);
  }

  function bookOf(deployment: Deployment): LatencyBook {
    const { name } = deployment;
    const key = conditionsOf(deployment);
    const before = books.get(name);
    if (before?.key === key) return before;
    const begun = emptyLatencyBook(key, clock.wall());
    books.set(name, begun);
    return begun;
  }

  function served(id: string): void {
    const found = unserved.get(id);
    if (found === undefined) return;
    if (found.note(clock.now() - found.since)) unserved.delete(id);
  }

  async function save(): Promise<void> {
    for (const name of books.keys()) {
      if (deployments.find(name) !== undefined) continue;
      books.delete(name);
      changed.delete(name);
      await store.setMeta(keyOf(name), '');
    }
    for (const name of changed) {
      changed.delete(name);
      await store.setMeta(keyOf(name), JSON.stringify(books.get(name)));
    }
  }

  const stopSaving = periodically(clock, saveEveryMs, 'keeping latency models', save);

  return {
    observed({ versions, replicas }) {
      for (const { id } of replicas) if (unserved.size > 0) served(id);
      for (const { deployment: name, version, calls, batchSizeCap, batchSizeLearned } of versions) {
        const deployment = calls === undefined ? undefined : deployments.find(name);
        if (calls === undefined || deployment?.serving?.launch.version !== version) continue;
        const book = bookOf(deployment);
        book.cap = batchSizeCap;
        book.capLearned = batchSizeLearned === true;
        changed.add(name);
        const weight = calls.count / calls.samples.length;
        for (const [rows = 0, restMs = 0, busy = 1, nth = 1, ms = Number.NaN] of calls.samples)
          noteCall(book, { rows, restMs, busy, nth, ms }, weight);
      }
    },
    started(replica, all, decideMs) {
      const { id, orderedAt, readyAt, readyAfterMs, facts } = replica;
      const deployment = deployments.find(replica.deployment);
      if (deployment === undefined || readyAt === undefined || readyAfterMs === undefined) return;
      const { loadMs = 0, warmMs = 0 } = facts?.stages ?? {};
      const others = all.filter(
        (other) => other !== replica && other.orderedAt <= readyAt && (other.readyAt ?? Infinity) >= orderedAt,
      );
      const start = {
        // Those of one order follow each other within milliseconds.
        before: others.filter((other) => other.orderedAt <= orderedAt).length,
        beside: others.length,
        decideMs,
        startMs: Math.max(0, readyAfterMs - loadMs - warmMs),
        loadMs,
        warmMs,
      };
      unserved.set(id, {
        since: readyAt,
        note(serveMs) {
          // The first replicas of a version are ready before it serves.
          if (deployment.serving?.key !== replica.template) return false;
          noteStarted(bookOf(deployment), { ...start, serveMs });
          changed.add(deployment.name);
          return true;
        },
      });
    },
    stopped(replica) {
      unserved.delete(replica.id);
      const { stoppingSince, readyAt } = replica;
      const deployment = deployments.find(replica.deployment);
      if (deployment?.serving?.key !== replica.template || stoppingSince === undefined || readyAt === undefined) return;
      noteStopped(bookOf(deployment), clock.now() - stoppingSince);
      changed.add(deployment.name);
    },
    of: (deployment) => ({
      deployment: deployment.name,
      version: deployment.serving?.launch.version ?? null,
      ...latencyModel(bookOf(deployment)),
    }),
    async stop() {
      await stopSaving();
      // Best effort: what is not written is learned again.
      await save().catch(() => {});
    },
  };
}
