/** What control knows, in the words of its API. Pure: desired, starting, ready, draining and failed stay apart. */
import type { DeploymentView, GovernorView, ReplicaView } from '../api/schemas.ts';
import { wantedOf, type Deployment } from './deployments.ts';
import type { Known } from './by-deployment.ts';
import type { ColdStart } from './cold-start.ts';
import type { Replica } from './replica.ts';
import type { ConnectedGateway } from './connected-gateway.ts';
import { ejectionOf, loadOf, outstandingOf } from './observations.ts';

export function limitsText(limits: Replica['limits']): string {
  return limits.kind === 'unenforced' ? `not enforced: ${limits.reason}` : limits.kind;
}

function toReplicaView(replica: Replica, gateways: readonly ConnectedGateway[]): ReplicaView {
  const { id, deployment, version, phase, where, startedAt, readyAfterMs, residentBytes } = replica;
  const ejected = ejectionOf(gateways, id);
  const reason = ejected === undefined ? replica.reason : `not routed to: ${ejected}`;
  const outstanding = outstandingOf(gateways, id) ?? replica.inFlight;
  return {
    id,
    deployment,
    version,
    state: phase,
    where,
    startedAt,
    limits: limitsText(replica.limits),
    ...(readyAfterMs === undefined ? {} : { readyAfterMs: Math.round(readyAfterMs) }),
    ...(reason === undefined ? {} : { reason }),
    ...(residentBytes === undefined ? {} : { residentBytes }),
    ...(outstanding === undefined ? {} : { outstanding }),
  };
}

export function toDeploymentView(
  deployment: Deployment,
  { replicas: own, gateways }: Known,
  at: number,
): DeploymentView {
  const { name, record, upkeep, serving, target, targetError, coldStart } = deployment;
  const { min, max } = record.specification.replicas;
  const count = (...phases: readonly Replica['phase'][]): number =>
    own.filter(({ phase }) => phases.includes(phase)).length;
  const reason = targetError?.message ?? upkeep?.reason;
  return {
    name,
    model: record.specification.model,
    ...(serving === undefined ? {} : { serving: serving.launch.version }),
    ...(target === undefined ? {} : { target: target.launch.version }),
    state: upkeep?.state ?? 'starting',
    ...(reason === undefined ? {} : { reason }),
    desired: wantedOf(deployment),
    min,
    max,
    counts: {
      starting: count('starting', 'loading', 'warming'),
      ready: count('ready'),
      serving: own.filter(
        ({ id, phase, version }) =>
          phase === 'ready' && version === serving?.launch.version && ejectionOf(gateways, id) === undefined,
      ).length,
      draining: count('draining'),
      failed: count('failed'),
    },
    replicas: own.map((replica) => toReplicaView(replica, gateways)),
    ...(record.note === undefined ? {} : { note: record.note }),
    load: loadOf(gateways, name, at),
    ...(coldStart === undefined ? {} : { coldStart: rounded(coldStart) }),
    sloP99Ms: record.specification.slo.p99Ms ?? null,
    sloAvailability: record.specification.slo.availability,
  };
}

/** Tenths of a millisecond: more would be noise. */
function rounded(coldStart: ColdStart): ColdStart {
  const entries = Object.entries(coldStart).map(([name, value]) => [name, Math.round(value * 10) / 10]);
  return Object.fromEntries(entries) as ColdStart;
}

/** Whoever wonders why nothing moves finds it at the top. */
export function haltWarnings(halt: GovernorView['halt'], halts: NonNullable<GovernorView['halts']>): string[] {
  const own = Object.entries(halts).map(
    ([name, { by, reason }]) =>
      `${name} is halted by ${by}: ${reason}; its target is not changed by itself until flyball halt ${name} --release`,
  );
  if (halt === undefined) return own;
  const what = halt.scope === 'all' ? 'nothing is scaled, restored or woken' : 'no target is changed by itself';
  return [`halted by ${halt.by}: ${halt.reason}; ${what} until flyball halt --release`, ...own];
}

/** What an operator should know although nobody asked. */
export function warningsOf(
  deployments: readonly DeploymentView[],
  gateways: readonly ConnectedGateway[],
  trouble: string | undefined,
): string[] {
  const warnings: string[] = [];
  if (trouble !== undefined) warnings.push(`replicas cannot be looked after: ${trouble}`);
  if (gateways.length === 0) warnings.push('no gateway is connected');
  for (const deployment of deployments) {
    const { name, state, reason, replicas } = deployment;
    if (state === 'degraded' || state === 'failed') warnings.push(`${name}: ${reason ?? state}`);
    const { doubt, unsound } = deployment.governor ?? {};
    if (unsound !== undefined) warnings.push(`${name}: its scaling policy does not answer: ${unsound}`);
    else if (doubt !== undefined) {
      // Nobody but a person can say which of two sources is right.
      const ask = doubt.endsWith(' disagree') ? `: which is right? flyball why ${name}` : '';
      warnings.push(`${name}: held at ${deployment.desired}: ${doubt}${ask}`);
    }
    const unenforced = replicas.find(({ limits }) => limits.startsWith('not enforced'));
    if (unenforced !== undefined) warnings.push(`${name}: resource limits are ${unenforced.limits}`);
  }
  return warnings;
}

/** Keys on their way over a network that anybody may listen in to. */
export function keysInClear(listeners: Readonly<Record<string, { readonly url: string }>>): string[] {
  return Object.entries(listeners).flatMap(([name, { url }]) => {
    const { protocol, hostname } = new URL(url);
    if (protocol === 'https:' || hostname === '[::1]' || hostname.startsWith('127.')) return [];
    return [`listeners.${name} can be reached by others without TLS: keys travel in clear; set tls`];
  });
}
