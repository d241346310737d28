/**
 * The routing table put to work: one version dispatcher for each deployment version in it, kept through every change of
 * the table that leaves the version in. It knows no protocol and no model by itself.
 */
import type { Clock } from '../clock.ts';
import type { ConnectReplica } from './replica-connection.ts';
import {
  emptyRoutingTable,
  type DeploymentRoute,
  type ReplicaObservation,
  type RoutingTable,
  type VersionObservation,
} from './routing-table.ts';
import { VersionDispatcher } from './version-dispatcher.ts';

export interface DeployedVersions {
  readonly route: DeploymentRoute;
  /** What new requests go to; absent until one is ready. */
  readonly serving: VersionDispatcher | undefined;
  readonly versions: readonly VersionDispatcher[];
}

/** A replica that hangs is found this much later at most than it could be. */
export const watchEveryMs = 100;

export interface DispatcherOptions {
  readonly clock: Clock;
  readonly connect: ConnectReplica;
  /** The last call of a draining replica has ended, or there was none: worth telling control at once. */
  onDrained(): void;
  /** A request waits for a replica that is not there, or more wait than there are replicas: control must hear at once. */
  onWaiting(): void;
}

export interface Dispatcher {
  readonly table: RoutingTable;
  /** Whether the table wants any request logged. */
  readonly logs: boolean;
  apply(table: RoutingTable): void;
  deployment(name: string): DeployedVersions | undefined;
  deployments(): Iterable<DeployedVersions>;
  observe(): { readonly versions: VersionObservation[]; readonly replicas: ReplicaObservation[] };
  /** Looks for replicas that hang; to be called every {@link watchEveryMs} or so. */
  watch(): void;
  /** Fails what waits and parts with all replicas. */
  close(reason: string): void;
}

export function createDispatcher(options: DispatcherOptions): Dispatcher {
  let table = emptyRoutingTable;
  let logs = false;
  let deployed = new Map<string, DeployedVersions>();
  /** By deployment, version and digest: another content under the same name is another version. */
  let dispatchers = new Map<string, VersionDispatcher>();

  const close = (
    reason: string,
    kept: ReadonlyMap<string, VersionDispatcher>,
    next: ReadonlyMap<string, DeployedVersions>,
  ): void => {
    for (const [key, dispatcher] of dispatchers) {
      if (!kept.has(key)) dispatcher.close(reason, next.get(dispatcher.deployment)?.serving);
    }
  };

  return {
    get table() {
      return table;
    },
    get logs() {
      return logs;
    },
    apply(next) {
      const kept = new Map<string, VersionDispatcher>();
      const nextDeployed = new Map<string, DeployedVersions>();
      for (const deployment of next.deployments) {
        const versions = deployment.versions.map((route) => {
          const key = `${deployment.name}\n${route.version}\n${route.digest}`;
          let dispatcher = dispatchers.get(key);
          if (dispatcher === undefined) dispatcher = new VersionDispatcher({ ...options, deployment, route });
          else dispatcher.update(deployment, route);
          kept.set(key, dispatcher);
          return dispatcher;
        });
        const serving = versions.find((version) => version.route.version === deployment.serving);
        nextDeployed.set(deployment.name, { route: deployment, serving, versions });
      }
      close('the version is no longer served', kept, nextDeployed);
      dispatchers = kept;
      deployed = nextDeployed;
      table = next;
      logs = next.deployments.some((deployment) => deployment.requestLog !== undefined);
      const draining = next.deployments.some((deployment) =>
        deployment.versions.some((version) => version.replicas.some((replica) => replica.state === 'draining')),
      );
      if (draining) options.onDrained();
    },
    deployment: (name) => deployed.get(name),
    deployments: () => deployed.values(),
    observe() {
      const all = [...dispatchers.values()];
      return {
        versions: all.map((dispatcher) => dispatcher.observe()),
        replicas: all.flatMap((dispatcher) => dispatcher.observeReplicas()),
      };
    },
    watch() {
      const at = options.clock.now();
      for (const dispatcher of dispatchers.values()) dispatcher.watch(at);
    },
    close(reason) {
      close(reason, new Map(), new Map());
      dispatchers = new Map();
      deployed = new Map();
    },
  };
}
