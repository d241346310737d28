/** What control is started with, and what whoever started it holds of it. */
import type { DeploymentView, StatusView } from '../api/schemas.ts';
import type { SinkView } from '../api/sink-schemas.ts';
import type { KeyTable } from '../auth/key-table.ts';
import type { Clock } from '../clock.ts';
import type { Registry } from '../registry/registry.ts';
import type { SeriesLog } from '../series/series-log.ts';
import type { Store } from '../store/store.ts';
import type { PeerIdentity } from '../tls/peer.ts';
import type { GatewayChannel } from './gateway-channel.ts';
import type { ControlService } from './control-service.ts';
import type { Halt } from './governor/modes.ts';
import type { NodeParts, Nodes } from './nodes/nodes.ts';
import type { OpenNotifier } from './notifications/notifier.ts';
import type { Orchestrator } from './orchestrator.ts';
import type { SinksParts } from './sinks/sinks.ts';

export interface ControlOptions {
  readonly store: Store;
  readonly registry: Registry;
  /** Where series are kept; it is closed with control. */
  readonly seriesLog: SeriesLog;
  readonly orchestrator: Orchestrator;
  readonly clock: Clock;
  readonly cores: number;
  readonly serverName: string;
  /** Of this software. */
  readonly version: string;
  readonly startedAt: number;
  readonly dataDirectory: string;
  readonly runDirectory: string;
  readonly controlSocket: string;
  readonly listeners: StatusView['listeners'];
  /** This machine: what it is called, and how it is looked at. */
  readonly node: Pick<NodeParts, 'name' | 'read'>;
  /** What is shown to replicas that are reached over TCP with TLS. */
  readonly identity?: PeerIdentity | undefined;
  /** Present where callers need keys. */
  readonly keys?: {
    /** Gateway workers, each of which acts on the table. */
    readonly gateways: readonly number[];
    /** For the API here. */
    apply(table: KeyTable): void;
  };
  /** Present where telemetry can be sent: what all processes have counted, and chance for the pauses between tries. */
  readonly telemetry?: Pick<SinksParts, 'families' | 'rng'> | undefined;
  /** Token of the lease under which this control acts; absent where there is only ever one control. */
  readonly epoch?: number | undefined;
  /** How messages leave. */
  readonly openNotifier: OpenNotifier;
  /** What the status says of the store. */
  readonly storeSeen?: StatusView['store'];
  /** Somebody asked for the whole platform to stop. */
  readonly onShutdown: (by: string) => void;
}

export interface Control extends AsyncDisposable {
  readonly service: ControlService;
  /** For gateways of other machines, which come through the door. */
  readonly takeGateway: GatewayChannel['take'];
  /** As the API shows them, without waiting; for gauges. */
  deployments(): readonly DeploymentView[];
  /** What stops the governor of a deployment, if anything. */
  halt(deployment: string): Halt | undefined;
  readonly nodes: Pick<Nodes, 'register'>;
  /** Where telemetry is sent, without waiting; for gauges. */
  sinks(): readonly SinkView[];
  /** How often a gateway of another machine did not tell in time what it has counted. */
  familiesMissed(): number;
  /** Drains and ends every replica, for the end of the platform; what is wanted stays in the store for the next `up`. */
  drain(deadlineMs: number): Promise<void>;
}
