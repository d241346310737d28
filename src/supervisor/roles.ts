/**
 * What a supervisor keeps alive: the whole platform of one machine, control alone, or the gateway workers of a machine whose
 * control is on another one. Pure: which processes there are, and which listeners they serve.
 */
import type { IssuedCertificate } from '../tls/authority.ts';
import type { PeerIdentity } from '../tls/peer.ts';

/** In the order in which they are bound and shown. */
export const listenerNames = ['http', 'grpc', 'metrics', 'control', 'management'] as const;
export type ListenerName = (typeof listenerNames)[number];
/** Listeners that a child serves; the metrics are the supervisor's own. */
export type ServedListener = Exclude<ListenerName, 'metrics'>;

/** Those that are always there, by role; `management` is there only where the specification names it. */
const always = {
  platform: ['http', 'grpc', 'metrics', 'control'],
  control: ['metrics', 'control'],
  gateway: ['http', 'grpc', 'metrics'],
} as const satisfies Record<string, readonly ListenerName[]>;

export type RoleKind = keyof typeof always;

export type PerListener<T, Kind extends RoleKind> = Readonly<
  Record<'metrics' | (typeof always)[Kind][number], T> & Partial<Record<ListenerName, T>>
>;

/** A role, and what it needs that no specification and no data directory says. */
export type Role =
  | { readonly kind: 'platform' }
  | {
      readonly kind: 'control';
      readonly authority: IssuedCertificate;
      /** The first key, where callers need one; absent: one is made. */
      readonly adminKey?: string | undefined;
      /** What this machine is called. */
      readonly node: string;
    }
  | {
      readonly kind: 'gateway';
      readonly identity: PeerIdentity;
      /** Control's, any of which may lead to the one that acts: `https://10.0.0.1:8003`. */
      readonly doors: readonly string[];
      readonly node: string;
    };

const servedBy = { control: ['control', 'management'], gateway: ['http', 'grpc'] } as const satisfies Record<
  string,
  readonly ServedListener[]
>;

export interface PlannedChild {
  readonly role: keyof typeof servedBy;
  /** 0, 1, … among the gateway workers; 0 for control. */
  readonly worker: number;
  readonly listeners: readonly ServedListener[];
}

export function listenersOf(kind: RoleKind): readonly ListenerName[] {
  return kind === 'gateway' ? always.gateway : [...always[kind], 'management'];
}

/** `workers`: that the specification wants of a gateway, ≥ 1. */
export const workersOf = (kind: RoleKind, workers: number): number => (kind === 'control' ? 0 : workers);

/** Control first, where it is one of them. */
export function childrenOf(kind: RoleKind, workers: number): readonly PlannedChild[] {
  const control: PlannedChild = { role: 'control', worker: 0, listeners: servedBy.control };
  const gateways = Array.from({ length: workersOf(kind, workers) }, (_, worker): PlannedChild => ({
    role: 'gateway',
    worker,
    listeners: servedBy.gateway,
  }));
  return kind === 'gateway' ? gateways : [control, ...gateways];
}
