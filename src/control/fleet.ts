/**
 * Every replica that control answers for: started or adopted, watched over its socket, drained, stopped. It carries out
 * what upkeep has decided and says what became of it; it decides nothing.
 * Invariant: a replica's record is in the store before its process exists and until its process is gone, so that the
 * next control finds every process that this one has started.
 */
import type { Clock } from '../clock.ts';
import type { PeerIdentity } from '../tls/peer.ts';
import type { Store } from '../store/store.ts';
import { publish } from '../telemetry/events.ts';
import { openBackground } from './background.ts';
import type { FoundReplica, Orchestrator, ReplicaOrder, ReplicaResources } from './orchestrator.ts';
import { openReplicaLink, type ReplicaLink } from './replica-link.ts';
import { announce, openReplicaPhases } from './replica-phases.ts';
import { adoptedReplica, isRestorable, orderedReplica, type Replica } from './replica.ts';

export type FleetEvent =
  | { readonly kind: 'changed'; readonly replica: Replica }
  | { readonly kind: 'ready'; readonly replica: Replica }
  | { readonly kind: 'load-failed'; readonly replica: Replica; readonly reason: string }
  | { readonly kind: 'died'; readonly replica: Replica; readonly reason: string }
  | { readonly kind: 'gone'; readonly replica: Replica };

export interface Fleet extends AsyncDisposable {
  replicas(): readonly Replica[];
  /** Takes over what an earlier control left; returns when each has said what it is, or is dead. */
  adopt(): Promise<void>;
  /** The record is durable when this returns; the process follows. */
  start(deployment: string, order: ReplicaOrder): Promise<void>;
  drain(id: string, reason: string): Promise<void>;
  /** It was draining and takes requests again; nothing happens to one that is on its way out already. */
  restore(id: string, reason: string): void;
  stop(id: string, reason: string, graceMs: number): void;
  /** It is of no use as it is: ended at once, and dead by that. */
  kill(id: string, reason: string): void;
  /** Applies limits that have changed to the replicas that are ready. */
  settle(deployment: string, resources: ReplicaResources): void;
  /** Ends every replica, for the end of the platform. */
  stopAll(graceMs: number): Promise<void>;
}

export interface FleetOptions {
  readonly orchestrator: Orchestrator;
  readonly store: Store;
  readonly clock: Clock;
  /** What is shown to replicas that are reached over TCP with TLS. */
  readonly identity?: PeerIdentity | undefined;
  /** Token of the lease under which this control acts; absent where there is none. */
  readonly epoch?: number | undefined;
  readonly onEvent: (event: FleetEvent) => void;
  /** How long a replica of this deployment may answer nothing before it is ended and replaced. */
  readonly silentMs: (deployment: string) => number;
}

/** A replica that was alive before must answer within this, or adoption goes on without it. */
const adoptionMs = 5000;
/** One that was ready before is no process that boots: when it has not said a word for so long, its machine is gone. */
const lostMs = 10_000;

