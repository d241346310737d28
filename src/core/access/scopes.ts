/**
 * Who may do what. A key has scopes and, optionally, the deployments that they hold for. Pure.
 *
 *              admin            everything: models, deployments, specification, keys, shutdown
 *             ╱     ╲
 *       operate      infer      operate: mode, halt, approve, scale; infer: ask a model, and about that model
 *          │
 *         read                  status, metrics, statistics, everything that only looks
 *
 * `infer` and `read` do not imply each other: who monitors must not be able to spend the machine, and who sends
 * requests need not see what else runs. Invariant: more scopes, or no limit to deployments, never allow less.
 */

export const scopes = ['infer', 'read', 'operate', 'admin'] as const;
export type Scope = (typeof scopes)[number];

const implied: Readonly<Record<Scope, ReadonlySet<Scope>>> = {
  infer: new Set(['infer']),
  read: new Set(['read']),
  operate: new Set(['operate', 'read']),
  admin: new Set(scopes),
};

export interface Grant {
  readonly scopes: readonly Scope[];
  /** Absent: every deployment, and what concerns the platform as a whole. */
  readonly deployments?: readonly string[] | undefined;
}

export interface Need {
  /** One of these is enough. */
  readonly anyOf: readonly Scope[];
  /** The deployment it concerns; absent when it concerns more than one. */
  readonly deployment?: string | undefined;
  /** What is given is cut down to the caller's deployments, so that no key is too narrow for it. */
  readonly cutDown?: boolean | undefined;
}

export function holds(grant: Pick<Grant, 'scopes'>, scope: Scope): boolean {
  return grant.scopes.some((own) => implied[own].has(scope));
}

export function covers(grant: Pick<Grant, 'deployments'>, deployment: string): boolean {
  return grant.deployments === undefined || grant.deployments.includes(deployment);
}

/** Why not, in words; undefined when it is allowed. */
export function whyNot(grant: Grant, need: Need): string | undefined {
  if (!need.anyOf.some((scope) => holds(grant, scope))) {
    return `expected a key with the scope ${need.anyOf.join(' or ')}, got one with ${grant.scopes.join(', ')}`;
  }
  if (grant.deployments === undefined || need.cutDown === true) return undefined;
  const own = grant.deployments.join(', ');
  if (need.deployment === undefined) return `expected a key for the whole platform, got one for only ${own}`;
  if (covers(grant, need.deployment)) return undefined;
  return `expected a key for this deployment, got one for only ${own}`;
}
