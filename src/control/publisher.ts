/**
 * From deployments and replicas to the table that leaves, with a revision; and back from the gateways' confirmations to
 * "this replica is drained".
 *
 *   a replica that is to go:  ready ──(its version's queue is empty)──▶ draining ──(confirmed, none in flight)──▶ drained
 *
 * Invariant: nothing is published before the first `publish`, which comes after adoption; revisions only grow.
 */
import type { Clock } from '../clock.ts';
import type { RoutingTable } from '../gateway/routing-table.ts';
import type { Store } from '../store/store.ts';
import type { Deployment } from './deployments.ts';
import type { Replica } from './replica.ts';
import type { GatewayChannel } from './gateway-channel.ts';
import { drainConfirmed, queueEmpty } from './observations.ts';
import { routingTable, type RoutableDeployment, type RoutableReplica, type RoutableVersion } from './routing.ts';

export interface Publisher {
  /** Publishes when something has changed. */
  publish(deployments: readonly Deployment[], replicas: readonly Replica[]): Promise<void>;
  isDrained(replica: Replica): boolean;
  /** Every gateway acts on the last table; one that does not answer is waited for a while and no longer. */
  isInForce(): boolean;
  revision(): number;
}

/** Without a gateway there is nobody to confirm; one that only lost its connection is back within this. */
const reconnectMs = 2000;
/** How long a gateway that hangs can keep others from hearing that what they asked for is done. */
const confirmMsMax = 2000;
/** A retired version's queue may use this share of the drain time; the rest is for what is in flight. */
const queueShare = 0.5;

export function openPublisher(options: {
  readonly channel: GatewayChannel;
  readonly store: Store;
  readonly serverName: string;
  /** Of the routing table. */
  readonly epoch?: number | undefined;
  readonly clock: Clock;
}): Publisher {
  const { channel, store, serverName, epoch, clock } = options;
  let revision = channel.found?.revision ?? 0;
  let last: string | undefined;
  let publishedAt = 0;
  /** Revision of the first table in which a replica's version was retired, and in which it was draining. */
  const retiredIn = new Map<string, number>();
  const drainingIn = new Map<string, number>();

  function stateOf(deployment: Deployment, replica: Replica): 'ready' | 'draining' {
    if (replica.phase === 'ready') return 'ready';
    if (drainingIn.has(replica.id)) return 'draining';
    const retired = deployment.removing || deployment.serving?.launch.version !== replica.version;
    if (!retired) return 'draining';
    const since = retiredIn.get(replica.id);
    const waited = clock.now() - (replica.drainingSince ?? 0);
    if (waited > deployment.record.specification.drainMs * queueShare) return 'draining';
    const gateways = channel.gateways();
    if (gateways.length === 0) return 'draining';
    return since !== undefined && queueEmpty(gateways, deployment.name, replica.version, since) ? 'draining' : 'ready';
  }

  function routable(deployment: Deployment, replicas: readonly Replica[]): RoutableDeployment {
    const serving = deployment.removing ? undefined : deployment.serving?.launch.version;
    const listed = replicas.flatMap((replica): readonly RoutableReplica[] => {
      const { id, version, phase, address } = replica;
      if (replica.stopping || address === undefined || (phase !== 'ready' && phase !== 'draining')) return [];
      // Of the next version nothing is routed to before it serves; other settings of the same version help at once.
      if (phase === 'ready' && version !== serving) return [];
      // It was told to go before it had ever served.
      if (phase === 'draining' && replica.readyAt === undefined && !replica.adopted) return [];
      return [{ id, address, version, state: stateOf(deployment, replica) }];
    });
    const wanted = new Set(listed.map(({ version }) => version));
    if (serving !== undefined) wanted.add(serving);
    return {
      name: deployment.name,
      model: deployment.record.specification.model,
      specification: deployment.record.specification,
      serving,
      versions: [...wanted].flatMap((version) => routableVersion(deployment, version, replicas)),
      replicas: listed,
      notReadyReason: deployment.removing ? 'the deployment is being removed' : deployment.upkeep?.reason,
      wakes: deployment.record.specification.replicas.min === 0 && !deployment.removing,
      startMs: deployment.coldStart?.totalMs,
      callers: deployment.upkeep?.callers ?? 'refuse',
    };
  }

  return {
    async publish(deployments, replicas) {
      const of = (name: string): readonly Replica[] => replicas.filter((replica) => replica.deployment === name);
      const table = routingTable(
        serverName,
        deployments.map((deployment) => routable(deployment, of(deployment.name))),
      );
      const text = JSON.stringify(table);
      if (text === last) return;
      revision = Math.max(await store.nextRevision(), revision + 1);
      const whole: RoutingTable = { revision, ...(epoch !== undefined && { epoch }), ...table };
      await channel.publish(whole);
      last = text;
      publishedAt = clock.now();
      remember(whole, revision);
    },
    isDrained(replica) {
      const since = drainingIn.get(replica.id);
      if (since === undefined) {
        // Listed in no table: nobody can have anything there.
        return replica.readyAt === undefined && !replica.adopted;
      }
      const gateways = channel.gateways();
      if (gateways.length === 0) return clock.now() - (replica.drainingSince ?? 0) >= reconnectMs;
      return drainConfirmed(gateways, replica.id, since);
    },
    isInForce: () =>
      clock.now() - publishedAt > confirmMsMax || channel.gateways().every((gateway) => gateway.revision >= revision),
    revision: () => revision,
  };

  function remember(table: RoutingTable, at: number): void {
    const present = new Set<string>();
    for (const deployment of table.deployments) {
      for (const version of deployment.versions) {
        for (const { id, state } of version.replicas) {
          present.add(id);
          // It serves, perhaps again: whatever was confirmed of an earlier drain says nothing about the next one.
          if (version.version === deployment.serving && state === 'ready') {
            retiredIn.delete(id);
            drainingIn.delete(id);
          }
          if (version.version !== deployment.serving && !retiredIn.has(id)) retiredIn.set(id, at);
          if (state === 'draining' && !drainingIn.has(id)) drainingIn.set(id, at);
          // Recalled: a confirmation of the drain that was called off says nothing about the next one.
          if (state === 'ready') drainingIn.delete(id);
          if (version.version === deployment.serving) retiredIn.delete(id);
        }
      }
    }
    for (const map of [retiredIn, drainingIn]) for (const id of map.keys()) if (!present.has(id)) map.delete(id);
  }
}

function routableVersion(
  deployment: Deployment,
  version: string,
  replicas: readonly Replica[],
): readonly RoutableVersion[] {
  const record = deployment.versions.get(version);
  const facts = replicas.find(
    (replica) => replica.version === version && replica.facts?.costCurve !== undefined,
  )?.facts;
  const all = replicas.flatMap(({ version: its, facts: words }) =>
    its === version && words !== undefined ? [words] : [],
  );
  // One that still loads does not know what the model takes; a server is the only one that does.
  const told = all.find(({ signature }) => signature !== undefined) ?? all[0];
  if (record === undefined && told === undefined) return [];
  const signature = told?.signature ?? record?.signature;
  if (signature === undefined) return [];
  return [
    {
      version,
      digest: told?.digest ?? record?.digest ?? '',
      platform: told?.platform ?? record?.platform ?? '',
      signature,
      takesFiles: told?.takesFiles ?? record?.modelFile.pipeline !== undefined,
      batching: record?.modelFile.batching,
      costCurve: facts?.costCurve ?? [],
      labels: record?.labels ?? {},
    },
  ];
}