export function openFleet(options: FleetOptions): Fleet {
  const { orchestrator, store, clock, onEvent } = options;
  const replicas = new Map<string, Replica>();
  const links = new Map<string, ReplicaLink>();
  /** Adopted and not heard of yet; called at the first word or the end. */
  const awaited = new Map<string, () => void>();
  const aborted = new AbortController();
  const background = openBackground(aborted.signal);
  const phases = openReplicaPhases({
    store,
    clock,
    background,
    onEvent(event) {
      if (event.kind === 'ready') limit(event.replica, event.replica.order.resources);
      onEvent(event);
    },
  });

  const isCurrent = (replica: Replica): boolean => replicas.get(replica.id) === replica;

  function forget(replica: Replica): void {
    if (!isCurrent(replica)) return;
    replicas.delete(replica.id);
    awaited.get(replica.id)?.();
    links.get(replica.id)?.close();
    links.delete(replica.id);
    background.run(`forgetting ${replica.id}`, () => store.removeReplica(replica.id));
  }

  /** Gone, and nobody's fault. */
  function ended(replica: Replica, reason: string): void {
    if (replica.stopping) return;
    forget(replica);
    announce(replica, 'stopped', reason);
    onEvent({ kind: 'gone', replica });
  }

  function died(replica: Replica, reason: string): void {
    if (!isCurrent(replica) || replica.stopping) return;
    forget(replica);
    // One that said why it could not load, or that was to go anyway, has been accounted for.
    if (replica.phase === 'failed' || replica.phase === 'draining') {
      ended(replica, reason);
      return;
    }
    replica.phase = 'failed';
    replica.reason = reason;
    announce(replica, 'failed', reason);
    onEvent({ kind: 'died', replica, reason });
  }

  function limit(replica: Replica, resources: ReplicaResources): void {
    background.run(`limits of ${replica.id}`, async () => {
      replica.limits = await orchestrator.settle(replica.id, resources);
      onEvent({ kind: 'changed', replica });
    });
  }

  function watch(replica: Replica, found: FoundReplica, firstWordMs?: number): void {
    replica.address = found.address;
    replica.where = found.where;
    if (found.node !== undefined) replica.node = found.node;
    replica.limits = found.limits;
    const link = openReplicaLink(
      found.address,
      { replica: replica.id, identity: options.identity, epoch: options.epoch },
      {
        onFacts(facts) {
          if (isCurrent(replica) && !replica.stopping) phases.learn(replica, facts);
          awaited.get(replica.id)?.();
        },
        onStatus(status) {
          replica.residentBytes = status.residentBytes;
          replica.inFlight = status.inFlight;
          const { cpuSeconds, inferences } = status;
          const before = replica.words?.latest;
          replica.words = {
            latest: { at: clock.now(), cpuSeconds, inferences },
            ...(before === undefined ? {} : { before }),
          };
        },
        onDead: (reason) => kill(replica, reason),
      },
      clock,
      () => options.silentMs(replica.deployment),
      firstWordMs,
    );
    links.set(replica.id, link);
  }

  function kill(replica: Replica, reason: string): void {
    if (!isCurrent(replica) || replica.stopping) return;
    background.run(`ending ${replica.id}`, () => orchestrator.kill(replica.id));
    died(replica, reason);
  }

  orchestrator.onExit(({ id, reason, byEngine }) => {
    const replica = replicas.get(id);
    if (replica === undefined) return;
    if (byEngine === true) ended(replica, reason);
    else died(replica, reason);
  });

  orchestrator.onDrift?.(({ deployment, reason }) => {
    publish('flyball:control', { action: 'drift', subject: deployment, by: 'upkeep', reason });
  });

  async function stopOne(replica: Replica, reason: string, graceMs: number): Promise<void> {
    if (!isCurrent(replica) || replica.stopping) return;
    replica.stopping = true;
    replica.stoppingSince = clock.now();
    links.get(replica.id)?.close();
    await orchestrator.stop(replica.id, graceMs);
    forget(replica);
    announce(replica, 'stopped', reason);
    onEvent({ kind: 'gone', replica });
  }

  return {
    replicas: () => [...replicas.values()],

    async adopt() {
      const records = new Map((await store.replicas()).map((record) => [record.id, record]));
      const words: Promise<void>[] = [];
      for (const found of await orchestrator.list()) {
        const record = records.get(found.id);
        records.delete(found.id);
        if (record === undefined) {
          // Nobody knows any more what it was for.
          await orchestrator.stop(found.id, 0);
          continue;
        }
        const replica = adoptedReplica(record, clock);
        replicas.set(replica.id, replica);
        const { promise, resolve } = Promise.withResolvers<void>();
        const cancel = clock.after(adoptionMs, resolve);
        awaited.set(replica.id, resolve);
        words.push(promise.finally(cancel));
        const wasReady = record.phase === 'ready';
        watch(replica, found, wasReady ? Math.max(lostMs, options.silentMs(replica.deployment)) : undefined);
        announce(replica, 'adopted', 'it was there when control started');
      }
      // Ordered but never started, or dead in the meantime.
      for (const id of records.keys()) await store.removeReplica(id);
      await Promise.all(words);
      awaited.clear();
    },

    async start(deployment, order) {
      const { id, launch } = order;
      const replica = orderedReplica(deployment, order, clock);
      replicas.set(id, replica);
      const { version, startedAt, phase } = replica;
      await store.putReplica({ id, deployment, version, digest: launch.digest, order, startedAt, phase });
      background.run(`starting ${id}`, async () => {
        try {
          const found = await orchestrator.start(order, aborted.signal);
          if (!isCurrent(replica) || replica.stopping) {
            await orchestrator.stop(id, 0);
            return;
          }
          watch(replica, found);
          announce(replica, 'starting', 'its process runs');
        } catch (error) {
          if (aborted.signal.aborted) return;
          const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : '';
          died(replica, `${error instanceof Error ? error.message : String(error)}${cause}`);
        }
      });
    },

    async drain(id, reason) {
      const replica = replicas.get(id);
      if (replica === undefined || replica.stopping || replica.phase === 'draining') return;
      replica.drainingSince = clock.now();
      replica.reason = reason;
      phases.enter(replica, 'draining', reason);
    },

    restore(id, reason) {
      const replica = replicas.get(id);
      if (replica === undefined || !isRestorable(replica)) return;
      delete replica.drainingSince;
      delete replica.reason;
      replica.readyAt ??= clock.now();
      phases.enter(replica, 'ready', reason);
    },

    stop(id, reason, graceMs) {
      const replica = replicas.get(id);
      if (replica !== undefined) background.run(`stopping ${id}`, () => stopOne(replica, reason, graceMs));
    },

    kill(id, reason) {
      const replica = replicas.get(id);
      if (replica !== undefined) kill(replica, reason);
    },

    settle(deployment, resources) {
      for (const replica of replicas.values()) {
        if (replica.deployment !== deployment || replica.readyAt === undefined || replica.stopping) continue;
        limit(replica, resources);
      }
    },

    async stopAll(graceMs) {
      await Promise.all([...replicas.values()].map((replica) => stopOne(replica, 'the platform stops', graceMs)));
      await orchestrator.clear?.();
      await background.settled();
    },

    async [Symbol.asyncDispose]() {
      aborted.abort();
      for (const link of links.values()) link.close();
      await background.settled();
    },
  };
}
