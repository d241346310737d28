/** The machines that replicas run on, looked at every few seconds: this one, or a cluster's. For the API, and as metrics. */
import type { NodeView } from '../../api/node-schemas.ts';
import type { Clock } from '../../clock.ts';
import type { HostReading } from '../../telemetry/host/reading.ts';
import type { Registry } from '../../telemetry/registry.ts';
import { registerNodeFamilies } from '../../telemetry/host/node-families.ts';
import type { Cluster } from './cluster.ts';
import { clusterViews } from './cluster-view.ts';
import { periodically } from '../periodically.ts';
import { registerReplicaFamilies } from './replica-families.ts';
import { toNodeView, type ReplicaOnNode } from './view.ts';

export interface NodeParts {
  readonly name: string;
  readonly dataDirectory: string;
  readonly clock: Clock;
  /** `at`: monotonic milliseconds. */
  readonly read: (dataDirectory: string, at: number) => HostReading;
  readonly replicas: () => readonly ReplicaOnNode[];
  readonly cluster?: Pick<Cluster, 'seen'>;
}

export interface Nodes {
  /** `isShown`: of which deployments the caller may know. */
  list(isShown?: (deployment: string) => boolean): readonly NodeView[];
  register(registry: Registry): void;
  stop(): Promise<void>;
}

/** Rates are between two looks that are so far apart; shorter ones would show the scheduler rather than the load. */
const lookEveryMs = 5000;
/** One scrape asks for many families: they are of one look. */
const rememberedMs = 100;

export function startNodes({ name, dataDirectory, clock, read, replicas, cluster }: NodeParts): Nodes {
  const look = (): HostReading => read(dataDirectory, clock.now());
  let before: HostReading | undefined;
  let latest = look();
  let latestWall = clock.wall();
  let scraped = latest;
  const stop = periodically(clock, lookEveryMs, 'looking at the node', async () => {
    before = latest;
    latest = look();
    latestWall = clock.wall();
  });
  return {
    list(isShown = () => true) {
      const shown = replicas().filter(({ deployment }) => isShown(deployment));
      const seen = cluster?.seen();
      const here = { name, at: latestWall, before, now: latest, dataDirectory };
      return seen === undefined
        ? [toNodeView({ ...here, replicas: shown })]
        : clusterViews(seen, toNodeView({ ...here, replicas: [] }), shown);
    },
    register(registry) {
      registerNodeFamilies(registry, name, () => {
        if (clock.now() - scraped.at > rememberedMs) scraped = look();
        return scraped;
      });
      registerReplicaFamilies(registry, name, replicas);
    },
    stop,
  };
}
