/**
 * What the supervisor and its children (gateway workers, control) say over the child's IPC channel.
 * A child is forked with no arguments and learns everything from `start`; listening sockets follow, one message each,
 * as bound handles that the child listens on: the supervisor keeps its own copy, so the port stays open when the child
 * dies and callers wait in the kernel's backlog for the next one.
 */
import type { Specification } from '../config/specification.ts';
import type { DoorNews } from '../gateway/door-news.ts';
import type { IssuedCertificate } from '../tls/authority.ts';
import type { PeerIdentity } from '../tls/peer.ts';
import type { TlsMaterial } from '../tls/certificate.ts';
import type { FamiliesOf, MetricFamily } from '../telemetry/metrics.ts';
import type { ModelStatistics } from '../protocol/inference.ts';
import type { ServedListener } from './roles.ts';

export interface ProcessLimits {
  readonly bodyBytesMax: number;
  readonly headerBytesMax: number;
  readonly tensorElementsMax: number;
  readonly jsonDepthMax: number;
  readonly connectionsMax: number;
  readonly requestTimeoutMs: number;
}

export interface RunnerSettings {
  /** Runners that are kept started ahead of their replicas. */
  readonly prestarted: number;
  /** Of prepared model files; 0 makes none. */
  readonly preparedBytesMax: number;
}

export interface ProcessAuth {
  /** Where control leaves the first key, for this user alone. */
  readonly adminKey: string;
  /** That key itself, where it was given and need not be made; it is left nowhere then. */
  readonly givenKey?: string;
  /** Gateway workers of this machine, that share the keys' rate limits. */
  readonly workers: number;
}

export interface ProcessSettings {
  /** 0, 1, … among the gateway workers; 0 for control. */
  readonly worker: number;
  /** Gateway workers of this machine: 0 where control is alone. */
  readonly workers: number;
  readonly serverName: string;
  /** Unix milliseconds at which `up` began. */
  readonly startedAt: number;
  readonly dataDirectory: string;
  /** Short path for sockets (a Unix socket's path has at most 107 bytes), private to this user. */
  readonly runDirectory: string;
  /** Socket on which control publishes the routing table. */
  readonly controlSocket: string;
  /** What this machine is called. */
  readonly node: string;
  /** For a gateway whose control is on another machine: control's doors. */
  readonly doors?: readonly string[];
  /** For control whose gateways are on other machines: it opens its door whatever runs the replicas. */
  readonly authority?: IssuedCertificate;
  /** Socket of the supervisor: it closes when the supervisor is gone. */
  readonly lifeline: string;
  readonly limits: ProcessLimits;
  readonly runners: RunnerSettings;
  readonly registry: Specification['registry'];
  readonly orchestrator: Specification['orchestrator'];
  /** What this process shows to replicas that are reached over TCP with TLS; never on the disk. */
  readonly identity?: PeerIdentity;
  /** Folder of the archives that TorchServe's clients may register. */
  readonly modelStore?: string;
  /** Present where callers need a key. */
  readonly auth?: ProcessAuth;
  readonly requestLog: Specification['requestLog'];
  readonly store: Specification['store'];
  /** Addresses that people use, by listener: http, grpc, metrics, control. */
  readonly listeners: Readonly<Record<string, { readonly url: string }>>;
  readonly logLevel: string;
}

export type ToChild =
  | { readonly kind: 'start'; readonly settings: ProcessSettings }
  /** Carries the handle beside it. */
  | { readonly kind: 'listener'; readonly name: ServedListener; readonly tls?: TlsMaterial | undefined }
  /** From now on this listener serves new connections with another certificate. */
  | { readonly kind: 'tls'; readonly name: ServedListener; readonly tls: TlsMaterial }
  /** From now on it shows this to replicas and doors. */
  | { readonly kind: 'identity'; readonly identity: PeerIdentity }
  | { readonly kind: 'metrics'; readonly ask: number }
  /** To a gateway worker, which alone has any. */
  | { readonly kind: 'statistics'; readonly ask: number }
  /** By worker: what a gateway worker asked of the others. */
  | {
      readonly kind: 'other workers';
      readonly ask: number;
      readonly statistics: readonly (readonly ModelStatistics[])[];
    }
  /** To control: what it asked, of all processes. */
  | { readonly kind: 'families'; readonly ask: number; readonly parts: readonly FamiliesOf[] }
  /** Stop admitting, finish what is there, exit 0; past the deadline, abort. */
  | {
      readonly kind: 'drain';
      readonly deadlineMs: number;
      /** To control: another one will come and adopt what runs; only this process ends. */
      readonly replicasStay?: boolean;
    };

export type FromChild =
  | { readonly kind: 'ready' }
  /** From control: it waits for its turn, and why. */
  | { readonly kind: 'standby'; readonly why: string }
  | { readonly kind: 'metrics'; readonly ask: number; readonly families: readonly MetricFamily[] }
  | { readonly kind: 'statistics'; readonly ask: number; readonly statistics: readonly ModelStatistics[] }
  /** A gateway worker asks for the statistics of the others. */
  | { readonly kind: 'other workers'; readonly ask: number }
  /** Control asks what all processes have counted. */
  | { readonly kind: 'families'; readonly ask: number }
  /** From a gateway whose control is on another machine. */
  | { readonly kind: 'doors'; readonly news: DoorNews }
  /** From control: somebody asked for the whole platform to stop. */
  | { readonly kind: 'shutdown'; readonly by: string };
